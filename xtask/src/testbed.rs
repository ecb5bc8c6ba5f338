//! A gateway's whole surroundings on loopback: a real data plane, backends that say who they are, clients that remember
//! who answered, and `gwobs observe` beside them.
//!
//! One ordered table of [`rule::Route`]s is rendered twice: as a data plane's own configuration and as Gateway API
//! manifests. Give the two different tables and the data plane misroutes on purpose, with the truth known to the
//! clients: every answer carries the name of the backend that gave it.
//!
//! ```text
//! client ──► data plane ──► backend      truth: x-backend in every answer
//!               ▲
//!             gwobs ◄── manifests        claim: one decision a request
//! ```

pub mod api;
pub mod backend;
pub mod client;
pub mod cluster;
pub mod directory;
pub mod exposition;
pub mod gwobs;
pub mod http;
pub mod http2;
pub mod manifests;
pub mod network;
mod object;
pub mod passthrough;
pub mod plane;
pub mod process;
pub mod prometheus;
pub mod proxy_protocol;
pub mod rule;
pub mod shop;
pub mod tls;
pub mod traffic;
pub mod trial;
pub mod truth;
pub mod twins;
pub mod usage;
mod yaml;

use anyhow::{Context as _, Result};
use backend::{Backends, Reach};
use client::Client;
use directory::Directory;
use gwobs::Observe;
use http2::Http2;
use network::{Addresses, Network};
use passthrough::{Door, Passthrough};
use plane::{DataPlane, Options, Running, Settings, Supervisor};
use proxy_protocol::ProxyProtocol;
use rule::Route;
use std::net::SocketAddr;
use std::path::PathBuf;
use tls::{Authority, Files, HTTP1, Handshake, Tls};

/// What a [`Testbed`] is made of.
#[derive(Clone)]
pub struct Plan<'a> {
    /// Which data plane.
    pub plane: &'static dyn DataPlane,
    /// What the data plane does, first matching rule first.
    pub configured: &'a [Route],
    /// What the Gateway API objects say.
    pub specified: &'a [Route],
    /// Worker threads or processes of the data plane.
    pub workers: usize,
    /// Whether the data plane adds an `x-request-id`.
    pub request_ids: bool,
    /// Endpoints of each backend.
    pub endpoints: usize,
    /// Endpoints of each backend that are listed beside those and refuse connections.
    pub dead_endpoints: usize,
    /// Address families.
    pub addresses: Addresses,
    /// The PROXY protocol on either side of the data plane.
    pub proxy_protocol: ProxyProtocol,
    /// HTTP/2 on either side of the data plane.
    pub http2: Http2,
    /// TLS on either side of the data plane.
    pub tls: Tls,
    /// TLS that the data plane passes on, at [`Testbed::passthrough_address`].
    pub passthrough: &'a [Passthrough],
    /// What stands above the data plane; gwobs observes it with all that it starts.
    pub supervisor: Supervisor,
    /// Whether the data plane writes a JSON access log.
    pub access_log: bool,
    /// Requests that the data plane takes on a client's connection before it takes no more.
    pub per_connection: Option<u32>,
    /// The listener's port in the manifests, when it is not the one that the data plane binds.
    pub listener_port: Option<u16>,
}

impl<'a> Plan<'a> {
    /// A data plane that is configured as specified, with the usual settings.
    pub fn correct(plane: &'static dyn DataPlane, routes: &'a [Route]) -> Self {
        Self {
            plane,
            configured: routes,
            specified: routes,
            workers: 2,
            request_ids: true,
            endpoints: 1,
            dead_endpoints: 0,
            addresses: Addresses::default(),
            proxy_protocol: ProxyProtocol::default(),
            http2: Http2::default(),
            tls: Tls::default(),
            passthrough: &[],
            supervisor: Supervisor::None,
            access_log: false,
            per_connection: None,
            listener_port: None,
        }
    }

    /// A data plane that does something else than what is specified.
    pub fn wrong(plane: &'static dyn DataPlane, configured: &'a [Route], specified: &'a [Route]) -> Self {
        Self {
            configured,
            ..Self::correct(plane, specified)
        }
    }
}

/// A running data plane with its backends and the manifests that are said to describe it. All ends with the value.
pub struct Testbed {
    /// The data plane. Declared first, so that it ends before its backends do.
    pub plane: Running,
    /// The backends.
    pub backends: Backends,
    /// Where configuration, manifests and logs lie.
    pub directory: Directory,
    /// Who signs the certificates of the gateway and of the backends.
    pub authority: Authority,
    handshake: Option<Handshake>,
    kind: &'static dyn DataPlane,
    options: Options,
    listener_port: u16,
    _network: Network,
}

