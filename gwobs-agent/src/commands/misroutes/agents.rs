//! The agents that are asked.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures::stream::{self, StreamExt};
use http::{StatusCode, Uri};
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::MisroutesArgs;
use super::fetch::fetch;
use crate::cluster::{AgentPod, agents};
use crate::misroutes::{Listing, PATH, Proof};

/// Agents asked at a time: each is a connection through the API server.
const AT_A_TIME: usize = 16;
/// How long one agent may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// All agents that are asked.
pub(super) struct Agents(Vec<Agent>);

/// An agent, and the way to it.
pub(super) enum Agent {
    /// By address.
    Url(Uri),
    /// Through a cluster.
    Pod(AgentPod),
}

impl Agents {
    /// Those that were named, else those of the cluster.
    pub(super) async fn find(args: &MisroutesArgs) -> anyhow::Result<Self> {
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

    /// What each of them lists; those that do not answer are named in the log.
    pub(super) async fn listings(&self) -> anyhow::Result<Vec<(String, Listing)>> {
        let answers = self.ask(PATH).await;
        let total = answers.len();
        let listings: Vec<(String, Listing)> = answers
            .into_iter()
            .filter_map(|(name, answer)| match answer {
                Ok(Some(listing)) => Some((name, listing)),
                Ok(None) => unanswered(&name, "it is older than this command"),
                Err(error) => unanswered(&name, &format!("{error:#}")),
            })
            .collect();
        ensure!(!listings.is_empty(), "none of {total} agents answered");
        Ok(listings)
    }

    /// The proof of a group, from the agent that has seen most of it.
    pub(super) async fn proof(&self, id: &str) -> anyhow::Result<Proof> {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        ensure!(is_id, "`{id}` is no id: `gwobs misroutes` lists them");
        let answers = self.ask(&format!("{PATH}/{id}")).await;
        let mut proofs = Vec::new();
        let mut failed = Vec::new();
        for (name, answer) in answers {
            match answer {
                Ok(Some(proof)) => proofs.push(proof),
                Ok(None) => {}
                Err(error) => failed.push(format!("{name}: {error:#}")),
            }
        }
        let best = proofs.into_iter().max_by_key(|proof: &Proof| proof.group.count);
        match best {
            Some(proof) => Ok(proof),
            None if failed.is_empty() => bail!("no agent knows a group {id}; agents forget when they start again"),
            None => bail!("no agent that answered knows a group {id}; {}", failed.join("; ")),
        }
    }

    /// The same question to all; `None` is not found.
    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Vec<(String, anyhow::Result<Option<T>>)> {
        stream::iter(&self.0)
            .map(|agent| async move { (agent.name(), agent.get(path).await) })
            .buffered(AT_A_TIME)
            .collect()
            .await
    }
}

fn unanswered<T>(name: &str, why: &str) -> Option<T> {
    tracing::warn!("agent {name} did not answer: {why}");
    None
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

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        let answer = timeout(PATIENCE, self.request(path)).await;
        let (status, body) = answer.context("it takes too long")??;
        match status {
            StatusCode::OK => serde_json::from_slice(&body)
                .map(Some)
                .context("its answer is not understood"),
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
