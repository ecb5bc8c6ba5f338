//! Kubernetes Events (`events.k8s.io/v1`) about the objects that notices are about.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::core::params::GetParams;
use kube::core::{PartialObjectMeta, Request};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

use super::collection::{api_version, object_root};
use super::error::Fault;
use super::kinds::WatchedKind;
use crate::notice::Notice;

/// Events on their way: what comes in one moment when a grant goes that many routes depend on.
const QUEUE: usize = 64;
/// Least time between two Events: an agent must not trouble the API server, whatever happens.
const SPACING: Duration = Duration::from_millis(500);
/// How long to wait after each failure, before it is given up.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(16),
    Duration::ZERO,
];
/// Longest note, in bytes (`Event.note`).
const MAX_NOTE: usize = 1024;

/// A notice, and how the API names the kind of its object.
#[derive(Debug)]
pub(super) struct Occasion {
    pub(super) notice: Notice,
    pub(super) kind: WatchedKind,
    pub(super) version: &'static str,
}

/// Writes Events, one after another.
#[derive(Debug)]
pub(super) struct Publisher(Sender<Occasion>);

impl Publisher {
    /// Begins; ends with the value. Must be called within a tokio runtime.
    pub(super) fn start(client: &Client, instance: Option<&str>) -> Self {
        let (sender, receiver) = channel(QUEUE);
        tokio::spawn(publish_all(client.clone(), instance.map(str::to_owned), receiver));
        Self(sender)
    }

    /// Takes a notice; there is no room for more than come in a moment.
    pub(super) fn offer(&self, occasion: Occasion) {
        if let Err(error) = self.0.try_send(occasion) {
            tracing::warn!("too many Events at a time, one is not written: {error}");
        }
    }
}

async fn publish_all(client: Client, instance: Option<String>, mut occasions: Receiver<Occasion>) {
    let reporter = Reporter {
        controller: "gwobs".to_owned(),
        instance,
    };
    let recorder = Recorder::new(client.clone(), reporter);
    while let Some(occasion) = occasions.recv().await {
        if let Err(fault) = publish(&client, &recorder, &occasion).await {
            let regarding = &occasion.notice.regarding;
            tracing::warn!("cannot write an Event about {regarding}: {fault}");
        }
        sleep(SPACING).await;
    }
}

async fn publish(client: &Client, recorder: &Recorder, occasion: &Occasion) -> Result<(), Fault> {
    let Notice { reason, text, .. } = &occasion.notice;
    let event = Event {
        type_: EventType::Warning,
        reason: reason.as_str().to_owned(),
        note: Some(note(text)),
        action: reason.action().to_owned(),
        secondary: None,
    };
    let reference = reference(client, occasion).await?;
    let mut failed = Fault::Absent;
    for pause in PAUSES {
        match recorder.publish(&event, &reference).await.map_err(Fault::from) {
            Ok(()) => return Ok(()),
            Err(fault @ (Fault::Denied(_) | Fault::Absent)) => return Err(fault),
            Err(fault) => {
                sleep(pause.max(fault.retry_after())).await;
                failed = fault;
            }
        }
    }
    Err(failed)
}

/// Whoever describes an object is shown the Events that name its uid.
async fn reference(client: &Client, occasion: &Occasion) -> Result<ObjectReference, Fault> {
    let (kind, name) = (&occasion.kind, &occasion.notice.regarding.name);
    let request = Request::new(object_root(kind, occasion.version, &name.namespace));
    let request = request.get_metadata(&name.name, &GetParams::default())?;
    let object: PartialObjectMeta = client.request(request).await?;
    Ok(ObjectReference {
        api_version: Some(api_version(kind, occasion.version)),
        kind: Some(kind.kind.to_owned()),
        namespace: Some(name.namespace.to_string()),
        name: Some(name.name.to_string()),
        uid: object.metadata.uid,
        ..ObjectReference::default()
    })
}

fn note(text: &str) -> String {
    let mut end = text.len().min(MAX_NOTE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}
