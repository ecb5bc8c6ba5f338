//! Requests for one collection: a list in pages, a watch in lines. Objects stay values: an object that fits no type must
//! not spoil the list that it stands in.

use std::pin::Pin;
use std::time::Duration;

use futures::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use kube::Client;
use kube::core::params::{ListParams, WatchParams};
use kube::core::{Request, Status};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::error::Fault;
use super::kinds::{SECRET, WatchedKind};
use gwobs_route::ObjectName;

/// Objects of one page, as kubectl and client-go ask for.
const PAGE: u32 = 500;
/// Longest page: 500 objects of the greatest size that etcd takes (1.5 MiB) would be more, and never occur.
const MAX_PAGE: u64 = 256 << 20;
/// Longest line of a watch: one object of the greatest size with room for its escapes.
const MAX_LINE: u64 = 16 << 20;
/// Most objects of one collection: ten times what the largest clusters have.
const MAX_OBJECTS: usize = 1_000_000;
/// A page that takes longer does not come any more.
const PAGE_PATIENCE: Duration = Duration::from_secs(60);

/// Objects of one kind: all, or those that a field selector names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collection {
    path: String,
    api_version: String,
    kind: &'static str,
    fields: Option<String>,
    /// Whether the metadata is enough.
    metadata_only: bool,
}

/// An event of a watch.
#[derive(Debug)]
pub(super) enum Event {
    /// Added or modified.
    Applied(Value),
    /// Deleted.
    Deleted(Value),
    /// Nothing happened up to this version.
    Bookmark,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    resource_version: Option<String>,
    r#continue: Option<String>,
}

/// A line of a watch.
#[derive(Deserialize)]
struct Line {
    r#type: String,
    object: Value,
}

impl Collection {
    /// All objects of a kind.
    pub(super) fn all(kind: &WatchedKind, version: &str) -> Self {
        Self {
            path: format!("{}/{}", root(kind.group, version), kind.plural),
            api_version: api_version(kind, version),
            kind: kind.kind,
            fields: None,
            metadata_only: false,
        }
    }

    /// The one object of this name.
    pub(super) fn one(kind: &WatchedKind, version: &str, name: &ObjectName) -> Self {
        let ObjectName { namespace, name } = name;
        Self {
            path: object_root(kind, version, namespace),
            ..Self::all(kind, version).with_fields(format!("metadata.name={name}"))
        }
    }

    /// Only those that a field selector names.
    pub(super) fn with_fields(self, fields: String) -> Self {
        Self {
            fields: Some(fields),
            ..self
        }
    }

    /// Only the metadata.
    pub(super) fn metadata_only(self) -> Self {
        Self {
            metadata_only: true,
            ..self
        }
    }

