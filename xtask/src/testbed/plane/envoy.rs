//! Envoy with a static configuration: routes in the table's order, a static cluster per backend, no admin interface.

use super::{DataPlane, Options, Program, Reload, Settings, Supervisor};
use crate::testbed::backend::Backend;
use crate::testbed::object::{push, set};
use crate::testbed::passthrough::Door;
use crate::testbed::proxy_protocol::Version;
use crate::testbed::rule::{Action, Filter, Match, Path as PathRule, Route, Rule};
use crate::testbed::tls::{Own, PROTOCOLS, Trusted, backend_name};
use crate::testbed::yaml;
use crate::versions;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

/// The configuration file.
const FILE: &str = "envoy.yaml";

/// The official build of Envoy.
pub struct Envoy;

impl DataPlane for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn title(&self) -> &'static str {
        "Envoy"
    }

    fn configure(&self, settings: &Settings<'_>, dir: &Path) -> Result<()> {
        let file = dir.join(FILE);
        std::fs::write(&file, yaml::document(&bootstrap(settings)))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn command(&self, options: &Options, dir: &Path) -> Result<Command> {
        let mut command = Program::Wheel(versions::ENVOY).command()?;
        command.arg("--config-path").arg(dir.join(FILE));
        command.args(["--concurrency", &options.workers.to_string()]);
        command.args(["--log-level", "warning"]);
        match options.supervisor {
            Supervisor::HotRestarts => command.args(hot_restarts(options)),
            Supervisor::None | Supervisor::Restarts => command.arg("--disable-hot-restart"),
        };
        Ok(command)
    }

    /// Its routes are in its bootstrap configuration, which it reads once.
    fn reload(&self) -> Reload {
        Reload::HotRestart
    }
}

/// Envoy's configuration for these settings, for those who add to it what the rule table does not say.
pub fn bootstrap(settings: &Settings<'_>) -> Value {
    let announced = settings.options.proxy_protocol.to_backends;
    let clusters = settings.backends.iter().map(|backend| {
        let mut cluster = cluster(backend, announced);
        if let Some(trusted) = &settings.options.tls.trusted {
            set(&mut cluster, "transport_socket", upstream_tls(backend, trusted));
        }
        if settings.options.http2.to_backends {
            set(&mut cluster, "typed_extension_protocol_options", upstream_http2());
        }
        cluster
    });
    let door = settings.options.passthrough.as_ref();
    let passed = door.into_iter().flat_map(|door| passed_clusters(door, settings));
    let clusters: Vec<Value> = clusters.chain(passed).collect();
    let listeners: Vec<Value> = std::iter::once(listener(settings))
        .chain(door.map(passing_listener))
        .collect();
    json!({"static_resources": {"listeners": listeners, "clusters": clusters}})
}

/// Processes that hand over to each other, and to no other testbed's, within seconds.
fn hot_restarts(options: &Options) -> [String; 6] {
    let base_id = match options.listen.ip() {
        IpAddr::V4(ip) => u32::from(ip) & 0xFF_FFFF,
        IpAddr::V6(_) => u32::from(options.listen.port()),
    };
    let id = base_id.to_string();
    ["--base-id", &id, "--drain-time-s", "1", "--parent-shutdown-time-s", "2"].map(str::to_owned)
}

fn listener(settings: &Settings<'_>) -> Value {
    let mut listener = json!({
        "name": "http",
        "address": address(settings.options.listen),
        "filter_chains": [{"filters": [typed(
            "envoy.filters.network.http_connection_manager",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            connection_manager(settings),
        )]}],
    });
    if let Some(own) = &settings.options.tls.own
        && let Some(chain) = listener.pointer_mut("/filter_chains/0")
    {
        set(chain, "transport_socket", downstream_tls(own));
    }
    if settings.options.proxy_protocol.from_clients.is_some() {
        let filter = typed(
            "envoy.filters.listener.proxy_protocol",
            "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
            json!({}),
        );
        push(&mut listener, "listener_filters", filter);
    }
    listener
}

/// Picks a cluster by the name in the ClientHello, and passes on the bytes.
fn passing_listener(door: &Door) -> Value {
    let chains = door.routes.iter().map(|route| {
        let proxy = typed(
            "envoy.filters.network.tcp_proxy",
            "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            json!({"stat_prefix": "passthrough", "cluster": passed_cluster(route.configured)}),
        );
        json!({"filter_chain_match": {"server_names": [route.server_name]}, "filters": [proxy]})
    });
    let inspector = typed(
        "envoy.filters.listener.tls_inspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        json!({}),
    );
    json!({
        "name": "passthrough",
        "address": address(door.address),
        "listener_filters": [inspector],
        "filter_chains": chains.collect::<Vec<_>>(),
    })
}

