//! A watch: what is there, if that is asked for, then what changes, with bookmarks in between.

use super::Shared;
use crate::testbed::api::fault::Break;
use crate::testbed::api::query::{Place, Query};
use crate::testbed::api::selector::Selector;
use crate::testbed::api::status::failure;
use crate::testbed::http::Connection;
use serde_json::{Value, json};
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often a quiet watch gets a bookmark; a real server sends one a minute.
const BOOKMARK: Duration = Duration::from_millis(500);
/// How long a watch sleeps at most, if nothing wakes it.
const LOOK: Duration = Duration::from_millis(50);

/// Writes a watch to its end; true if the connection can be used again.
pub(super) fn serve(
    connection: &mut Connection,
    shared: &Shared,
    place: &Place,
    query: &Query,
    client: &str,
) -> io::Result<bool> {
    connection.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let (labels, fields) = query.selectors();
    let mut watch = Watch {
        connection,
        shared,
        place,
        client,
        labels,
        fields,
        bookmarks: query.is_set("allowWatchBookmarks"),
        began: shared.lock().faults.count(),
        until: query
            .number("timeoutSeconds")
            .map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        at: 0,
    };
    watch.begin(query)?;
    watch.run()
}

struct Watch<'a> {
    connection: &'a mut Connection,
    shared: &'a Shared,
    place: &'a Place,
    /// Its User-Agent.
    client: &'a str,
    labels: Selector,
    fields: Selector,
    bookmarks: bool,
    /// The count of breaks when it began.
    began: u64,
    until: Option<Instant>,
    /// The version up to which everything was told.
    at: u64,
}

/// What comes next.
enum Next {
    Events(Vec<Value>),
    Bookmark,
    Broken(Break),
    Expired,
    Over,
    Down,
}

impl Watch<'_> {
    /// Tells what is there already, unless the client knows it.
    fn begin(&mut self, query: &Query) -> io::Result<()> {
        let known = query.number("resourceVersion").filter(|version| *version > 0);
        if let Some(version) = known {
            self.at = version;
            return Ok(());
        }
        let (objects, version) = {
            let state = self.shared.lock();
            (
                self.place.select(&state.store, query).collect::<Vec<_>>(),
                state.store.version(),
            )
        };
        for object in objects {
            self.event("ADDED", &object)?;
        }
        self.at = version;
        if query.is_set("sendInitialEvents") {
            self.bookmark(&json!({"k8s.io/initial-events-end": "true"}))?;
        }
        Ok(())
    }

    fn run(&mut self) -> io::Result<bool> {
        loop {
            match self.next() {
                Next::Events(events) => {
                    for event in events {
                        self.line(&event)?;
                    }
                }
                Next::Bookmark => self.bookmark(&json!({}))?,
                Next::Over | Next::Broken(Break::End) => return self.end(),
                Next::Broken(Break::Expire) | Next::Expired => {
                    self.event("ERROR", &failure(410, "too old resource version", None))?;
                    return self.end();
                }
                Next::Broken(Break::Cut) => {
                    self.connection.write(b"fff\r\n{\"type\":\"MODI")?;
                    return Ok(false);
                }
                Next::Down => return Ok(false),
            }
        }
    }

    /// Waits for something to tell.
    fn next(&mut self) -> Next {
        let bookmark = Instant::now() + BOOKMARK;
        let mut state = self.shared.lock();
        loop {
            if state.faults.down || self.shared.stopped.load(Ordering::Relaxed) {
                return Next::Down;
            }
            if let Some(how) = state.faults.broken(self.place.resource.plural, self.began) {
                return Next::Broken(how);
            }
            if !state.store.serves_version(self.place.resource, &self.place.version) {
                return Next::Over;
            }
            if state.faults.is_stalled(self.place.resource.plural, self.client) {
                let waited = self.shared.changed.wait_timeout(state, LOOK);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let Some(changes) = state.store.since(self.at) else {
                return Next::Expired;
            };
            let of_this = changes.filter(|change| {
                change.key.is_of(self.place.resource)
                    && self.place.holds(&change.key)
                    && self.labels.labels(&change.object)
                    && self.fields.fields(&change.object)
            });
            let events: Vec<Value> = of_this
                .map(|change| json!({"type": change.kind, "object": self.place.as_version(change.object.clone())}))
                .collect();
            self.at = state.store.version().max(self.at);
            if !events.is_empty() {
                return Next::Events(events);
            }
            let now = Instant::now();
            if self.until.is_some_and(|until| now >= until) {
                return Next::Over;
            }
            if self.bookmarks && now >= bookmark {
                return Next::Bookmark;
            }
            let waited = self.shared.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn bookmark(&mut self, annotations: &Value) -> io::Result<()> {
        let object = json!({
            "apiVersion": self.place.resource.api_version(&self.place.version),
            "kind": self.place.resource.kind,
            "metadata": {"resourceVersion": self.at.to_string(), "annotations": annotations},
        });
        self.event("BOOKMARK", &object)
    }

    fn event(&mut self, kind: &str, object: &Value) -> io::Result<()> {
        self.line(&json!({"type": kind, "object": object}))
    }

    fn line(&mut self, event: &Value) -> io::Result<()> {
        let line = format!("{event}\n");
        self.connection
            .write(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes())
    }

    fn end(&mut self) -> io::Result<bool> {
        self.connection.write(b"0\r\n\r\n")?;
        Ok(true)
    }
}
