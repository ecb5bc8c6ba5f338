//! Envoy with backends that speak HTTP/2, and the manifests that are said to describe it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xtask::setup::wheel::DataPlane as Wheel;
use xtask::testbed::directory::Directory;
use xtask::testbed::gwobs::Observe;
use xtask::testbed::network::{Addresses, Network};
use xtask::testbed::plane::envoy;
use xtask::testbed::process::Process;
use xtask::testbed::tls::{Authority, Files, Own, Tls};
use xtask::versions;

use super::backend::Backend;

/// Requests for `host` whose path begins with `prefix` go to `backend`. The first row that fits wins, so rows are given
/// in the order of precedence of the specs, those of one host together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// `HTTPRoute` or `GRPCRoute`; the prefix of the latter is `/service/` or `/service/method`.
    pub(crate) kind: &'static str,
    pub(crate) host: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) backend: &'static str,
}

/// All of it, running.
pub(crate) struct Gateway {
    pub(crate) network: Network,
    _backends: Vec<Backend>,
    directory: Directory,
    authority: Option<Authority>,
    envoy: Process,
}

impl Gateway {
    /// `configured` is what Envoy does, `specified` what the manifests say.
    pub(crate) async fn start(configured: &[Row], specified: &[Row]) -> Result<Self> {
        Self::start_with(configured, specified, false).await
    }

    /// The same; clients speak TLS to it, if `tls` is set.
    pub(crate) async fn start_with(configured: &[Row], specified: &[Row], tls: bool) -> Result<Self> {
        let (network, directory) = (Network::claim(Addresses::Ipv4)?, Directory::create()?);
        let authority = tls.then(Authority::create).transpose()?;
        let own = match &authority {
            Some(authority) => Files::write(Tls::DOWNSTREAM, authority, directory.path())?.own,
            None => None,
        };
        let mut names: Vec<&str> = configured.iter().chain(specified).map(|row| row.backend).collect();
        names.sort_unstable();
        names.dedup();
        let mut backends = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            backends.push(Backend::start(name, network.endpoint(u8::try_from(index)?)).await?);
        }
        std::fs::write(
            directory.path().join("manifests.yaml"),
            manifests(&network, specified, &backends, own.as_ref()),
        )?;
        let configuration = directory.path().join("envoy.json");
        std::fs::write(
            &configuration,
            bootstrap(&network, configured, &backends, own.as_ref()).to_string(),
        )?;
        let mut command = Command::new(Wheel(versions::ENVOY).program_in_place()?);
        command.arg("--config-path").arg(configuration);
        command.args(["--concurrency", "2", "--disable-hot-restart", "--log-level", "error"]);
        let envoy = Process::spawn(command.stdin(Stdio::null()))?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while tokio::net::TcpStream::connect(network.gateway()).await.is_err() {
            ensure!(Instant::now() < deadline, "Envoy does not serve");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            network,
            _backends: backends,
            directory,
            authority,
            envoy,
        })
    }

    /// `gwobs observe`, not yet started.
    pub(crate) fn observe(&self) -> Observe {
        Observe::new()
            .manifests(&self.manifests())
            .gateway("default/gateway")
            .pid(self.envoy.pid())
    }

    /// Who signed its certificate, as those have it who trust it.
    pub(crate) fn trusted(&self) -> Option<String> {
        self.authority.as_ref().map(Authority::pem)
    }

    fn manifests(&self) -> PathBuf {
        self.directory.path().join("manifests.yaml")
    }
}

fn bootstrap(network: &Network, rows: &[Row], backends: &[Backend], own: Option<&Own>) -> Value {
    let clusters: Vec<Value> = backends.iter().map(cluster).collect();
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        }}],
        "route_config": {"virtual_hosts": virtual_hosts(rows)},
    });
    let mut chain = json!({"filters": [{
        "name": "envoy.filters.network.http_connection_manager", "typed_config": manager,
    }]});
    if let (Some(own), Some(chain)) = (own, chain.as_object_mut()) {
        chain.insert("transport_socket".to_owned(), envoy::downstream_tls(own));
    }
    json!({"static_resources": {
        "listeners": [{
            "name": "http",
            "address": {"socket_address": {"address": network.gateway().ip(), "port_value": network.gateway().port()}},
            "filter_chains": [chain],
        }],
        "clusters": clusters,
    }})
}

/// One virtual host for each host, with the routes of its rows in order.
fn virtual_hosts(rows: &[Row]) -> Vec<Value> {
    let mut hosts: Vec<&str> = rows.iter().map(|row| row.host).collect();
    hosts.dedup();
    hosts.into_iter().map(|host| virtual_host(host, rows)).collect()
}

fn virtual_host(host: &str, rows: &[Row]) -> Value {
    let route = |row: &Row| json!({"match": {"prefix": row.prefix}, "route": {"cluster": row.backend}});
    let routes: Vec<Value> = rows.iter().filter(|row| row.host == host).map(route).collect();
    json!({"name": host, "domains": [host, format!("{host}:*")], "routes": routes})
}

fn cluster(backend: &Backend) -> Value {
    let socket = json!({"address": backend.address.ip(), "port_value": backend.address.port()});
    let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
    json!({
        "name": backend.name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": backend.name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }},
    })
}

fn manifests(network: &Network, rows: &[Row], backends: &[Backend], own: Option<&Own>) -> String {
    let mut text = format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gateway, namespace: default}}\n\
         spec: {{gatewayClassName: any, listeners: [{}]}}\n",
        listener(network.gateway().port(), own)
    );
    text.extend(own.map(|own| format!("---\n{}\n", secret(own))));
    for (index, row) in rows.iter().enumerate() {
        let matched = match row.kind {
            "GRPCRoute" => grpc_match(row.prefix),
            _ => format!("path: {{type: PathPrefix, value: '{}'}}", row.prefix),
        };
        let _ = write!(
            text,
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: {}\nmetadata: {{name: r{index}, namespace: default}}\n\
             spec:\n  parentRefs: [{{name: gateway}}]\n  hostnames: ['{}']\n  rules:\n  - matches: [{{{matched}}}]\n    \
             backendRefs: [{{name: {}, port: 80}}]\n",
            row.kind, row.host, row.backend
        );
    }
    backends.iter().map(service).for_each(|service| text.push_str(&service));
    text
}

fn listener(port: u16, own: Option<&Own>) -> Value {
    match own {
        None => json!({"name": "http", "port": port, "protocol": "HTTP"}),
        Some(_) => json!({
            "name": "https", "port": port, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "certificate"}]},
        }),
    }
}

fn secret(own: &Own) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "certificate", "namespace": "default"},
        "type": "kubernetes.io/tls", "stringData": {"tls.crt": own.chain, "tls.key": own.secret},
    })
}

fn grpc_match(prefix: &str) -> String {
    let mut parts = prefix.trim_matches('/').split('/');
    let service = parts.next().unwrap_or_default();
    match parts.next() {
        Some(method) => format!("method: {{service: {service}, method: {method}}}"),
        None => format!("method: {{service: {service}}}"),
    }
}

fn service(backend: &Backend) -> String {
    let (name, ip, port) = (backend.name, backend.address.ip(), backend.address.port());
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{ports: [{{name: http, port: 80, targetPort: {port}, appProtocol: kubernetes.io/h2c}}]}}\n\
         ---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata: {{name: {name}-1, namespace: default, labels: {{kubernetes.io/service-name: {name}}}}}\n\
         addressType: IPv4\nports: [{{name: http, port: {port}}}]\nendpoints: [{{addresses: ['{ip}']}}]\n"
    )
}