    /// Lists all of it, page by page: `take` gets each object, so that no more than a page is held in the form it came in. Gives
    /// the version that a watch goes on from. After a fault, what was taken is part of nothing.
    pub(super) async fn list(&self, client: &Client, mut take: impl FnMut(Value)) -> Result<String, Fault> {
        let mut taken = 0;
        let mut params = ListParams::default().limit(PAGE);
        params.field_selector = self.fields.clone();
        loop {
            let page = self.page(client, &params).await?;
            for item in page.items.into_iter().flatten() {
                taken += 1;
                take(self.complete(item));
            }
            if taken > MAX_OBJECTS {
                return Err(Fault::Other(format!("more than {MAX_OBJECTS} objects")));
            }
            params.continue_token = page.metadata.r#continue.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                return Ok(page.metadata.resource_version.unwrap_or_default());
            }
        }
    }

    async fn page(&self, client: &Client, params: &ListParams) -> Result<Page, Fault> {
        let builder = Request::new(&self.path);
        let request = if self.metadata_only {
            builder.list_metadata(params)?
        } else {
            builder.list(params)?
        };
        let read = async {
            let mut body = Vec::new();
            let stream = Box::pin(client.request_stream(request).await?);
            stream.take(MAX_PAGE).read_to_end(&mut body).await?;
            let page = serde_json::from_slice(&body);
            if self.kind == SECRET.kind {
                body.zeroize();
            }
            Ok(page?)
        };
        let late = |_| Err(Fault::Other(format!("no answer within {PAGE_PATIENCE:?}")));
        tokio::time::timeout(PAGE_PATIENCE, read).await.unwrap_or_else(late)
    }

    /// Watches from a version.
    pub(super) async fn watch(&self, client: &Client, version: &str) -> Result<Events, Fault> {
        let params = WatchParams {
            field_selector: self.fields.clone(),
            ..WatchParams::default()
        };
        let builder = Request::new(&self.path);
        let request = if self.metadata_only {
            builder.watch_metadata(&params, version)?
        } else {
            builder.watch(&params, version)?
        };
        Ok(Events {
            stream: Box::pin(client.request_stream(request).await?),
            collection: self.clone(),
            line: Vec::new(),
        })
    }

    /// Items of a list do not say what they are; who wrote which field of it is of no use here.
    fn complete(&self, mut item: Value) -> Value {
        if let Some(fields) = item.as_object_mut() {
            fields.insert("apiVersion".to_owned(), self.api_version.clone().into());
            fields.insert("kind".to_owned(), self.kind.into());
            if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("managedFields");
            }
        }
        item
    }
}

impl std::fmt::Display for Collection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path.trim_start_matches('/'))?;
        self.fields.as_ref().map_or(Ok(()), |fields| write!(f, " ({fields})"))
    }
}

/// Where the objects of a kind in a namespace are; an empty namespace is none.
pub(super) fn object_root(kind: &WatchedKind, version: &str, namespace: &str) -> String {
    let root = root(kind.group, version);
    match namespace {
        "" => format!("{root}/{}", kind.plural),
        _ => format!("{root}/namespaces/{namespace}/{}", kind.plural),
    }
}

/// `group/version`, or the version alone in the core group.
pub(super) fn api_version(kind: &WatchedKind, version: &str) -> String {
    match kind.group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    }
}

fn root(group: &str, version: &str) -> String {
    match group {
        "" => format!("/api/{version}"),
        _ => format!("/apis/{group}/{version}"),
    }
}

/// An open watch.
pub(super) struct Events {
    stream: Pin<Box<dyn AsyncBufRead + Send>>,
    collection: Collection,
    line: Vec<u8>,
}

impl Events {
    /// The next event with the version that it leads to, if it tells one; `None` at the end of the watch.
    pub(super) async fn next(&mut self) -> Result<Option<(Event, Option<String>)>, Fault> {
        self.line.clear();
        let mut bounded = (&mut self.stream).take(MAX_LINE);
        bounded.read_until(b'\n', &mut self.line).await?;
        if self.line.last() != Some(&b'\n') {
            // The end, or an end in the middle of a line: what was not told whole will be told again.
            return if self.line.len() as u64 >= MAX_LINE {
                Err(Fault::Other(format!("a line of more than {MAX_LINE} bytes")))
            } else {
                Ok(None)
            };
        }
        let line: Result<Line, _> = serde_json::from_slice(&self.line);
        // It may have been a Secret, and the next line may be long in coming.
        self.line.fill(0);
        let line = line?;
        let version = line.object.pointer("/metadata/resourceVersion");
        let version = version.and_then(Value::as_str).map(str::to_owned);
        let event = match line.r#type.as_str() {
            "ADDED" | "MODIFIED" => Event::Applied(self.collection.complete(line.object)),
            "DELETED" => Event::Deleted(line.object),
            "BOOKMARK" => Event::Bookmark,
            "ERROR" => return Err(Fault::of_status(&status(line.object))),
            other => return Err(Fault::Other(format!("a watch event of the type {other}"))),
        };
        Ok(Some((event, version)))
    }
}

fn status(value: Value) -> Status {
    let value = if value.is_object() {
        value
    } else {
        Value::Object(Map::new())
    };
    serde_json::from_value(value).unwrap_or_default()
}
