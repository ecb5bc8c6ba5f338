//! Data planes: each renders the rule table into its own configuration and says how to start it.
//!
//! A new one is a file beside `envoy.rs`, a line in [`ALL`] and a line in `versions.rs`.

mod dispatch;
pub mod envoy;
mod every;
pub mod haproxy;
pub mod nginx;
pub mod traefik;

use super::backend::Backends;
use super::directory::Directory;
use super::process::Process;
use super::rule::Route;
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a data plane may take until it is ready; Envoy takes 0.3 s on an idle machine.
const START: Duration = Duration::from_secs(20);

/// All data planes that the testbed can start.
pub const ALL: [&dyn DataPlane; 4] = [&envoy::Envoy, &nginx::Nginx, &haproxy::Haproxy, &traefik::Traefik];

/// A kind of data plane.
pub trait DataPlane: Sync {
    /// As `--plane` takes it and as `gwobs` reports it.
    fn name(&self) -> &'static str;
    /// As people write it.
    fn title(&self) -> &'static str;
    /// Writes the configuration into `dir` and returns the command that runs it in the foreground.
    fn prepare(&self, settings: &Settings<'_>, dir: &Path) -> Result<Command>;
    /// Whether requests to `address` are already routed by the table; to accept connections is enough for most.
    fn is_ready(&self, address: SocketAddr) -> bool {
        TcpStream::connect(address).is_ok()
    }
}

/// What a data plane is to do.
pub struct Settings<'a> {
    /// Where it listens.
    pub listen: SocketAddr,
    /// For the most specific host, first matching rule first; no other precedence applied.
    pub routes: &'a [Route],
    /// The addresses behind the names.
    pub backends: &'a Backends,
    /// Worker threads or processes.
    pub workers: usize,
    /// Whether it adds an `x-request-id`.
    pub request_ids: bool,
    /// A JSON access log, if one is wanted.
    pub access_log: Option<PathBuf>,
}

/// A data plane that is ready.
pub struct Running {
    process: Process,
}

impl Running {
    /// The process that was started: the master, where there are workers.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// The data plane of this name.
pub fn named(name: &str) -> Result<&'static dyn DataPlane> {
    let names: Vec<&str> = ALL.iter().map(|plane| plane.name()).collect();
    let found = ALL.into_iter().find(|plane| plane.name() == name);
    found.with_context(|| format!("no data plane {name:?}; there are: {}", names.join(", ")))
}

/// Starts a data plane with its output in `NAME.log`, and waits until it is ready.
pub fn start(plane: &dyn DataPlane, settings: &Settings<'_>, directory: &Directory) -> Result<Running> {
    let log = directory.path().join(format!("{}.log", plane.name()));
    let output = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
    let mut command = plane.prepare(settings, directory.path())?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut process = Process::spawn(&mut command)?;
    wait_until_ready(plane, &mut process, settings.listen)
        .with_context(|| format!("{} did not start:\n{}", plane.name(), tail(&log)))?;
    Ok(Running { process })
}

fn wait_until_ready(plane: &dyn DataPlane, process: &mut Process, address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + START;
    while !plane.is_ready(address) {
        if let Some(status) = process.ended()? {
            bail!("it ended with {status}");
        }
        if Instant::now() > deadline {
            bail!("it does not serve on {address}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn tail(log: &Path) -> String {
    crate::command::last_lines(&std::fs::read_to_string(log).unwrap_or_default(), 20)
}
