//! A cluster in small: the API server of [`super::api`], real Traefik as Gateway API controller and data plane, `gwobs agent`
//! watching the same API, backends and clients. The pod is stood in for by a real process in a real control group that is
//! named as a container runtime would.
//!
//! ```text
//! test ─► API ─► Traefik (controller and data plane, in a container's control group) ─► backends
//!          └───► gwobs agent ─────────────┘ finds it by the Pod, judges it by the objects
//! ```

pub mod certificate;
mod cgroup;
mod exact;
pub mod incidents;
pub mod objects;

use super::api::Api;
use super::backend::{Backends, Reach};
use super::client::{Client, Exchange};
use super::directory::Directory;
use super::gwobs::{self, Gwobs, Observe};
use super::http::{Connection, Framing};
use super::network::{Addresses, Network};
use super::process::Process;
use super::traffic::{Case, Request};
use super::truth::is_misrouted;
use super::yaml;
use crate::setup::wheel::DataPlane as Wheel;
use crate::versions;
use anyhow::{Context as _, Result, bail};
use cgroup::Container;
pub use exact::{assert_exact, assert_no_mismatch_but, decisions};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The node that the pod and the agent are on.
pub const NODE: &str = "node-1";
/// How long the controller may take to act on a change: Traefik takes 0.1 to 1.7 s.
const CONVERGENCE: Duration = Duration::from_secs(20);
/// The file of Traefik's own configuration that it watches.
const DYNAMIC: &str = "dynamic.yaml";
/// How often to look meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// A running cluster without an agent. All ends with the value.
pub struct Cluster {
    traefik: Process,
    container: Container,
    /// The API server.
    pub api: Api,
    /// The backends.
    pub backends: Backends,
    /// Where configuration and logs lie.
    pub directory: Directory,
    network: Network,
}

impl Cluster {
    /// Starts the API server with a class, a Gateway, and a Service with endpoints for each of these backends, which are
    /// named `service` or `namespace/service`; then Traefik.
    pub fn start(backends: &[&str]) -> Result<Self> {
        let (directory, network, api) = (
            Directory::create()?,
            Network::claim(Addresses::Ipv4)?,
            Api::with_gateway_api()?,
        );
        let names: BTreeSet<String> = backends.iter().map(|name| (*name).to_owned()).collect();
        let backends = Backends::start(&names, Reach::default(), &network)?;
        objects::apply_all(&api, network.gateway().port(), &backends)?;
        let mut traefik = start_traefik(&api, network.gateway(), &directory)?;
        wait_until_listening(&mut traefik, network.gateway())?;
        let container = Container::of(traefik.pid())?;
        api.apply(objects::pod(NODE, container.id(), network.gateway().ip()))?;
        Ok(Self {
            traefik,
            container,
            api,
            backends,
            directory,
            network,
        })
    }

    /// The address that clients talk to.
    pub fn address(&self) -> SocketAddr {
        self.network.gateway()
    }

    /// The address of the agent's own server.
    pub fn metrics_address(&self) -> SocketAddr {
        SocketAddr::new(self.address().ip(), self.address().port().wrapping_add(1))
    }

    /// Where the data plane ends TLS, once a listener of this port names a certificate.
    pub fn tls_address(&self) -> SocketAddr {
        tls_address(self.address())
    }

