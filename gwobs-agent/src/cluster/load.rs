//! All specs of a cluster, read once: for commands that answer and end.

use futures::future::try_join_all;
use gwobs_route::ObjectName;
use kube::Client;
use serde_json::Value;

use super::client::{Access, ConnectError};
use super::collection::Collection;
use super::discovery::discover;
use super::error::Fault;
use super::kinds::{CONFIG_MAP, SECRET, WatchedKind};
use crate::specs::{Index, Loaded, SourceId, Spec, Wanted, Whose};

/// Why the specs of a cluster could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadClusterError {
    /// There is no way to it.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A request failed.
    #[error("cannot read {what} of the cluster: {why}")]
    Request {
        /// What was asked for.
        what: String,
        /// What went wrong.
        why: String,
    },
}

/// Reads all specs of a cluster. Must be called within a tokio runtime.
///
/// # Errors
///
/// If there is no way to the cluster, or a request fails; what we may not read counts as empty, with a warning.
pub async fn load(access: &Access) -> Result<Loaded, LoadClusterError> {
    let client = access.client().await?;
    let served = discover(&client).await.map_err(|fault| failed("the kinds", &fault))?;
    let collections = served
        .kinds
        .iter()
        .map(|(kind, version)| Collection::all(kind, version));
    let mut values = lists(&client, collections).await?;
    let wanted = wanted(&values);
    let one = |kind: &'static WatchedKind| move |name: &ObjectName| Collection::one(kind, "v1", name);
    let secrets = wanted.secrets.iter().map(one(&SECRET));
    let named = secrets.chain(wanted.config_maps.iter().map(one(&CONFIG_MAP)));
    values.extend(lists(&client, named).await?);
    Ok(Spec::all(values))
}

async fn lists(client: &Client, collections: impl Iterator<Item = Collection>) -> Result<Vec<Value>, LoadClusterError> {
    let lists = try_join_all(collections.map(|collection| list(client, collection))).await?;
    Ok(lists.into_iter().flatten().collect())
}

async fn list(client: &Client, collection: Collection) -> Result<Vec<Value>, LoadClusterError> {
    let mut items = Vec::new();
    match collection.list(client, |item| items.push(item)).await {
        Ok(_) => Ok(items),
        Err(fault @ (Fault::Denied(_) | Fault::Absent)) => {
            tracing::warn!("cannot read {collection}, it counts as empty: {fault}");
            Ok(Vec::new())
        }
        Err(fault) => Err(failed(&collection.to_string(), &fault)),
    }
}

fn failed(what: &str, fault: &Fault) -> LoadClusterError {
    LoadClusterError::Request {
        what: what.to_owned(),
        why: fault.to_string(),
    }
}

/// The Secrets and ConfigMaps that the objects name.
fn wanted(values: &[Value]) -> Wanted {
    let mut index = Index::new(None);
    let source = SourceId {
        plural: "objects",
        only: None,
    };
    index.add_source(source.clone());
    let naming = [
        "Gateway",
        "ListenerSet",
        "XListenerSet",
        "BackendTLSPolicy",
        "ReferenceGrant",
    ];
    for value in values {
        let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let name = ObjectName {
            // Objects of several kinds share this source.
            namespace: format!("{kind}/{}", text("/metadata/namespace")).into(),
            name: text("/metadata/name").into(),
        };
        if naming.contains(&kind) {
            index.apply(&source, name, Spec::read(value.clone()), 0);
        }
    }
    index.wanted(Whose::Everybodys)
}
