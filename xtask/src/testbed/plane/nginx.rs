//! NGINX: a master with worker processes, one `server` for each host, one named location for each rule.
//!
//! NGINX orders `location`s by its own precedence, so the table's order is kept by a `map` of regular expressions, which
//! are tried in order: its source is one line for each property of the request that any rule looks at.

use super::dispatch::{self, Host};
use super::{DataPlane, Options, Program, Reload, Settings};
use crate::testbed::backend::Backend;
use crate::testbed::passthrough::Door;
use crate::testbed::rule::{Action, Filter, Match, Rule};
use crate::testbed::tls::backend_name;
use crate::versions;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Idle connections that each worker keeps to each upstream.
const KEEPALIVE: usize = 64;

/// The configuration file.
const FILE: &str = "nginx.conf";

/// A build of NGINX.
pub struct Nginx {
    name: &'static str,
    title: &'static str,
    program: Program,
}

/// The wheel's build.
pub const WHEEL: Nginx = Nginx {
    name: "nginx",
    title: "NGINX",
    program: Program::Wheel(versions::NGINX),
};

/// Debian's build.
pub const DEBIAN: Nginx = Nginx {
    name: versions::NGINX_DEBIAN.plane,
    title: "Debian's NGINX",
    program: Program::Debian(versions::NGINX_DEBIAN),
};

impl DataPlane for Nginx {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn configure(&self, settings: &Settings<'_>, dir: &Path) -> Result<()> {
        let file = dir.join(FILE);
        let text = configuration(settings, dir)?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    fn command(&self, _: &Options, dir: &Path) -> Result<Command> {
        let mut command = self.program.command()?;
        // Relative paths, those of the reload too, are below the prefix.
        command
            .arg("-p")
            .arg(dir)
            .args(["-e", "stderr", "-c"])
            .arg(dir.join(FILE));
        Ok(command)
    }

    /// The master starts new workers, and the old ones finish what they have.
    fn reload(&self) -> Reload {
        Reload::Signal(libc::SIGHUP)
    }
}

/// What the requests of one host are matched by: a line of the map's source for each.
struct Properties {
    headers: BTreeSet<String>,
    query: BTreeSet<String>,
}

impl Properties {
    fn of(host: &Host<'_>) -> Self {
        let matches = || host.rules.iter().flat_map(|(_, rule)| &rule.matches);
        let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        Self {
            headers: matches().flat_map(|condition| names(&condition.headers)).collect(),
            query: matches().flat_map(|condition| names(&condition.query)).collect(),
        }
    }

    /// The source: method, headers, query parameters, and the path last, because a decoded path may hold a line break.
    fn source(&self) -> Result<String> {
        let mut lines = vec!["$request_method".to_owned()];
        for name in &self.headers {
            lines.push(variable("http", name)?);
        }
        for name in &self.query {
            lines.push(variable("arg", name)?);
        }
        lines.push("$uri".to_owned());
        Ok(lines.join("\n"))
    }

    /// One match as a regular expression for the source.
    fn pattern(&self, condition: &Match) -> String {
        let mut lines = vec![value(condition.method.as_deref())];
        let of = |pairs: &[(String, String)], name: &String| {
            let pair = pairs.iter().find(|(own, _)| own == name);
            value(pair.map(|(_, value)| value.as_str()))
        };
        lines.extend(self.headers.iter().map(|name| of(&condition.headers, name)));
        lines.extend(self.query.iter().map(|name| of(&condition.query, name)));
        let path = dispatch::path_pattern(condition);
        lines.push(path.trim_start_matches('^').to_owned());
        format!("~^{}", lines.join("\n"))
    }
}

fn value(wanted: Option<&str>) -> String {
    wanted.map_or_else(|| "[^\n]*".to_owned(), dispatch::escaped)
}

/// NGINX's variable for a header or a query parameter.
fn variable(kind: &str, name: &str) -> Result<String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || c == '_' || (kind == "http" && c == '-');
    ensure!(name.chars().all(usable), "NGINX has no variable for {name:?}");
    Ok(format!("${kind}_{}", name.to_ascii_lowercase().replace('-', "_")))
}

