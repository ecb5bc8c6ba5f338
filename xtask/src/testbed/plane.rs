//! Data planes: each renders the rule table into its own configuration and says how to start it.
//!
//! A new one is a file beside `envoy.rs`, a line in [`ALL`] and a line in `versions.rs`.

mod dispatch;
pub mod envoy;
mod every;
pub mod haproxy;
pub mod nginx;
mod supervisor;
pub mod traefik;

use super::backend::Backends;
use super::directory::Directory;
use super::http2::Http2;
use super::passthrough::Door;
use super::process::Process;
use super::proxy_protocol::ProxyProtocol;
use super::rule::Route;
use super::tls::Files;
use crate::setup::package::Package;
use crate::setup::wheel::DataPlane as UnpackedWheel;
use crate::versions::{DebianBuild, Wheel};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
pub use supervisor::Supervisor;

/// How long a data plane may take until it is ready; Envoy takes 0.3 s on an idle machine.
const START: Duration = Duration::from_secs(20);

/// All data planes that the testbed can start.
pub const ALL: [&dyn DataPlane; 4] = [&envoy::Envoy, &nginx::WHEEL, &haproxy::WHEEL, &traefik::Traefik];

/// Further builds of the same.
pub const BUILDS: [&dyn DataPlane; 2] = [&nginx::DEBIAN, &haproxy::DEBIAN];

/// Where a data plane's program comes from.
#[derive(Debug, Clone, Copy)]
enum Program {
    Wheel(Wheel),
    Debian(DebianBuild),
}

impl Program {
    fn command(self) -> Result<Command> {
        match self {
            Self::Wheel(wheel) => UnpackedWheel(wheel).program_in_place().map(Command::new),
            Self::Debian(build) => Package(build).command(),
        }
    }
}

/// A kind of data plane.
pub trait DataPlane: Sync {
    /// As `--plane` takes it.
    fn name(&self) -> &'static str;
    /// As people write it.
    fn title(&self) -> &'static str;
    /// Writes the configuration into `dir`.
    fn configure(&self, settings: &Settings<'_>, dir: &Path) -> Result<()>;
    /// The command that runs what was written there, in the foreground.
    fn command(&self, options: &Options, dir: &Path) -> Result<Command>;
    /// How it takes a configuration that was written again while it runs.
    fn reload(&self) -> Reload;
    /// Whether requests are already routed by the table; to accept connections is enough for most.
    fn is_ready(&self, options: &Options) -> bool {
        TcpStream::connect(options.address).is_ok()
    }
}

/// How a running data plane takes a new configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// On this signal to the process that was started.
    Signal(i32),
    /// By looking at its files.
    Watched,
    /// By a further process that takes over from it.
    HotRestart,
}

/// What a data plane is to do.
pub struct Settings<'a> {
    /// How.
    pub options: &'a Options,
    /// For the most specific host, first matching rule first; no other precedence applied.
    pub routes: &'a [Route],
    /// The addresses behind the names.
    pub backends: &'a Backends,
}

/// What stays when a data plane gets new routes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; IPv4 too, if it is `::`.
    pub listen: SocketAddr,
    /// Where clients reach it.
    pub address: SocketAddr,
    /// Worker threads or processes.
    pub workers: usize,
    /// Whether it adds an `x-request-id`.
    pub request_ids: bool,
    /// Requests that it takes on a client's connection before it takes no more, if not as many as by default.
    pub per_connection: Option<u32>,
    /// A JSON access log, if one is wanted.
    pub access_log: Option<PathBuf>,
    /// The PROXY protocol on either side.
    pub proxy_protocol: ProxyProtocol,
    /// HTTP/2 on either side.
    pub http2: Http2,
    /// TLS on either side.
    pub tls: Files,
    /// TLS that is passed on.
    pub passthrough: Option<Door>,
    /// What stands above it.
    pub supervisor: Supervisor,
}

/// A data plane that is ready.
pub struct Running {
    process: Process,
    kind: &'static dyn DataPlane,
    supervisor: Supervisor,
}

impl Running {
    /// The process that was started: the supervisor or the master, where there is one.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Has it take the configuration that was written last.
    pub fn reload(&self) -> Result<()> {
        match self.kind.reload() {
            Reload::Signal(signal) => self.process.signal(signal),
            Reload::Watched => Ok(()),
            Reload::HotRestart => {
                let above = self.supervisor == Supervisor::HotRestarts;
                ensure!(above, "{} takes new routes by a hot restart only", self.kind.title());
                self.process.signal(libc::SIGHUP)
            }
        }
    }

    /// Kills all that the supervisor has started, as a crash would; it starts it again.
    pub fn crash(&self) -> Result<()> {
        ensure!(self.supervisor == Supervisor::Restarts, "nobody would start it again");
        self.process.kill_descendants();
        Ok(())
    }
}

/// The names of all data planes and builds.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().chain(BUILDS).map(DataPlane::name)
}

/// The data plane of this name.
pub fn named(name: &str) -> Result<&'static dyn DataPlane> {
    let names: Vec<&str> = names().collect();
    let found = ALL.into_iter().chain(BUILDS).find(|plane| plane.name() == name);
    found.with_context(|| format!("no data plane {name:?}; there are: {}", names.join(", ")))
}

/// Starts a data plane with its output in `NAME.log`, and waits until it is ready.
pub fn start(plane: &'static dyn DataPlane, settings: &Settings<'_>, directory: &Directory) -> Result<Running> {
    let log = directory.path().join(format!("{}.log", plane.name()));
    let output = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
    plane.configure(settings, directory.path())?;
    let options = settings.options;
    let mut command = options.supervisor.over(plane.command(options, directory.path())?);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut process = Process::spawn(&mut command)?;
    wait_until_ready(plane, &mut process, options)
        .with_context(|| format!("{} did not start:\n{}", plane.name(), tail(&log)))?;
    Ok(Running {
        process,
        kind: plane,
        supervisor: options.supervisor,
    })
}

fn wait_until_ready(plane: &dyn DataPlane, process: &mut Process, options: &Options) -> Result<()> {
    let deadline = Instant::now() + START;
    while !plane.is_ready(options) {
        if let Some(status) = process.ended()? {
            bail!("it ended with {status}");
        }
        if Instant::now() > deadline {
            bail!("it does not serve on {}", options.address);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn tail(log: &Path) -> String {
    crate::command::last_lines(&std::fs::read_to_string(log).unwrap_or_default(), 20)
}
