//! Which kinds are served, in which version: CRDs come, go and change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use kube::Client;
use kube::core::Request;
use kube::core::params::ListParams;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};

use super::error::Fault;
use super::kinds::{BUILT_IN, CUSTOM, WatchedKind};

/// How often to ask which kinds are served, if no CRD says that they changed.
const DISCOVER: Duration = Duration::from_secs(30);
/// How long to wait after a failed discovery.
const DISCOVER_AGAIN: Duration = Duration::from_secs(1);

/// The kinds that are served, each with the best version that is understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Served {
    /// Kind and version.
    pub(super) kinds: BTreeMap<WatchedKind, &'static str>,
}

/// Asks which kinds are served.
pub(super) async fn discover(client: &Client) -> Result<Served, Fault> {
    let mut kinds: BTreeMap<_, _> = BUILT_IN.into_iter().map(|kind| (kind, "v1")).collect();
    let groups: BTreeSet<&str> = CUSTOM.iter().map(|kind| kind.group).collect();
    for group in groups {
        let resources = resources(client, group).await?;
        let of_group = CUSTOM.into_iter().filter(|kind| kind.group == group);
        kinds.extend(of_group.filter_map(|kind| Some((kind, best(&kind, &resources)?))));
    }
    Ok(Served { kinds })
}

/// Asks which kinds are served, again and again; tells when the answer changed.
pub(super) async fn discover_for_ever(client: Client, changed: Arc<Notify>, found: Sender<Served>) {
    let mut told = None;
    loop {
        let wait = match discover(&client).await {
            Ok(served) if told.as_ref() == Some(&served) => DISCOVER,
            Ok(served) => {
                told = Some(served.clone());
                if found.send(served).await.is_err() {
                    return;
                }
                DISCOVER
            }
            Err(fault) => {
                tracing::warn!("cannot ask which kinds are served: {fault}");
                sleep(fault.retry_after()).await;
                DISCOVER_AGAIN
            }
        };
        // Either ends the wait.
        let _ = timeout(wait, changed.notified()).await;
    }
}

fn best(kind: &WatchedKind, resources: &BTreeMap<String, BTreeSet<String>>) -> Option<&'static str> {
    let serves = |version: &&&'static str| {
        resources
            .get(**version)
            .is_some_and(|plurals| plurals.contains(kind.plural))
    };
    kind.versions.iter().find(serves).copied()
}

/// Names of the resources of each version of a group; nothing if there is no such group.
async fn resources(client: &Client, group: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Fault> {
    let path = format!("/apis/{group}");
    let Some(found) = get::<APIGroup>(client, &path).await? else {
        return Ok(BTreeMap::new());
    };
    let mut versions = BTreeMap::new();
    for version in found.versions {
        let list = get::<APIResourceList>(client, &format!("{path}/{}", version.version)).await?;
        let names = list
            .into_iter()
            .flat_map(|list| list.resources)
            .map(|resource| resource.name);
        versions.insert(version.version, names.collect());
    }
    Ok(versions)
}

/// `None` if it is not there.
async fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<Option<T>, Fault> {
    // The builder of lists without parameters makes a plain GET.
    let request = Request::new(path).list(&ListParams::default())?;
    match client.request_text(request).await.map_err(Fault::from) {
        Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
        Err(Fault::Absent) => Ok(None),
        Err(fault) => Err(fault),
    }
}
