//! The agents of a cluster: found by the labels of their pods, reached by port-forward.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use tokio::io::{AsyncRead, AsyncWrite};

use super::client::{Access, ConnectError};

/// Where an agent serves, if its pod names no port `metrics`.
const PORT: u16 = 9464;

/// A pod of an agent.
#[derive(Clone)]
pub struct AgentPod {
    client: Client,
    namespace: String,
    name: String,
    node: String,
    port: u16,
}

/// Why agents could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum AgentsError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The pods could not be listed.
    #[error("cannot list the pods labelled {selector}: {why}")]
    List {
        /// The labels.
        selector: String,
        /// What the API said.
        #[source]
        why: Box<kube::Error>,
    },
    /// A port could not be forwarded.
    #[error("cannot forward a port to pod {pod}: {why}")]
    Forward {
        /// `namespace/name`
        pod: String,
        /// What the API said.
        #[source]
        why: Box<kube::Error>,
    },
    /// The port was forwarded and is not there.
    #[error("no port was forwarded to pod {0}")]
    NoStream(String),
}

/// The pods of agents that run, in one namespace or in all. Must be called within a tokio runtime.
///
/// # Errors
///
/// If there is no way to the cluster, or its pods may not be listed.
pub async fn agents(access: &Access, namespace: Option<&str>, selector: &str) -> Result<Vec<AgentPod>, AgentsError> {
    let client = access.client().await?;
    let pods: Api<Pod> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let listed = pods.list(&ListParams::default().labels(selector)).await;
    let listed = listed.map_err(|why| AgentsError::List {
        selector: selector.to_owned(),
        why: Box::new(why),
    })?;
    Ok(listed
        .items
        .into_iter()
        .filter(runs)
        .map(|pod| AgentPod::of(client.clone(), &pod))
        .collect())
}

fn runs(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase == Some("Running")
}

impl AgentPod {
    fn of(client: Client, pod: &Pod) -> Self {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
        Self {
            client,
            namespace: pod.namespace().unwrap_or_default(),
            name: pod.name_any(),
            node: node.unwrap_or_default(),
            port: port(pod).unwrap_or(PORT),
        }
    }

    /// The node that it watches, else its own name.
    #[must_use]
    pub fn node(&self) -> &str {
        if self.node.is_empty() { &self.name } else { &self.node }
    }

    /// A connection to its server, as if from within the pod.
    ///
    /// # Errors
    ///
    /// If the cluster does not forward the port.
    pub async fn connect(&self) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, AgentsError> {
        let pod = format!("{}/{}", self.namespace, self.name);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let forwarded = pods.portforward(&self.name, &[self.port]).await;
        let mut forwarded = forwarded.map_err(|why| AgentsError::Forward {
            pod: pod.clone(),
            why: Box::new(why),
        })?;
        forwarded.take_stream(self.port).ok_or(AgentsError::NoStream(pod))
    }
}

/// The container port `metrics`, as the chart names it.
fn port(pod: &Pod) -> Option<u16> {
    let containers = pod.spec.as_ref().map(|spec| &spec.containers)?;
    let ports = containers.iter().flat_map(|container| container.ports.iter().flatten());
    let named = ports.filter(|port| port.name.as_deref() == Some("metrics"));
    named.filter_map(|port| u16::try_from(port.container_port).ok()).next()
}