/// The same backends once more, without TLS of Envoy's own.
fn passed_clusters<'a>(door: &'a Door, settings: &'a Settings<'_>) -> impl Iterator<Item = Value> + 'a {
    let is_used = |backend: &&Backend| door.routes.iter().any(|route| route.configured == backend.name());
    settings.backends.iter().filter(is_used).map(|backend| {
        let mut cluster = cluster(backend, None);
        set(&mut cluster, "name", json!(passed_cluster(backend.name())));
        cluster
    })
}

fn passed_cluster(backend: &str) -> String {
    format!("passed-{backend}")
}

/// The transport socket of a listener that ends TLS.
pub fn downstream_tls(own: &Own) -> Value {
    let files = json!({
        "certificate_chain": {"filename": own.certificate}, "private_key": {"filename": own.key},
    });
    typed(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({"common_tls_context": {"tls_certificates": [files], "alpn_protocols": PROTOCOLS}}),
    )
}

/// Backends that speak HTTP/2; WebSockets go to them as extended CONNECT.
fn upstream_http2() -> Value {
    json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {"allow_connect": true}},
    }})
}

/// As a BackendTLSPolicy wants it: the hostname is asked for and checked.
fn upstream_tls(backend: &Backend, trusted: &Trusted) -> Value {
    let name = backend_name(backend.name());
    let validation = json!({
        "trusted_ca": {"filename": trusted.path},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": name}}],
    });
    typed(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        json!({"sni": name, "common_tls_context": {"validation_context": validation}}),
    )
}

fn connection_manager(settings: &Settings<'_>) -> Value {
    let router = typed(
        "envoy.filters.http.router",
        "envoy.extensions.filters.http.router.v3.Router",
        json!({}),
    );
    let mut manager = json!({
        "stat_prefix": "http",
        "generate_request_id": settings.options.request_ids,
        "http_filters": [router],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http2_protocol_options": {"allow_connect": true},
        "route_config": {"virtual_hosts": virtual_hosts(settings.routes)},
    });
    if let Some(requests) = settings.options.per_connection {
        let limit = json!({"max_requests_per_connection": requests});
        set(&mut manager, "common_http_protocol_options", limit);
    }
    if let Some(path) = &settings.options.access_log {
        push(&mut manager, "access_log", access_log(path));
    }
    manager
}

/// A JSON access log with what a decision needs: the cheapest way to learn the same without gwobs.
fn access_log(path: &Path) -> Value {
    let format = json!({
        "time": "%START_TIME%", "method": "%REQ(:METHOD)%", "authority": "%REQ(:AUTHORITY)%",
        "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "request_id": "%REQ(X-REQUEST-ID)%",
        "user_agent": "%REQ(USER-AGENT)%", "status": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%",
        "route": "%ROUTE_NAME%", "upstream": "%UPSTREAM_HOST%", "cluster": "%UPSTREAM_CLUSTER%",
        "downstream": "%DOWNSTREAM_REMOTE_ADDRESS%", "duration": "%DURATION%",
    });
    typed(
        "envoy.access_loggers.file",
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        json!({"path": path, "log_format": {"json_format": format}}),
    )
}

/// A virtual host for each hostname, in the order of first appearance, with the rules of all routes that have it.
fn virtual_hosts(routes: &[Route]) -> Vec<Value> {
    let mut hosts: Vec<(String, Vec<Value>)> = Vec::new();
    for route in routes {
        let wildcard = ["*".to_owned()];
        let names = if route.hostnames.is_empty() {
            &wildcard[..]
        } else {
            &route.hostnames
        };
        for name in names {
            let rules = route.rules.iter().flat_map(envoy_routes);
            match hosts.iter_mut().find(|(host, _)| host == name) {
                Some((_, present)) => present.extend(rules),
                None => hosts.push((name.clone(), rules.collect())),
            }
        }
    }
    hosts
        .into_iter()
        .map(|(host, routes)| virtual_host(&host, &routes))
        .collect()
}

fn virtual_host(host: &str, routes: &[Value]) -> Value {
    let domains = if host == "*" {
        vec![host.to_owned()]
    } else {
        vec![host.to_owned(), format!("{host}:*")]
    };
    json!({"name": host, "domains": domains, "routes": routes})
}

/// One Envoy route for each match of a rule.
fn envoy_routes(rule: &Rule) -> Vec<Value> {
    rule.matches
        .iter()
        .map(|condition| envoy_route(rule, condition))
        .collect()
}

fn envoy_route(rule: &Rule, condition: &Match) -> Value {
    let mut route = json!({"match": envoy_match(condition)});
    match &rule.action {
        Action::Forward(backends) => set(&mut route, "route", forward(rule, condition, backends)),
        Action::Redirect { status, host } => {
            let code = if *status == 301 { "MOVED_PERMANENTLY" } else { "FOUND" };
            set(
                &mut route,
                "redirect",
                json!({"host_redirect": host, "response_code": code}),
            );
        }
    }
    for filter in &rule.filters {
        modify_headers(&mut route, filter);
    }
    route
}

