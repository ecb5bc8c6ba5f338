//! Traefik: a Go program, whose requests change threads; the file provider's routers with priorities in the table's order.

use super::dispatch::{self, Host};
use super::{DataPlane, Options, Program, Reload, Settings};
use crate::testbed::backend::Backend;
use crate::testbed::http::{Connection, Head};
use crate::testbed::object::{push, set};
use crate::testbed::passthrough::Door;
use crate::testbed::rule::{Action, Filter, Match, Path as PathRule, Rule};
use crate::testbed::tls::{Handshake, Trusted, backend_name};
use crate::testbed::yaml;
use crate::versions;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::process::Command;

/// A host that only a router of the testbed's own has, so that one can see when the routers are in force.
const READY_HOST: &str = "ready.testbed.invalid";

/// The file of what is fixed when it starts.
const FILE: &str = "traefik.yaml";
/// The file of what it watches.
const ROUTES: &str = "traefik-routes.yaml";

/// The entry point of what is passed on.
const PASSTHROUGH: &str = "passthrough";

/// The official build of Traefik. It adds no request id, but `X-Forwarded-*`.
pub struct Traefik;

impl DataPlane for Traefik {
    fn name(&self) -> &'static str {
        "traefik"
    }

    fn title(&self) -> &'static str {
        "Traefik"
    }

    fn configure(&self, settings: &Settings<'_>, dir: &Path) -> Result<()> {
        ensure!(
            settings.options.proxy_protocol.to_backends.is_none(),
            "Traefik sends no PROXY protocol with HTTP"
        );
        ensure!(
            settings.options.per_connection.is_none(),
            "Traefik takes requests on a connection without a limit"
        );
        // Its own reader must never see half a file.
        let (aside, routes) = (dir.join("traefik-routes.new"), dir.join(ROUTES));
        write(&aside, &routing(settings))?;
        std::fs::rename(&aside, &routes).with_context(|| format!("cannot replace {}", routes.display()))?;
        write(&dir.join(FILE), &process(settings.options, &routes))
    }

    fn command(&self, options: &Options, dir: &Path) -> Result<Command> {
        let mut command = Program::Wheel(versions::TRAEFIK).command()?;
        command.arg("--configFile").arg(dir.join(FILE));
        command.env("GOMAXPROCS", options.workers.to_string());
        Ok(command)
    }

    /// Of the routes; the process stays the same.
    fn reload(&self) -> Reload {
        Reload::Watched
    }

    /// It listens before it has read its routers, and answers 404 until then.
    fn is_ready(&self, options: &Options) -> bool {
        asked(options).is_ok_and(|head| head.start[1] != "404")
    }
}

fn asked(options: &Options) -> io::Result<Head> {
    let mut connection = Connection::open(options.address)?;
    if options.tls.own.is_some() {
        connection = connection.into_tls(&Handshake::unchecked()?)?;
    }
    connection.write(format!("GET / HTTP/1.1\r\nhost: {READY_HOST}\r\nconnection: close\r\n\r\n").as_bytes())?;
    connection.read_head()
}

fn write(file: &Path, value: &Value) -> Result<()> {
    std::fs::write(file, yaml::document(value)).with_context(|| format!("cannot write {}", file.display()))
}

/// What is fixed when it starts.
fn process(options: &Options, dynamic: &Path) -> Value {
    let address = if options.listen.ip().is_unspecified() {
        format!(":{}", options.listen.port())
    } else {
        options.listen.to_string()
    };
    let mut entry_point = json!({"address": address});
    if options.proxy_protocol.from_clients.is_some() {
        set(&mut entry_point, "proxyProtocol", json!({"insecure": true}));
    }
    if options.tls.own.is_some() {
        set(&mut entry_point, "http", json!({"tls": {}}));
    }
    let mut entry_points = json!({"http": entry_point});
    if let Some(door) = &options.passthrough {
        set(
            &mut entry_points,
            PASSTHROUGH,
            json!({"address": door.address.to_string()}),
        );
    }
    let mut process = json!({
        "entryPoints": entry_points,
        "providers": {"providersThrottleDuration": "50ms", "file": {"filename": dynamic, "watch": true}},
        "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
        "log": {"level": "WARN"},
    });
    if let Some(path) = &options.access_log {
        set(&mut process, "accessLog", json!({"filePath": path, "format": "json"}));
    }
    process
}