fn configuration(settings: &Settings<'_>, dir: &Path) -> Result<String> {
    let mut http = Vec::new();
    if let Some(path) = &settings.options.access_log {
        http.push(ACCESS_LOG.to_owned());
        http.push(format!("access_log {} decision;", quoted(&path.to_string_lossy())));
    } else {
        http.push("access_log off;".to_owned());
    }
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let path = dir.join(format!("{kind}_temp"));
        http.push(format!("{kind}_temp_path {};", quoted(&path.to_string_lossy())));
    }
    let attempts = settings
        .routes
        .iter()
        .flat_map(|route| &route.rules)
        .map(|rule| rule.retries + 1);
    let copies = attempts.max().unwrap_or(1);
    http.extend(settings.backends.iter().map(|backend| upstream(backend, copies)));
    for (name, rule) in dispatch::rules(settings.routes) {
        http.extend(split(&name, rule));
    }
    for (index, host) in dispatch::hosts(settings.routes).iter().enumerate() {
        http.push(map(index, host)?);
        http.push(server(index, host, settings)?);
    }
    let passing = settings.options.passthrough.as_ref();
    let passing = passing.map(|door| passing_on(door, settings)).unwrap_or_default();
    Ok(format!(
        "user root;\ndaemon off;\nworker_processes {};\npid {};\nerror_log stderr warn;\nevents {{\n  worker_connections 16384;\n}}\n{}\n{passing}",
        settings.options.workers,
        quoted(&dir.join("nginx.pid").to_string_lossy()),
        block("http", &[HTTP.lines().map(str::to_owned).collect(), http].concat()),
    ))
}

/// Picks a backend by the name in the ClientHello, and passes on the bytes.
fn passing_on(door: &Door, settings: &Settings<'_>) -> String {
    let upstreams = door.routes.iter().enumerate().map(|(index, route)| {
        let endpoints = settings.backends.endpoints(route.configured);
        let servers: Vec<String> = endpoints.map(|endpoint| format!("server {endpoint};")).collect();
        block(&format!("upstream passed_{index}"), &servers)
    });
    let names = door.routes.iter().enumerate();
    let names: Vec<String> = names
        .map(|(index, route)| format!("{} passed_{index};", route.server_name))
        .collect();
    let server = [
        format!("listen {};", door.address),
        "ssl_preread on;".to_owned(),
        "proxy_pass $passed;".to_owned(),
    ];
    let mut lines: Vec<String> = upstreams.collect();
    lines.push(block("map $ssl_preread_server_name $passed", &names));
    lines.push(block("server", &server));
    block("stream", &lines)
}

/// As distributions have it, and room for large heads and bodies.
const HTTP: &str = "sendfile on;
tcp_nopush on;
client_max_body_size 0;
large_client_header_buffers 4 32k;
proxy_http_version 1.1;
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }";

/// What a decision needs: the cheapest way to learn the same without gwobs.
const ACCESS_LOG: &str = r#"log_format decision escape=json '{"time":"$time_iso8601","method":"$request_method","authority":"$http_host","path":"$request_uri","request_id":"$request_id","user_agent":"$http_user_agent","status":"$status","upstream":"$upstream_addr","downstream":"$remote_addr","duration":"$request_time"}';"#;

/// A group of a backend's endpoints, each as often as a request may be tried, because none is tried twice.
fn upstream(backend: &Backend, copies: u32) -> String {
    let servers = (0..copies).flat_map(|_| backend.endpoints());
    let mut lines: Vec<String> = servers
        .map(|endpoint| format!("server {endpoint} max_fails=0;"))
        .collect();
    lines.push(format!("keepalive {KEEPALIVE};"));
    block(&format!("upstream {}", backend.name()), &lines)
}

