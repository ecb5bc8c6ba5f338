//! What agents answer about misroutes.

use anyhow::{Context, bail, ensure};
use serde::de::DeserializeOwned;

use crate::commands::agents::{Agents, Answer};
use crate::misroutes::{Listing, PATH, Proof};

/// What each agent lists; those that do not answer are named in the log.
pub(super) async fn listings(agents: &Agents) -> anyhow::Result<Vec<(String, Listing)>> {
    let answers = agents.ask(PATH).await;
    let total = answers.len();
    let listings: Vec<(String, Listing)> = answers
        .into_iter()
        .filter_map(|(name, answer)| match understood(answer) {
            Ok(Some(listing)) => Some((name, listing)),
            Ok(None) => unanswered(&name, "it is older than this command"),
            Err(error) => unanswered(&name, &format!("{error:#}")),
        })
        .collect();
    ensure!(!listings.is_empty(), "none of {total} agents answered");
    Ok(listings)
}

/// The proof of a group, from the agent that has seen most of it.
pub(super) async fn proof(agents: &Agents, id: &str) -> anyhow::Result<Proof> {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(is_id, "`{id}` is no id: `gwobs misroutes` lists them");
    let mut proofs = Vec::new();
    let mut failed = Vec::new();
    for (name, answer) in agents.ask(&format!("{PATH}/{id}")).await {
        match understood(answer) {
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

fn understood<T: DeserializeOwned>(answer: Answer) -> anyhow::Result<Option<T>> {
    let body = answer?;
    let parsed = body.map(|body| serde_json::from_slice(&body)).transpose();
    parsed.context("its answer is not understood")
}

fn unanswered<T>(name: &str, why: &str) -> Option<T> {
    tracing::warn!("agent {name} did not answer: {why}");
    None
}
