//! `cargo xtask bench --cluster`: what a large cluster costs an agent, by the testbed's API server: until it is ready, while
//! endpoints change, and in memory, next to a cluster that holds next to nothing.

mod objects;

use crate::testbed::api::Api;
use crate::testbed::cluster::{NODE, page};
use crate::testbed::directory::Directory;
use crate::testbed::gwobs;
use crate::testbed::network::{Addresses, Network};
use crate::testbed::process::Process;
use crate::testbed::usage;
use crate::{say, setup, test};
use anyhow::{Context as _, Result, bail};
use objects::Size;
use std::fs::File;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is asked of a large cluster.
const LARGE: Size = Size {
    gateways: 20,
    routes: 10_000,
    services: 5_000,
    endpoints: 50_000,
};
/// One of each: what an agent costs in any case.
const SMALL: Size = Size {
    gateways: 1,
    routes: 1,
    services: 1,
    endpoints: 1,
};
/// How long an agent may take to be ready; the API server is no fast one.
const READY: Duration = Duration::from_secs(300);
/// Changes of slices of endpoints, one after another.
const CHANGES: usize = 500;
/// The pause between two changes: a cluster in which a hundred pods a second come or go is a restless one.
const PAUSE: Duration = Duration::from_millis(10);
/// A quarter of a second is how long changes gather; so long later all are in force.
const SETTLE: Duration = Duration::from_secs(2);

/// What an agent cost.
struct Cost {
    /// Seconds until `/readyz` says yes.
    ready: f64,
    /// Seconds of CPU time until then.
    start_cpu: f64,
    /// The most memory it ever had, in bytes.
    peak: u64,
    /// Memory of its own while nothing happens, in bytes.
    memory: u64,
    /// Seconds of CPU time for a change of an EndpointSlice.
    change_cpu: f64,
}

/// Measures and prints.
pub(super) fn run() -> Result<()> {
    setup::ensure()?;
    test::build_gwobs()?;
    say::heading(&format!(
        "{} routes, {} Services, {} endpoints, {} Gateways; and one of each",
        LARGE.routes, LARGE.services, LARGE.endpoints, LARGE.gateways
    ));
    say::line("                 ready   CPU until then   memory at most   memory then   CPU per change of endpoints");
    for (name, size) in [("one of each", SMALL), ("large", LARGE)] {
        let Cost {
            ready,
            start_cpu,
            peak,
            memory,
            change_cpu,
        } = measure(size)?;
        say::line(&format!(
            "  {name:<12} {ready:>6.1} s {start_cpu:>14.2} s {:>12} MiB {:>9} MiB {:>22.2} ms",
            peak >> 20,
            memory >> 20,
            change_cpu * 1e3,
        ));
    }
    Ok(())
}

fn measure(size: Size) -> Result<Cost> {
    let (api, directory, network) = (
        Api::with_gateway_api()?,
        Directory::create()?,
        Network::claim(Addresses::Ipv4)?,
    );
    size.apply_all(&api)?;
    let began = Instant::now();
    let agent = start(&api, &directory, network.gateway())?;
    wait_until_ready(network.gateway())?;
    let ready = began.elapsed().as_secs_f64();
    let start_cpu = usage::cpu(agent.pid())?;
    std::thread::sleep(SETTLE);
    let (peak, memory) = (usage::peak(agent.pid())?, usage::memory(agent.pid())?);
    let before = usage::cpu(agent.pid())?;
    for index in 0..CHANGES {
        let (service, times) = (index % size.services, index / size.services);
        api.apply(size.slice(service, (times + 1) % 2))?;
        std::thread::sleep(PAUSE);
    }
    std::thread::sleep(SETTLE);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let change_cpu = (usage::cpu(agent.pid())? - before) / CHANGES as f64;
    Ok(Cost {
        ready,
        start_cpu,
        peak,
        memory,
        change_cpu,
    })
}

fn start(api: &Api, directory: &Directory, metrics: SocketAddr) -> Result<Process> {
    let kubeconfig = directory.path().join("kubeconfig");
    api.kubeconfig(&kubeconfig)?;
    let log = File::create(directory.path().join("gwobs.log")).context("cannot create gwobs.log")?;
    let mut command = Command::new(gwobs::binary()?);
    command
        .arg("agent")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--node-name", NODE, "--decisions", "none"]);
    command.arg("--metrics-addr").arg(metrics.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    Process::spawn(&mut command)
}

fn wait_until_ready(address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + READY;
    loop {
        match page(address, "/readyz") {
            Ok((200, _)) => return Ok(()),
            other if Instant::now() > deadline => bail!("the agent does not become ready: {other:?}"),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