fn modify_headers(route: &mut Value, filter: &Filter) {
    match filter {
        Filter::SetHeader(name, value) => push(
            route,
            "request_headers_to_add",
            json!({
                "header": {"key": name, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }),
        ),
        Filter::RemoveHeader(name) => push(route, "request_headers_to_remove", json!(name)),
        _ => {}
    }
}

fn forward(rule: &Rule, condition: &Match, backends: &[(String, u32)]) -> Value {
    let mut action = match backends {
        [(only, _)] => json!({"cluster": only}),
        several => {
            let clusters = several
                .iter()
                .map(|(name, weight)| json!({"name": name, "weight": weight}));
            json!({"weighted_clusters": {"clusters": clusters.collect::<Vec<_>>()}})
        }
    };
    for filter in &rule.filters {
        rewrite(&mut action, filter, condition);
    }
    if rule.retries > 0 {
        let policy = json!({"retry_on": "5xx,connect-failure", "num_retries": rule.retries});
        set(&mut action, "retry_policy", policy);
    }
    action
}

fn rewrite(action: &mut Value, filter: &Filter, condition: &Match) {
    match filter {
        Filter::ReplacePrefix(path) => set(action, "regex_rewrite", replace_prefix(condition, path)),
        Filter::ReplacePath(path) => set(action, "regex_rewrite", substitution("^.*$", path)),
        Filter::ReplaceHost(host) => set(action, "host_rewrite_literal", json!(host)),
        Filter::Mirror(backend) => push(action, "request_mirror_policies", json!({"cluster": backend})),
        Filter::SetHeader(..) | Filter::RemoveHeader(_) => {}
    }
}

/// The spec's table for ReplacePrefixMatch: what remains after the prefix is joined by exactly one `/`.
fn replace_prefix(condition: &Match, path: &str) -> Value {
    let prefix = match &condition.path {
        PathRule::Prefix(prefix) => prefix.trim_end_matches('/'),
        PathRule::Exact(_) | PathRule::Regex(_) => "",
    };
    match path.trim_end_matches('/') {
        "" => substitution(&format!("^{prefix}/*"), "/"),
        trimmed => substitution(&format!("^{prefix}"), trimmed),
    }
}

fn substitution(pattern: &str, replacement: &str) -> Value {
    json!({"pattern": {"regex": pattern}, "substitution": replacement})
}

fn envoy_match(condition: &Match) -> Value {
    let mut object = match &condition.path {
        PathRule::Prefix(path) if path == "/" => json!({"prefix": "/"}),
        PathRule::Prefix(path) => json!({"path_separated_prefix": path.trim_end_matches('/')}),
        PathRule::Exact(path) => json!({"path": path}),
        PathRule::Regex(regex) => json!({"safe_regex": {"regex": regex}}),
    };
    let method = condition.method.iter().map(|method| (":method", method));
    let headers = condition.headers.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in method.chain(headers) {
        push(
            &mut object,
            "headers",
            json!({"name": name, "string_match": {"exact": value}}),
        );
    }
    for (name, value) in &condition.query {
        push(
            &mut object,
            "query_parameters",
            json!({"name": name, "string_match": {"exact": value}}),
        );
    }
    object
}

fn cluster(backend: &Backend, announced: Option<Version>) -> Value {
    let endpoints: Vec<Value> = backend
        .endpoints()
        .map(|endpoint| json!({"endpoint": {"address": address(endpoint)}}))
        .collect();
    let mut cluster = json!({
        "name": backend.name(),
        "type": "STATIC",
        "connect_timeout": "1s",
        // Retries are limited to three at a time by default, which would turn some into plain failures.
        "circuit_breakers": {"thresholds": [{"max_retries": 1000}]},
        "load_assignment": {"cluster_name": backend.name(), "endpoints": [{"lb_endpoints": endpoints}]},
    });
    if let Some(version) = announced {
        set(&mut cluster, "transport_socket", announcing(version));
    }
    cluster
}

/// A socket that begins with a PROXY protocol header.
fn announcing(version: Version) -> Value {
    let raw = typed(
        "envoy.transport_sockets.raw_buffer",
        "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
        json!({}),
    );
    let version = match version {
        Version::V1 => "V1",
        Version::V2 => "V2",
    };
    typed(
        "envoy.transport_sockets.upstream_proxy_protocol",
        "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        json!({"config": {"version": version}, "transport_socket": raw}),
    )
}

fn address(address: std::net::SocketAddr) -> Value {
    let mut socket = json!({"address": address.ip(), "port_value": address.port()});
    if address.ip().is_unspecified() {
        set(&mut socket, "ipv4_compat", json!(true));
    }
    json!({"socket_address": socket})
}

fn typed(name: &str, kind: &str, mut config: Value) -> Value {
    set(&mut config, "@type", json!(format!("type.googleapis.com/{kind}")));
    json!({"name": name, "typed_config": config})
}