/// What it may learn again while it runs.
fn routing(settings: &Settings<'_>) -> Value {
    let mut routing = Routing::default();
    let hosts = dispatch::hosts(settings.routes);
    let named: Vec<&str> = hosts.iter().filter_map(|host| host.name).collect();
    for host in &hosts {
        routing.add(host, &named);
    }
    let scheme = match (&settings.options.tls.trusted, settings.options.http2.to_backends) {
        (Some(_), _) => "https",
        (None, true) => "h2c",
        (None, false) => "http",
    };
    for backend in settings.backends.iter() {
        let transport = settings
            .options
            .tls
            .trusted
            .as_ref()
            .map(|trusted| transport(backend, trusted));
        routing
            .services
            .push((backend.name().to_owned(), service(backend, scheme, transport.is_some())));
        routing
            .transports
            .extend(transport.map(|transport| (backend.name().to_owned(), transport)));
    }
    let mut file = routing.finish();
    if let Some(door) = &settings.options.passthrough {
        set(&mut file, "tcp", passing(door, settings));
    }
    if let Some(own) = &settings.options.tls.own {
        let certificate = json!({"certFile": own.certificate, "keyFile": own.key});
        let store = json!({"default": {"defaultCertificate": certificate}});
        set(&mut file, "tls", json!({"stores": store}));
    }
    file
}

/// Picks a service by the name in the ClientHello, and passes on the bytes.
fn passing(door: &Door, settings: &Settings<'_>) -> Value {
    let (mut routers, mut services) = (json!({}), json!({}));
    for (index, route) in door.routes.iter().enumerate() {
        let name = format!("passed-{index}");
        let router = json!({
            "entryPoints": [PASSTHROUGH],
            "rule": format!("HostSNI(`{}`)", route.server_name),
            "service": name,
            "tls": {"passthrough": true},
        });
        let endpoints = settings.backends.endpoints(route.configured);
        let servers: Vec<Value> = endpoints.map(|endpoint| json!({"address": endpoint})).collect();
        set(&mut routers, &name, router);
        set(&mut services, &name, json!({"loadBalancer": {"servers": servers}}));
    }
    json!({"routers": routers, "services": services})
}

/// As a BackendTLSPolicy wants it: the hostname is asked for and checked.
fn transport(backend: &Backend, trusted: &Trusted) -> Value {
    json!({"serverName": backend_name(backend.name()), "rootCAs": [trusted.path]})
}

/// The parts of the file provider's `http` section.
#[derive(Default)]
struct Routing {
    routers: Vec<(String, Value)>,
    middlewares: Vec<(String, Value)>,
    services: Vec<(String, Value)>,
    transports: Vec<(String, Value)>,
}

impl Routing {
    fn add(&mut self, host: &Host<'_>, named: &[&str]) {
        for (name, rule) in &host.rules {
            let service = self.service_of(name, rule);
            let middlewares = self.middlewares_of(name, rule);
            for condition in &rule.matches {
                let router = json!({
                    "rule": format!("{} && {}", host_matcher(host.name, named), matcher(condition)),
                    "service": service,
                    "middlewares": middlewares,
                });
                self.routers.push((format!("router-{}", self.routers.len()), router));
            }
        }
    }

    /// The name of the service that a rule forwards to.
    fn service_of(&mut self, name: &str, rule: &Rule) -> String {
        let Action::Forward(backends) = &rule.action else {
            return "noop@internal".to_owned();
        };
        let mut service = match backends.as_slice() {
            [(only, _)] => only.clone(),
            several => {
                let shares = several
                    .iter()
                    .map(|(name, weight)| json!({"name": name, "weight": weight}));
                let weighted = json!({"weighted": {"services": shares.collect::<Vec<_>>()}});
                self.define_service(format!("{name}-split"), weighted)
            }
        };
        for (index, filter) in rule.filters.iter().enumerate() {
            if let Filter::Mirror(backend) = filter {
                let mirroring = json!({"mirroring": {
                    "service": service, "mirrors": [{"name": backend, "percent": 100}],
                }});
                service = self.define_service(format!("{name}-mirror-{index}"), mirroring);
            }
        }
        service
    }

    fn define_service(&mut self, name: String, service: Value) -> String {
        self.services.push((name.clone(), service));
        name
    }