/// A variable that is one of a rule's backends by weight.
fn split(name: &str, rule: &Rule) -> Option<String> {
    let Action::Forward(backends) = &rule.action else {
        return None;
    };
    let (last, others) = backends.split_last().filter(|(_, others)| !others.is_empty())?;
    let total: u32 = backends.iter().map(|(_, weight)| weight).sum();
    let share = |weight: u32| f64::from(weight) * 100.0 / f64::from(total.max(1));
    let mut lines: Vec<String> = others
        .iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(backend, weight)| format!("{:.2}% {backend};", share(*weight)))
        .collect();
    lines.push(format!("* {};", last.0));
    Some(block(
        &format!("split_clients $request_id ${}", split_variable(name)),
        &lines,
    ))
}

fn split_variable(name: &str) -> String {
    format!("split_{}", name.replace('-', "_"))
}

/// The variable `$rule_INDEX`: the name of the first rule that matches.
fn map(index: usize, host: &Host<'_>) -> Result<String> {
    let properties = Properties::of(host);
    let mut lines = vec!["default none;".to_owned()];
    for (name, rule) in &host.rules {
        let patterns = rule.matches.iter().map(|condition| properties.pattern(condition));
        lines.extend(patterns.map(|pattern| format!("{} {name};", quoted(&pattern))));
    }
    let source = quoted(&properties.source()?);
    Ok(block(&format!("map {source} $rule_{index}"), &lines))
}

fn server(index: usize, host: &Host<'_>, settings: &Settings<'_>) -> Result<String> {
    let default = if host.name.is_none() { " default_server" } else { "" };
    let mut lines = vec![
        format!("listen {}{default};", listen(settings.options, host.name.is_none())?),
        format!("server_name {};", host.name.unwrap_or("_")),
        // Named locations can be reached by a variable in this way only.
        format!("error_page 418 = @$rule_{index};"),
        block("location /", &["return 418;".to_owned()]),
        block("location @none", &["return 404;".to_owned()]),
    ];
    if let Some(own) = &settings.options.tls.own {
        let quoted = |path: &Path| quoted(&path.to_string_lossy());
        lines.push(format!("ssl_certificate {};", quoted(&own.certificate)));
        lines.push(format!("ssl_certificate_key {};", quoted(&own.key)));
        // What later releases do by themselves.
        lines.push("ssl_protocols TLSv1.2 TLSv1.3;".to_owned());
    }
    lines.extend((settings.options.per_connection).map(|requests| format!("keepalive_requests {requests};")));
    let mut mirrors = BTreeSet::new();
    for (name, rule) in &host.rules {
        lines.push(location(name, rule, settings, &mut mirrors)?);
    }
    lines.extend(mirrors.iter().map(|backend| mirror(backend, settings.options)));
    Ok(block("server", &lines))
}

/// Options of the socket are given once, with the server for all other hosts.
fn listen(options: &Options, first: bool) -> Result<String> {
    ensure!(
        !options.http2.to_backends,
        "the older NGINX of the two speaks no HTTP/2 to backends"
    );
    ensure!(
        options.proxy_protocol.to_backends.is_none(),
        "NGINX sends no PROXY protocol with HTTP"
    );
    let dual_stack = if first && options.listen.ip().is_unspecified() {
        " ipv6only=off"
    } else {
        ""
    };
    let announced = if options.proxy_protocol.from_clients.is_some() {
        " proxy_protocol"
    } else {
        ""
    };
    let tls = if options.tls.own.is_some() { " ssl" } else { "" };
    let http2 = if options.tls.own.is_some() || options.http2.from_clients {
        " http2"
    } else {
        ""
    };
    Ok(format!("{}{dual_stack}{announced}{tls}{http2}", options.listen))
}