impl Testbed {
    /// Starts backends, writes manifests, starts the data plane and waits until it is ready.
    pub fn start(plan: &Plan<'_>) -> Result<Self> {
        let directory = Directory::create()?;
        let network = Network::claim(plan.addresses)?;
        let mut names = rule::backends(plan.configured.iter().chain(plan.specified));
        let passed = plan.passthrough.iter();
        names.extend(passed.flat_map(|route| [route.configured.to_owned(), route.specified.to_owned()]));
        let authority = Authority::create()?;
        let backends = Backends::start(&names, reach(plan, &authority), &network)?;
        let handshake = plan.tls.from_clients.map(|_| -> Result<_> {
            let config = authority.client_config(HTTP1)?;
            Ok(Handshake::new(config)?)
        });
        let files = Files::write(plan.tls, &authority, directory.path())?;
        let options = options(plan, &network, &directory, files);
        let settings = Settings {
            options: &options,
            routes: plan.configured,
            backends: &backends,
        };
        let bed = Self {
            plane: plane::start(plan.plane, &settings, &directory)?,
            backends,
            directory,
            authority,
            handshake: handshake.transpose()?,
            kind: plan.plane,
            listener_port: plan.listener_port.unwrap_or(options.address.port()),
            options,
            _network: network,
        };
        bed.specify(plan.specified)?;
        Ok(bed)
    }

    /// The address that clients talk to.
    pub fn address(&self) -> SocketAddr {
        self.options.address
    }

    /// A client of the data plane that speaks HTTP/1.1.
    pub fn client(&self) -> Client {
        Client::new(self.address())
            .proxy_protocol(self.options.proxy_protocol.from_clients)
            .tls(self.handshake.clone())
    }

    /// Gives the running data plane other routes among the same backends. It takes them a little later.
    pub fn configure(&self, routes: &[Route]) -> Result<()> {
        let settings = Settings {
            options: &self.options,
            routes,
            backends: &self.backends,
        };
        self.kind.configure(&settings, self.directory.path())?;
        self.plane.reload()
    }

    /// An address for a server of the observer's own, on the same network.
    pub fn metrics_address(&self) -> SocketAddr {
        SocketAddr::new(self.address().ip(), self.address().port().wrapping_add(1))
    }

    /// Where TLS is passed on.
    pub fn passthrough_address(&self) -> SocketAddr {
        passthrough_address(self.address())
    }

    /// The manifest file.
    pub fn manifests(&self) -> PathBuf {
        self.directory.path().join("manifests.yaml")
    }

    /// The manifests of these routes.
    pub fn render(&self, routes: &[Route]) -> String {
        manifests::render(routes, self.listener_port, &self.backends, &self.options)
    }

    /// Replaces the manifests in one step, as a careful writer does.
    pub fn specify(&self, routes: &[Route]) -> Result<()> {
        let text = self.render(routes);
        let aside = self.directory.path().join("manifests.new");
        std::fs::write(&aside, text).context("cannot write manifests")?;
        std::fs::rename(&aside, self.manifests()).context("cannot replace manifests")
    }

    /// `gwobs observe` on this data plane with these manifests, not yet started.
    pub fn observe(&self) -> Observe {
        let observe = Observe::new()
            .manifests(&self.manifests())
            .gateway(&manifests::gateway_name());
        let (listener, local) = (self.listener_port, self.address().port());
        let observe = if listener == local {
            observe
        } else {
            observe.arg("--port-map").arg(&format!("{listener}={local}"))
        };
        observe.pid(self.plane.pid())
    }
}

fn reach<'a>(plan: &Plan<'_>, authority: &'a Authority) -> Reach<'a> {
    Reach {
        endpoints: plan.endpoints,
        dead_endpoints: plan.dead_endpoints,
        proxy_protocol: plan.proxy_protocol.to_backends.is_some(),
        http2: plan.http2.to_backends,
        tls: Some((authority, plan.tls)),
    }
}

fn passthrough_address(gateway: SocketAddr) -> SocketAddr {
    SocketAddr::new(gateway.ip(), gateway.port().wrapping_add(2))
}

fn options(plan: &Plan<'_>, network: &Network, directory: &Directory, tls: Files) -> Options {
    Options {
        listen: network.listen(),
        address: network.gateway(),
        workers: plan.workers,
        request_ids: plan.request_ids,
        per_connection: plan.per_connection,
        access_log: plan.access_log.then(|| directory.path().join("access.log")),
        proxy_protocol: plan.proxy_protocol,
        http2: plan.http2,
        tls,
        passthrough: (!plan.passthrough.is_empty()).then(|| Door {
            address: passthrough_address(network.listen()),
            routes: plan.passthrough.to_vec(),
        }),
        supervisor: plan.supervisor,
    }
}
