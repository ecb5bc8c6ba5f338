//! The agents that commands ask: those of a cluster, or those that are named.

mod fetch;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use futures::stream::{self, StreamExt};
use http::{StatusCode, Uri};
use tokio::net::TcpStream;
use tokio::time::timeout;

use self::fetch::fetch;
use crate::cluster::{Access, AgentPod, agents};

/// Agents asked at a time: each is a connection through the API server.
const AT_A_TIME: usize = 16;
/// How long one agent may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The labels of the chart's pods.
const SELECTOR: &str = "app.kubernetes.io/name=gwobs,app.kubernetes.io/component=agent";

/// Which agents to ask.
#[derive(Debug, Args)]
#[command(next_help_heading = "Agents")]
pub(super) struct AgentsArgs {
    /// An agent's server in place of a cluster's agents; repeatable
    #[arg(long, global = true, value_name = "URL", conflicts_with_all = ["kubeconfig", "context", "namespace", "selector"])]
    agent: Vec<String>,

    /// The kubeconfig file of the cluster; without it the one that kubectl would use
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,

    /// Only agents in this namespace
    #[arg(long, global = true, value_name = "NAME")]
    namespace: Option<String>,

    /// The labels of the agents' pods
    #[arg(long, global = true, value_name = "LABELS", default_value = SELECTOR)]
    selector: String,
}

impl AgentsArgs {
    fn access(&self) -> Access {
        Access {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }
}

/// What an agent answered: the body, or `None` if there is nothing at the path.
pub(super) type Answer = anyhow::Result<Option<Vec<u8>>>;

/// All agents that are asked.
pub(super) struct Agents(Vec<Agent>);

/// An agent, and the way to it.
enum Agent {
    /// By address.
    Url(Uri),
    /// Through a cluster.
    Pod(AgentPod),
}

impl Agents {
    /// Those that were named, else those of the cluster.
    pub(super) async fn find(args: &AgentsArgs) -> anyhow::Result<Self> {
        if !args.agent.is_empty() {
            let named = args.agent.iter().map(|url| Agent::named(url));
            return named.collect::<anyhow::Result<_>>().map(Self);
        }
        let found = agents(&args.access(), args.namespace.as_deref(), &args.selector).await?;
        ensure!(
            !found.is_empty(),
            "no agent runs here: no pod labelled {} is Running",
            args.selector
        );
        Ok(Self(found.into_iter().map(Agent::Pod).collect()))
    }

    /// The same question to all, with their names.
    pub(super) async fn ask(&self, path: &str) -> Vec<(String, Answer)> {
        let asked = self
            .0
            .iter()
            .map(|agent| async move { (agent.name(), agent.get(path).await) });
        stream::iter(asked).buffered(AT_A_TIME).collect().await
    }
}

impl Agent {
    fn named(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("--agent {url}"))?;
        let is_http = uri.scheme_str() == Some("http") && uri.host().is_some();
        ensure!(is_http, "--agent {url}: expected http://HOST:PORT");
        Ok(Self::Url(uri))
    }

    /// The node, or the address.
    fn name(&self) -> String {
        match self {
            Self::Url(uri) => uri.authority().map(ToString::to_string).unwrap_or_default(),
            Self::Pod(pod) => pod.node().to_owned(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        let answer = timeout(PATIENCE, self.request(path)).await;
        let (status, body) = answer.context("it takes too long")??;
        match status {
            StatusCode::OK => Ok(Some(body)),
            StatusCode::NOT_FOUND => Ok(None),
            other => bail!("{other}: {}", String::from_utf8_lossy(&body).trim()),
        }
    }

    async fn request(&self, path: &str) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        match self {
            Self::Url(uri) => {
                let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
                let address = (host.trim_start_matches('[').trim_end_matches(']'), port);
                fetch(TcpStream::connect(address).await?, host, path).await
            }
            Self::Pod(pod) => fetch(pod.connect().await?, "localhost", path).await,
        }
    }
}
