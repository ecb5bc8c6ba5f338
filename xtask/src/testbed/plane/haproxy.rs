//! HAProxy: a master, and a worker with threads; one `backend` for each rule, picked by the first `use_backend` that
//! applies.

use super::dispatch::{self, Host};
use super::{DataPlane, Options, Program, Reload, Settings};
use crate::testbed::proxy_protocol::Version;
use crate::testbed::rule::{Action, Filter, Match, Rule};
use crate::testbed::tls::{PROTOCOLS, backend_name};
use crate::versions;
use anyhow::{Context as _, Result, bail, ensure};
use std::path::Path;
use std::process::Command;

/// The configuration file.
const FILE: &str = "haproxy.cfg";

/// A build of HAProxy.
pub struct Haproxy {
    name: &'static str,
    title: &'static str,
    program: Program,
}

/// The wheel's build.
pub const WHEEL: Haproxy = Haproxy {
    name: "haproxy",
    title: "HAProxy",
    program: Program::Wheel(versions::HAPROXY),
};

/// Debian's build.
pub const DEBIAN: Haproxy = Haproxy {
    name: versions::HAPROXY_DEBIAN.plane,
    title: "Debian's HAProxy",
    program: Program::Debian(versions::HAPROXY_DEBIAN),
};

impl DataPlane for Haproxy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn configure(&self, settings: &Settings<'_>, dir: &Path) -> Result<()> {
        let file = dir.join(FILE);
        let text = configuration(settings)?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    fn command(&self, _: &Options, dir: &Path) -> Result<Command> {
        let mut command = self.program.command()?;
        command.arg("-W").arg("-f").arg(dir.join(FILE));
        Ok(command)
    }

    /// The master executes itself again and starts a new worker; the old one finishes what it has.
    fn reload(&self) -> Reload {
        Reload::Signal(libc::SIGUSR2)
    }
}

/// Idle server connections are shared by all clients and threads, as busy gateways have it.
const DEFAULTS: &str = "defaults
  mode http
  maxconn 9000
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  http-reuse always
  option redispatch 1
  balance random(1)
";

/// What a decision needs: the cheapest way to learn the same without gwobs.
const ACCESS_LOG: &str = r#"  log stdout format raw local0
  log-format '{"time":"%t","method":"%HM","path":"%HU","status":"%ST","flags":"%ts","route":"%b","upstream":"%si:%sp","downstream":"%ci:%cp","duration":"%Ta"}'
"#;

fn configuration(settings: &Settings<'_>) -> Result<String> {
    let mut text = format!("global\n  nbthread {}\n", settings.options.workers);
    if let Some(requests) = settings.options.per_connection {
        text.push_str(&format!("  tune.h2.fe.max-total-streams {requests}\n"));
    }
    text.push_str(DEFAULTS);
    text.push_str(&frontend(settings)?);
    text.push_str(&passing(settings));
    text.push_str("backend none\n  http-request return status 404\n");
    for (name, rule) in dispatch::rules(settings.routes) {
        text.push_str(&backend(&name, rule, settings)?);
    }
    Ok(text)
}

fn frontend(settings: &Settings<'_>) -> Result<String> {
    let mut text = format!("frontend http\n  bind {}\n", bind(settings.options));
    if settings.options.access_log.is_some() {
        text.push_str(ACCESS_LOG);
    }
    for host in dispatch::hosts(settings.routes) {
        text.push_str(&choices(&host)?);
    }
    text.push_str("  default_backend none\n");
    Ok(text)
}

/// Picks a backend by the name in the ClientHello, and passes on the bytes.
fn passing(settings: &Settings<'_>) -> String {
    let Some(door) = &settings.options.passthrough else {
        return String::new();
    };
    let mut text = format!(
        "frontend passthrough\n  mode tcp\n  bind {}\n  tcp-request inspect-delay 5s\n  \
         tcp-request content accept if {{ req_ssl_hello_type 1 }}\n",
        door.address
    );
    for (index, route) in door.routes.iter().enumerate() {
        text.push_str(&format!(
            "  use_backend passed-{index} if {{ req_ssl_sni -i {} }}\n",
            route.server_name
        ));
    }
    for (index, route) in door.routes.iter().enumerate() {
        text.push_str(&format!("backend passed-{index}\n  mode tcp\n"));
        for endpoint in settings.backends.endpoints(route.configured) {
            text.push_str(&format!("  server {endpoint} {endpoint}\n"));
        }
    }
    text
}

fn bind(options: &Options) -> String {
    let dual_stack = if options.listen.ip().is_unspecified() {
        " v4v6"
    } else {
        ""
    };
    let announced = if options.proxy_protocol.from_clients.is_some() {
        " accept-proxy"
    } else {
        ""
    };
    let tls = match &options.tls.own {
        Some(own) => format!(" ssl crt {} alpn {}", own.both.display(), PROTOCOLS.join(",")),
        None => String::new(),
    };
    format!("{}{dual_stack}{announced}{tls}", options.listen)
}

