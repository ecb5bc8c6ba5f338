//! List, then watch, for ever: what a collection holds, as deltas.
//!
//! Not kube's own `watcher`: it does not tell when a watch that was lost is in step again, and one object that fits no type
//! spoils the whole list. Its backoff is used.

use std::fmt::Debug;
use std::time::Duration;

use gwobs_route::ObjectName;
use kube::Client;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};

use super::collection::{Collection, Event, Events};
use super::error::Fault;
use crate::event::Timestamp;
use crate::output::boottime;
use crate::specs::SourceId;

/// A watch that says nothing for so long, not even a bookmark (one a minute), is opened anew: whoever answers at the other end
/// has forgotten it. Where nobody does, the connection notices itself, and sooner.
const SILENCE: Duration = Duration::from_secs(150);
/// A watch that ends sooner, in nanoseconds, was not ended for its age.
const AT_ONCE: u64 = 1_000_000_000;
/// How long to wait for a CRD or a permission that is not there.
const ABSENCE: Duration = Duration::from_secs(30);

/// What happened to a collection.
#[derive(Debug)]
pub(super) enum Delta<T> {
    /// It holds this, and nothing else.
    Replaced(Vec<(ObjectName, T)>),
    /// This object is new or was changed.
    Applied(ObjectName, T),
    /// This object is gone.
    Deleted(ObjectName),
    /// We may not read it, or there is no such collection: it counts as empty.
    Unreadable(String),
    /// It may have changed since then without being seen.
    Lost(Timestamp),
    /// It is seen again.
    InStep,
}

/// A delta and where it comes from.
pub(super) type Report<T> = (SourceId, Delta<T>);

/// Follows one collection.
pub(super) struct Reflector<T> {
    pub(super) client: Client,
    pub(super) source: SourceId,
    pub(super) collection: Collection,
    pub(super) read: fn(Value) -> T,
    pub(super) out: Sender<Report<T>>,
}

/// Nobody wants to hear more.
struct Closed;

impl<T: Debug + Send> Reflector<T> {
    /// Runs until nobody listens.
    pub(super) async fn run(self) {
        let run = Run {
            reflector: self,
            backoff: DefaultBackoff::default(),
            seen: boottime(),
            lost: false,
        };
        // The error says that nobody listens, which is the end.
        let Err(Closed) = run.run().await;
    }
}

/// A run of a reflector.
struct Run<T> {
    reflector: Reflector<T>,
    backoff: DefaultBackoff,
    /// The last sign of life.
    seen: Timestamp,
    lost: bool,
}

impl<T: Debug + Send> Run<T> {
    async fn run(mut self) -> Result<std::convert::Infallible, Closed> {
        loop {
            let Reflector {
                client,
                collection,
                read,
                ..
            } = &self.reflector;
            let mut items = Vec::new();
            let listed = collection
                .list(client, |item| items.push((name(&item), read(item))))
                .await;
            match listed {
                Ok(version) => {
                    self.replace(items).await?;
                    self.follow(version).await?;
                }
                Err(fault) => self.failed(&fault).await?,
            }
        }
    }

    async fn replace(&mut self, items: Vec<(ObjectName, T)>) -> Result<(), Closed> {
        self.alive();
        self.lost = false;
        self.tell(Delta::Replaced(items)).await
    }

    /// Watches until the collection must be listed again.
    async fn follow(&mut self, mut version: String) -> Result<(), Closed> {
        loop {
            let fault = match self.reflector.collection.watch(&self.reflector.client, &version).await {
                Ok(events) => {
                    self.in_step().await?;
                    self.events(events, &mut version).await?
                }
                Err(fault) => Some(fault),
            };
            match fault {
                None => {}
                Some(Fault::Expired | Fault::Absent) => return self.note_lost().await,
                Some(fault) => self.failed(&fault).await?,
            }
        }
    }

    /// Passes on the events of one watch; tells what ended it, if it was not its time.
    async fn events(&mut self, mut events: Events, version: &mut String) -> Result<Option<Fault>, Closed> {
        let began = self.seen;
        loop {
            let next = match timeout(SILENCE, events.next()).await {
                Err(_silent) => return Ok(None),
                Ok(Err(fault)) => return Ok(Some(fault)),
                Ok(Ok(next)) => next,
            };
            let Some((event, at)) = next else {
                let at_once = boottime().0.saturating_sub(began.0) < AT_ONCE;
                return Ok(at_once.then(|| Fault::Other("the watch ended at once".to_owned())));
            };
            self.alive();
            if let Some(at) = at {
                *version = at;
            }
            match event {
                Event::Applied(value) => {
                    let name = name(&value);
                    let item = (self.reflector.read)(value);
                    self.tell(Delta::Applied(name, item)).await?;
                }
                Event::Deleted(value) => self.tell(Delta::Deleted(name(&value))).await?,
                Event::Bookmark => {}
            }
        }
    }

    /// A request failed: says so, and waits.
    async fn failed(&mut self, fault: &Fault) -> Result<(), Closed> {
        let pause = self.backoff.next().unwrap_or(ABSENCE);
        let collection = &self.reflector.collection;
        if let Fault::Denied(_) | Fault::Absent = fault {
            tracing::warn!("cannot read {collection}, it counts as empty: {fault}");
            self.tell(Delta::Unreadable(fault.to_string())).await?;
            sleep(ABSENCE.max(pause)).await;
            return Ok(());
        }
        tracing::warn!("{collection}: {fault}");
        self.note_lost().await?;
        sleep(pause.max(fault.retry_after())).await;
        Ok(())
    }

    async fn note_lost(&mut self) -> Result<(), Closed> {
        if std::mem::replace(&mut self.lost, true) {
            return Ok(());
        }
        self.tell(Delta::Lost(self.seen)).await
    }

    async fn in_step(&mut self) -> Result<(), Closed> {
        self.alive();
        match std::mem::take(&mut self.lost) {
            true => self.tell(Delta::InStep).await,
            false => Ok(()),
        }
    }

    fn alive(&mut self) {
        self.seen = boottime();
        self.backoff.reset();
    }

    async fn tell(&self, delta: Delta<T>) -> Result<(), Closed> {
        let report = (self.reflector.source.clone(), delta);
        self.reflector.out.send(report).await.map_err(|_| Closed)
    }
}

/// The object's name; what has none is told apart by nothing, and never used.
fn name(value: &Value) -> ObjectName {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    ObjectName {
        namespace: text("/metadata/namespace").into(),
        name: text("/metadata/name").into(),
    }
}