    /// Adds a listener for HTTPS at that address, for this host, with the certificate of this Secret.
    pub fn listen_tls(&self, host: &str, secret: &str) -> Result<()> {
        let (clear, tls) = (self.address().port(), self.tls_address().port());
        self.api.apply(objects::gateway(&json!([
            {
                "name": "web", "port": clear, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}},
            },
            {
                "name": "https", "port": tls, "protocol": "HTTPS", "hostname": host,
                "tls": {"certificateRefs": [{"name": secret}]},
            },
        ])))
    }

    /// The data plane's own configuration beside what the API holds; takes effect within a second.
    pub fn configure(&self, dynamic: &Value) -> Result<()> {
        write_dynamic(&self.directory, dynamic)
    }

    /// An address that nothing uses.
    pub fn spare_address(&self) -> SocketAddr {
        SocketAddr::new(self.address().ip(), self.address().port().wrapping_add(3))
    }

    /// The process of the data plane.
    pub fn pid(&self) -> u32 {
        self.traefik.pid()
    }

    /// The id of its container.
    pub fn container(&self) -> &str {
        self.container.id()
    }

    /// Starts `gwobs agent` and waits until it is ready.
    pub fn agent(&self) -> Result<Gwobs> {
        self.agent_with(&[])
    }

    /// The same with further arguments.
    pub fn agent_with(&self, args: &[&str]) -> Result<Gwobs> {
        let binary = gwobs::binary()?;
        self.agent_by(args, |args| {
            let mut command = Command::new(binary);
            command.args(args);
            command
        })
    }

    /// The same with a command of the caller's own.
    pub fn agent_by(&self, args: &[&str], command: impl FnOnce(&[String]) -> Command) -> Result<Gwobs> {
        let served = self.metrics_address();
        self.api.apply(objects::agent_pod(NODE, served.port()))?;
        self.api
            .forward_ports(objects::AGENT_NAMESPACE, objects::AGENT_POD, served);
        let observe = Observe::agent(&self.kubeconfig()?, NODE, served);
        let observe = args.iter().fold(observe, |observe, arg| observe.arg(arg));
        let gwobs = observe.start_by(command)?;
        let deadline = Instant::now() + CONVERGENCE;
        loop {
            match page(self.metrics_address(), "/readyz") {
                Ok((200, _)) => return Ok(gwobs),
                other if Instant::now() > deadline => bail!("the agent does not become ready: {other:?}"),
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// A file that leads to the API server.
    pub fn kubeconfig(&self) -> Result<PathBuf> {
        let file = self.directory.path().join("kubeconfig");
        self.api.kubeconfig(&file)?;
        Ok(file)
    }

    /// The agent's metrics.
    pub fn metrics(&self) -> Result<String> {
        page(self.metrics_address(), "/metrics").map(|(_, text)| text)
    }

    /// A client of the data plane.
    pub fn client(&self) -> Client {
        Client::new(self.address())
    }

    /// Waits until the data plane answers a request as is due.
    pub fn wait_until(&self, case: &Case) -> Result<()> {
        self.wait_for(&case.request, |exchange| {
            let answer = exchange.answer.as_ref();
            answer.is_ok_and(|answer| !is_misrouted(&case.due, answer))
        })
    }

    /// Waits until the data plane gives such an answer to a request.
    pub fn wait_for(&self, request: &Request, wanted: impl Fn(&Exchange) -> bool) -> Result<()> {
        let deadline = Instant::now() + CONVERGENCE;
        loop {
            // What is due is the caller's business.
            let last = self.client().run(&[request.clone().due_status(0)])?;
            if last.iter().any(&wanted) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the data plane does not answer as wanted: {last:?}\n{}", self.log());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The last lines of the controller's log.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.directory.path().join("traefik.log")).unwrap_or_default();
        crate::command::last_lines(&text, 20)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A control group can only be removed once its processes are gone.
        let _ = self.traefik.signal(libc::SIGKILL);
        let _ = self.traefik.wait(CONVERGENCE);
    }
}

fn start_traefik(api: &Api, listen: SocketAddr, directory: &Directory) -> Result<Process> {
    write_dynamic(directory, &json!({}))?;
    let dynamic = json!({"filename": directory.path().join(DYNAMIC), "watch": true});
    let config = json!({
        "entryPoints": {"web": {"address": listen}, "websecure": {"address": tls_address(listen)}},
        "providers": {
            "kubernetesGateway": {"endpoint": api.url(), "throttleDuration": "50ms"},
            "file": dynamic, "providersThrottleDuration": "50ms",
        },
        "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
        "log": {"level": "INFO"},
    });
    let file = directory.path().join("traefik.yaml");
    std::fs::write(&file, yaml::document(&config)).with_context(|| format!("cannot write {}", file.display()))?;
    let log = File::create(directory.path().join("traefik.log")).context("cannot create traefik.log")?;
    let mut command = Command::new(Wheel(versions::TRAEFIK).program_in_place()?);
    command.arg("--configFile").arg(file).env("GOMAXPROCS", "2");
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Process::spawn(&mut command)
}

fn write_dynamic(directory: &Directory, dynamic: &Value) -> Result<()> {
    let file = directory.path().join(DYNAMIC);
    std::fs::write(&file, yaml::document(dynamic)).with_context(|| format!("cannot write {}", file.display()))
}

/// The port after those of the data plane and of the agent.
fn tls_address(gateway: SocketAddr) -> SocketAddr {
    SocketAddr::new(gateway.ip(), gateway.port().wrapping_add(2))
}

fn wait_until_listening(traefik: &mut Process, address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + CONVERGENCE;
    while TcpStream::connect(address).is_err() {
        if let Some(status) = traefik.ended()? {
            bail!("Traefik ended with {status}");
        }
        if Instant::now() > deadline {
            bail!("Traefik does not accept connections on {address}");
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Status and body of a GET.
pub fn page(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    page_as(address, path, "*/*")
}

/// Status and body of a GET that accepts this.
pub fn page_as(address: SocketAddr, path: &str, accept: &str) -> Result<(u16, String)> {
    let mut connection = Connection::open(address)?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
    connection.write(head.as_bytes())?;
    let head = connection.read_head()?;
    let body = connection.read_body(Framing::of_response(&head, "GET"))?;
    Ok((head.start[1].parse()?, String::from_utf8_lossy(&body).into_owned()))
}