/// One `use_backend` for each match of the host's rules; a host's requests never fall through to the next host's rules.
fn choices(host: &Host<'_>) -> Result<String> {
    let of_host = match host.name {
        Some(name) => format!("{} ", host_condition(name)?),
        None => String::new(),
    };
    let mut text = String::new();
    for (name, rule) in &host.rules {
        for condition in &rule.matches {
            text.push_str(&format!(
                "  use_backend {name} if {of_host}{}\n",
                conditions(condition)?
            ));
        }
    }
    if host.name.is_some() {
        text.push_str(&format!("  use_backend none if {of_host}\n"));
    }
    Ok(text)
}

/// The Host header without its port.
fn host_condition(name: &str) -> Result<String> {
    let (how, name) = match name.strip_prefix('*') {
        Some(suffix) => ("end", suffix),
        None => ("str", name),
    };
    Ok(format!(
        "{{ req.hdr(host),field(1,:),lower -m {how} {} }}",
        quoted(name)?
    ))
}

fn conditions(condition: &Match) -> Result<String> {
    let mut all = vec![format!(
        "{{ path_reg {} }}",
        quoted(&dispatch::path_pattern(condition))?
    )];
    if let Some(method) = &condition.method {
        all.push(format!("{{ method {method} }}"));
    }
    for (name, value) in &condition.headers {
        all.push(format!("{{ req.fhdr({name}) -m str {} }}", quoted(value)?));
    }
    for (name, value) in &condition.query {
        all.push(format!("{{ url_param({name}) -m str {} }}", quoted(value)?));
    }
    Ok(all.join(" "))
}

fn backend(name: &str, rule: &Rule, settings: &Settings<'_>) -> Result<String> {
    let mut text = format!("backend {name}\n");
    match &rule.action {
        Action::Redirect { status, host } => {
            let scheme = settings.options.tls.scheme();
            text.push_str(&format!(
                "  http-request redirect prefix {scheme}://{host} code {status}\n"
            ));
        }
        Action::Forward(backends) => {
            if settings.options.request_ids {
                text.push_str("  http-request set-header x-request-id %[uuid()]\n");
            }
            for filter in &rule.filters {
                text.push_str(&change(filter, rule)?);
            }
            if rule.retries > 0 {
                text.push_str(&format!(
                    "  retries {}\n  retry-on conn-failure empty-response 503\n",
                    rule.retries
                ));
            }
            text.push_str(&servers(backends, settings));
        }
    }
    Ok(text)
}

/// The endpoints of all backends; random balancing picks them by weight.
fn servers(backends: &[(String, u32)], settings: &Settings<'_>) -> String {
    let announced = match settings.options.proxy_protocol.to_backends {
        Some(Version::V1) => " send-proxy",
        Some(Version::V2) => " send-proxy-v2",
        None => "",
    };
    let http2 = if settings.options.http2.to_backends {
        " proto h2"
    } else {
        ""
    };
    let mut text = String::new();
    for (name, weight) in backends {
        for (index, endpoint) in settings.backends.endpoints(name).enumerate() {
            text.push_str(&format!(
                "  server {name}-{index} {endpoint} weight {weight}{announced}{http2}{}\n",
                tls(name, settings.options)
            ));
        }
    }
    text
}

/// As a BackendTLSPolicy wants it: the hostname is asked for and checked.
fn tls(backend: &str, options: &Options) -> String {
    let Some(trusted) = &options.tls.trusted else {
        return String::new();
    };
    let (name, file) = (backend_name(backend), trusted.path.display());
    format!(" ssl verify required ca-file {file} sni str({name}) verifyhost {name} check-sni {name}")
}

fn change(filter: &Filter, rule: &Rule) -> Result<String> {
    let mut text = String::new();
    match filter {
        Filter::ReplacePrefix(path) => {
            for condition in &rule.matches {
                let (pattern, before) = dispatch::replace_prefix(condition, path);
                let (pattern, with) = (quoted(&pattern)?, quoted(&format!(r"{before}\1"))?);
                text.push_str(&format!("  http-request replace-path {pattern} {with}\n"));
            }
        }
        Filter::ReplacePath(path) => text.push_str(&format!("  http-request set-path {}\n", quoted(path)?)),
        Filter::ReplaceHost(host) => text.push_str(&format!("  http-request set-header host {}\n", quoted(host)?)),
        Filter::SetHeader(name, value) => {
            text.push_str(&format!("  http-request set-header {name} {}\n", quoted(value)?));
        }
        Filter::RemoveHeader(name) => text.push_str(&format!("  http-request del-header {name}\n")),
        Filter::Mirror(_) => bail!("HAProxy has no mirror of its own"),
    }
    Ok(text)
}

/// One word of the configuration, in which nothing is special; values with a `%` would be log-format expressions.
fn quoted(text: &str) -> Result<String> {
    ensure!(!text.contains(['\'', '\n', '%']), "HAProxy cannot be given {text:?}");
    Ok(format!("'{text}'"))
}