fn location(name: &str, rule: &Rule, settings: &Settings<'_>, mirrors: &mut BTreeSet<String>) -> Result<String> {
    let lines = match &rule.action {
        Action::Redirect { status, host } => vec![format!("return {status} $scheme://{host}$request_uri;")],
        Action::Forward(backends) => {
            mirrors.extend(rule.filters.iter().filter_map(|filter| match filter {
                Filter::Mirror(backend) => Some(backend.clone()),
                _ => None,
            }));
            let upstream = match backends.as_slice() {
                [] => bail!("rule {name} has no backend"),
                [(only, _)] => only.clone(),
                _ => format!("${}", split_variable(name)),
            };
            forward(&upstream, rule, settings)
        }
    };
    Ok(block(&format!("location @{name}"), &lines))
}

fn forward(upstream: &str, rule: &Rule, settings: &Settings<'_>) -> Vec<String> {
    let mut lines = vec![match rule.retries {
        0 => "proxy_next_upstream off;".to_owned(),
        retries => format!(
            "proxy_next_upstream error timeout http_503 non_idempotent;\nproxy_next_upstream_tries {};",
            retries + 1
        ),
    }];
    let mut headers = vec![
        ("Host".to_owned(), "$http_host".to_owned()),
        ("Upgrade".to_owned(), "$http_upgrade".to_owned()),
        ("Connection".to_owned(), "$connection_upgrade".to_owned()),
    ];
    if settings.options.request_ids {
        headers.push(("X-Request-Id".to_owned(), "$request_id".to_owned()));
    }
    for filter in &rule.filters {
        match filter {
            Filter::ReplacePrefix(path) => lines.extend(rule.matches.iter().map(|condition| {
                let (pattern, before) = dispatch::replace_prefix(condition, path);
                format!("rewrite {} {} break;", quoted(&pattern), quoted(&format!("{before}$1")))
            })),
            Filter::ReplacePath(path) => lines.push(format!("rewrite ^ {} break;", quoted(path))),
            Filter::ReplaceHost(host) => set(&mut headers, "Host", host),
            Filter::SetHeader(name, value) => set(&mut headers, name, value),
            Filter::RemoveHeader(name) => set(&mut headers, name, ""),
            Filter::Mirror(backend) => lines.push(format!("mirror /mirror-{backend};")),
        }
    }
    lines.extend(
        headers
            .iter()
            .map(|(name, value)| format!("proxy_set_header {name} {};", quoted(value))),
    );
    lines.extend(pass(upstream, "", settings.options));
    lines
}

/// Hands the request over to an upstream; if it speaks TLS as a BackendTLSPolicy wants it: the hostname is asked for and
/// checked.
fn pass(upstream: &str, target: &str, options: &Options) -> Vec<String> {
    let Some(trusted) = &options.tls.trusted else {
        return vec![format!("proxy_pass http://{upstream}{target};")];
    };
    vec![
        "proxy_ssl_verify on;".to_owned(),
        "proxy_ssl_server_name on;".to_owned(),
        format!("proxy_ssl_name {};", quoted(&backend_name(upstream))),
        format!(
            "proxy_ssl_trusted_certificate {};",
            quoted(&trusted.path.to_string_lossy())
        ),
        format!("proxy_pass https://{upstream}{target};"),
    ]
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value.to_owned()));
}

fn mirror(backend: &str, options: &Options) -> String {
    let mut lines = vec![
        "internal;".to_owned(),
        "proxy_set_header Host $http_host;".to_owned(),
        "proxy_set_header Connection '';".to_owned(),
    ];
    lines.extend(pass(backend, "$request_uri", options));
    block(&format!("location = /mirror-{backend}"), &lines)
}

/// `head { lines }`, indented.
fn block(head: &str, lines: &[String]) -> String {
    let body: String = lines
        .iter()
        .flat_map(|line| line.lines())
        .map(|line| format!("  {line}\n"))
        .collect();
    format!("{head} {{\n{body}}}")
}

/// One word of the configuration, whatever it holds.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    format!("\"{escaped}\"")
}
