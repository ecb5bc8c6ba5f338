//! From the alert to the proof, as whoever is on call would go.

use crate::say::{self, Style, paint};
use crate::testbed::cluster::Cluster;
use crate::testbed::gwobs;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Lists what the agent has seen go wrong, and proves one group of it.
pub(super) fn show(cluster: &Cluster) -> Result<()> {
    say::heading("On call: GatewayMisroutesRequests is firing, which requests, and why?");
    let kubeconfig = cluster.kubeconfig()?;
    let kubeconfig = kubeconfig.to_str().context("the target directory is not UTF-8")?;
    let ask = |words: &[&str]| answer(&[words, &["--kubeconfig", kubeconfig]].concat());
    told(&["misroutes"], &ask(&["misroutes"])?);
    let groups = ask(&["misroutes", "-o", "jsonl"])?;
    let words = ["misroutes", "show", &wrong_backend(&groups)?];
    told(&words, &ask(&words)?);
    Ok(())
}

fn answer(args: &[&str]) -> Result<String> {
    let (code, out, err) = gwobs::run(args)?;
    ensure!(code == 0, "gwobs {} ended with {code}: {err}", args.join(" "));
    Ok(out)
}

/// The id of the group in which another backend answered.
fn wrong_backend(groups: &str) -> Result<String> {
    let groups = groups
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let group = groups.into_iter().find(|group| group["reason"] == "wrong_backend");
    let id = group.as_ref().and_then(|group| group["id"].as_str());
    id.map(str::to_owned).context("no group of another backend's answers")
}

fn told(words: &[&str], out: &str) {
    say::line(&paint(Style::Cyan, &format!("\n  $ gwobs {}", words.join(" "))));
    out.lines().for_each(|line| say::line(&format!("  {line}")));
}
