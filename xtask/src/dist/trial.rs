//! Does the binary work where there is nothing else, with the capabilities that `deploy/` grants?

use super::bare::Bare;
use crate::command::quiet;
use crate::say;
use crate::testbed::cluster::objects::{prefix, route};
use crate::testbed::cluster::{Cluster, assert_exact};
use crate::testbed::traffic::get;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::path::Path;

/// Requests that it has to see and judge.
const REQUESTS: usize = 200;
/// What the image holds beside the binary (`deploy/image/Dockerfile`).
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The name by which the agent finds the API server, in `/etc/hosts` as a kubelet mounts it.
const NAME: &str = "kubernetes.default.svc";

/// Runs it in an empty root: its version, `check`, and an agent that judges real traffic.
pub(super) fn run(program: &Path) -> Result<()> {
    let bare = Bare::of(program)?;
    let authorities = std::fs::read(AUTHORITIES).with_context(|| format!("cannot read {AUTHORITIES}"))?;
    bare.write(Path::new(AUTHORITIES), &authorities)?;
    let version = quiet(&mut bare.command(["--version"]))?;
    say::done("in an empty root", version.trim());
    // Ends with 1 where something is missing, and says what.
    quiet(&mut bare.command(["check"]))?;
    say::done("gwobs check", "nothing is missing with CAP_BPF and CAP_PERFMON alone");
    observe(&bare)
}

fn observe(bare: &Bare) -> Result<()> {
    let cluster = Cluster::start(&["cart"])?;
    cluster.api.apply(route("shop", &[], &json!([prefix("/", "cart")])))?;
    cluster.wait_until(&get("/").due("cart"))?;
    let api = cluster.api.address();
    bare.write(Path::new("/etc/hosts"), format!("{} {NAME}\n", api.ip()).as_bytes())?;
    let kubeconfig = std::fs::read_to_string(cluster.kubeconfig()?)?;
    let named = kubeconfig.replace(&api.to_string(), &format!("{NAME}:{}", api.port()));
    ensure!(named != kubeconfig, "the kubeconfig does not name {api}");
    bare.write(&cluster.kubeconfig()?, named.as_bytes())?;
    let agent = cluster.agent_by(&[], |args| bare.command(args.iter().map(String::as_str)))?;
    let exchanges = cluster
        .client()
        .concurrency(2)
        .run(&vec![get("/").due("cart"); REQUESTS])?;
    assert_exact(&exchanges, &agent.stop()?).context("the static binary does not see what others see")?;
    say::done(
        "gwobs agent",
        &format!("judged {REQUESTS} of {REQUESTS} requests, and found the API by name"),
    );
    Ok(())
}