    /// The names of the middlewares that do a rule's filters, its redirect and its retries.
    fn middlewares_of(&mut self, name: &str, rule: &Rule) -> Vec<String> {
        let mut all: Vec<Value> = rule.filters.iter().flat_map(|filter| changes(filter, rule)).collect();
        if let Action::Redirect { status, host } = &rule.action {
            all.push(json!({"redirectRegex": {
                "regex": "^(https?)://[^/]+(.*)$",
                "replacement": format!("${{1}}://{host}${{2}}"),
                "permanent": *status == 301,
            }}));
        }
        if rule.retries > 0 {
            all.push(json!({"retry": {"attempts": rule.retries + 1, "status": ["503"]}}));
        }
        let known = self.middlewares.len();
        let named = all
            .into_iter()
            .enumerate()
            .map(|(index, value)| (format!("{name}-{}", known + index), value));
        self.middlewares.extend(named);
        self.middlewares
            .iter()
            .skip(known)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Higher numbers win, so the first router gets the highest one.
    fn finish(mut self) -> Value {
        let count = self.routers.len();
        for (index, (_, router)) in self.routers.iter_mut().enumerate() {
            set(router, "priority", json!(1 + count - index));
        }
        let ready = json!({"rule": format!("Host(`{READY_HOST}`)"), "service": "noop@internal"});
        self.routers.push(("ready".to_owned(), ready));
        let object = |parts: Vec<(String, Value)>| Value::Object(parts.into_iter().collect());
        let mut http = json!({"routers": object(self.routers), "services": object(self.services)});
        if !self.middlewares.is_empty() {
            set(&mut http, "middlewares", object(self.middlewares));
        }
        if !self.transports.is_empty() {
            set(&mut http, "serversTransports", object(self.transports));
        }
        json!({"http": http})
    }
}

/// The rules without a host are for hosts that no other rule names.
fn host_matcher(host: Option<&str>, named: &[&str]) -> String {
    match host {
        Some(name) => one_host(name),
        None => {
            let others = named.iter().copied().chain([READY_HOST]);
            others
                .map(|name| format!("!{}", one_host(name)))
                .collect::<Vec<_>>()
                .join(" && ")
        }
    }
}

fn one_host(name: &str) -> String {
    match name.strip_prefix('*') {
        Some(suffix) => format!("HostRegexp(`^.+{}$`)", dispatch::escaped(suffix)),
        None => format!("Host(`{name}`)"),
    }
}

fn matcher(condition: &Match) -> String {
    let mut all = vec![match &condition.path {
        PathRule::Exact(path) => format!("Path(`{path}`)"),
        PathRule::Prefix(path) => match path.trim_end_matches('/') {
            "" => "PathPrefix(`/`)".to_owned(),
            path => format!("(Path(`{path}`) || PathPrefix(`{path}/`))"),
        },
        PathRule::Regex(regex) => format!("PathRegexp(`^(?:{regex})$`)"),
    }];
    all.extend(condition.method.iter().map(|method| format!("Method(`{method}`)")));
    let pairs = |kind: &str, pairs: &[(String, String)]| {
        let texts = pairs.iter().map(|(name, value)| format!("{kind}(`{name}`, `{value}`)"));
        texts.collect::<Vec<_>>()
    };
    all.extend(pairs("Header", &condition.headers));
    all.extend(pairs("Query", &condition.query));
    all.join(" && ")
}

fn changes(filter: &Filter, rule: &Rule) -> Vec<Value> {
    let headers = |name: &str, value: &str| json!({"headers": {"customRequestHeaders": {name: value}}});
    match filter {
        Filter::ReplacePrefix(path) => {
            let pairs = rule
                .matches
                .iter()
                .map(|condition| dispatch::replace_prefix(condition, path));
            let middleware = |(pattern, before): (String, String)| json!({"replacePathRegex": {"regex": pattern, "replacement": format!("{before}$1")}});
            pairs.map(middleware).collect()
        }
        Filter::ReplacePath(path) => vec![json!({"replacePath": {"path": path}})],
        Filter::ReplaceHost(host) => vec![headers("Host", host)],
        Filter::SetHeader(name, value) => vec![headers(name, value)],
        Filter::RemoveHeader(name) => vec![headers(name, "")],
        Filter::Mirror(_) => Vec::new(),
    }
}

fn service(backend: &Backend, scheme: &str, tls: bool) -> Value {
    let mut balancer = json!({});
    for endpoint in backend.endpoints() {
        push(
            &mut balancer,
            "servers",
            json!({"url": format!("{scheme}://{endpoint}")}),
        );
    }
    if tls {
        set(&mut balancer, "serversTransport", json!(backend.name()));
    }
    json!({"loadBalancer": balancer})
}
