//! What is not read: unix sockets on either side of the data plane and within it, answers that the kernel takes from a
//! file. It is counted, what it hides is left open, and everything else is as exact as ever.

use crate::edited::edited;
use crate::{Plane, both, observe_exactly, shop};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use xtask::testbed::client::Exchange;
use xtask::testbed::gwobs::Observed;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::plane::Settings;
use xtask::testbed::plane::envoy::bootstrap;
use xtask::testbed::rule::{Route, prefix, route};
use xtask::testbed::traffic::{get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

xtask::on_plane!(envoy, a_backend_behind_a_unix_socket);
xtask::on_plane!(
    nginx,
    a_backend_behind_a_unix_socket,
    requests_that_come_in_unseen,
    answers_from_a_cache_by_sendfile,
);
xtask::on_plane!(
    haproxy,
    a_backend_behind_a_unix_socket,
    frontends_chained_by_a_unix_socket,
    requests_that_come_in_unseen,
);

/// The backend that is reached by a unix socket.
const HIDDEN: &str = "hidden";
/// Requests that come in unseen.
const UNSEEN: usize = 200;

fn routes() -> [Route; 1] {
    let rules = vec![
        prefix("/hidden").to(HIDDEN),
        prefix("/api").to("v1"),
        prefix("/other").to("v2"),
    ];
    [route("api", rules)]
}

/// What could not be seen for this reason.
fn counted(observed: &Observed, reason: &str) -> u64 {
    let count = observed.summary.pointer(&format!("/lost/{reason}"));
    count.and_then(Value::as_u64).unwrap_or_default()
}

/// The only endpoint of the hidden backend.
fn hidden(settings: &Settings<'_>) -> Result<SocketAddr> {
    let backend = settings.backends.iter().find(|backend| backend.name() == HIDDEN);
    backend
        .and_then(|backend| backend.endpoints().next())
        .context("no hidden backend")
}

/// Passes bytes on between a unix socket and an address, as a sidecar does.
fn relay(path: &Path, to: SocketAddr) -> Result<()> {
    let listener = UnixListener::bind(path).context("cannot listen on a unix socket")?;
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(to) else { return };
            let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else {
                return;
            };
            thread::spawn(move || pass(near, far));
            thread::spawn(move || pass(far_too, near_too));
        }
    });
    Ok(())
}

fn pass(mut from: impl Read, mut to: impl Write) {
    // Either side may hang up.
    let _ = io::copy(&mut from, &mut to);
}

/// The configuration with the endpoint behind a unix socket.
fn behind(plane: Plane, text: &str, settings: &Settings<'_>, endpoint: SocketAddr, path: &Path) -> String {
    let path = path.display().to_string();
    match plane.name() {
        "envoy" => {
            let mut configuration = bootstrap(settings);
            let address = json!({"address": endpoint.ip(), "port_value": endpoint.port()});
            replace(
                &mut configuration,
                &json!({"socket_address": address}),
                &json!({"pipe": {"path": path}}),
            );
            configuration.to_string()
        }
        "nginx" => text.replace(&endpoint.to_string(), &format!("unix:{path}")),
        _ => text.replace(&endpoint.to_string(), &format!("unix@{path}")),
    }
}

/// Replaces a value wherever it is.
fn replace(within: &mut Value, old: &Value, new: &Value) {
    if within == old {
        *within = new.clone();
        return;
    }
    match within {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, old, new)),
        Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, old, new)),
        _ => {}
    }
}

/// Answers of that backend, 404 among them, are left open: they are none of the gateway's own.
fn a_backend_behind_a_unix_socket(plane: Plane) -> Result<()> {
    let edited = edited(plane, move |text, settings, dir| {
        let (endpoint, path) = (hidden(settings)?, dir.join("hidden.sock"));
        relay(&path, endpoint)?;
        Ok(behind(plane, text, settings, endpoint, &path))
    });
    let routes = routes();
    let cases = [
        get("/hidden").due(HIDDEN),
        get("/hidden").asking("status=404").due(HIDDEN),
        get("/hidden").asking("status=500").due(HIDDEN),
        get("/api/items").due("v1"),
        get("/api/none").asking("status=404").due("v1"),
        get("/other").due("v2"),
    ];
    let (exchanges, observed) = crate::observe(&Plan::correct(edited, &routes), |client| {
        client.concurrency(8).run(&mixed(&cases, 600))
    })?;
    let is_hidden = |exchange: &Exchange| exchange.request.target == "/hidden";
    let (unseen, seen): (Vec<_>, Vec<_>) = exchanges.into_iter().partition(is_hidden);
    let is_hidden = |decision: &Decision| decision.path().starts_with("/hidden");
    let (open, decided): (Vec<_>, Vec<_>) = observed.decisions.iter().cloned().partition(is_hidden);
    compare(&seen, &decided).assert_exact()?;
    ensure!(open.len() == unseen.len(), "{} of {} told", open.len(), unseen.len());
    for decision in open {
        let said = (decision.verdict(), decision.reason());
        ensure!(said == ("inconclusive", "unsupported_protocol"), "{}", decision.0);
    }
    ensure!(
        counted(&observed, "unix_socket") >= unseen.len() as u64,
        "{}",
        observed.summary
    );
    Ok(())
}

/// The outer frontend hands everything to the inner one, which routes: one process, one request, one call.
fn frontends_chained_by_a_unix_socket(plane: Plane) -> Result<()> {
    let edited = edited(plane, |text, settings, dir| {
        let (listen, path) = (settings.options.listen, dir.join("inner.sock"));
        let path = path.display();
        let outer = format!(
            "frontend outer\n  bind {listen}\n  default_backend inner\nbackend inner\n  server inner unix@{path}\n"
        );
        let inner = format!("{outer}frontend http\n  bind unix@{path}\n");
        Ok(text.replace(&format!("frontend http\n  bind {listen}\n"), &inner))
    });
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let seen = observe_exactly(&Plan::wrong(edited, &configured, &specified), |client| {
        client.concurrency(8).run(&mixed(&shop::requests(), 1_000))
    })?;
    ensure!(seen.misrouted > 50, "only {} were misrouted", seen.misrouted);
    Ok(())
}

/// Requests by a unix socket: nobody sees them, and nobody else is given their calls.
fn requests_that_come_in_unseen(plane: Plane) -> Result<()> {
    let kind = edited(plane, move |text, settings, dir| {
        Ok(add_listener(plane, text, settings, dir))
    });
    let routes = routes();
    let bed = Testbed::start(&Plan::correct(kind, &routes))?;
    let gwobs = bed.observe().start()?;
    let path = bed.directory.path().join(SOCKET);
    let aside = move || (0..UNSEEN).try_for_each(|_| ask(UnixStream::connect(&path)?));
    let cases = [get("/api/items").due("v1"), get("/other").due("v2")];
    let exchanges = both(aside, || bed.client().concurrency(4).run(&mixed(&cases, 600)))?;
    let observed = gwobs.stop()?;
    let seen = observed.decisions.iter().filter(|decision| !decision.has_no_request());
    compare(&exchanges, &seen.cloned().collect::<Vec<_>>()).assert_exact()?;
    ensure!(
        observed
            .decisions
            .iter()
            .all(|decision| decision.verdict() != "mismatch")
    );
    ensure!(
        counted(&observed, "unix_socket") >= UNSEEN as u64,
        "{}",
        observed.summary
    );
    Ok(())
}

/// The unix socket that the data plane listens on.
const SOCKET: &str = "in.sock";

fn add_listener(plane: Plane, text: &str, settings: &Settings<'_>, dir: &Path) -> String {
    let listen = settings.options.listen;
    let path: PathBuf = dir.join(SOCKET);
    let path = path.display();
    let (old, new) = if plane.name() == "nginx" {
        (
            format!("listen {listen} default_server;"),
            format!("listen unix:{path} default_server;"),
        )
    } else {
        (format!("  bind {listen}\n"), format!("  bind unix@{path}\n"))
    };
    text.replace(&old, &format!("{old}{new}"))
}

/// Asks once and reads the whole answer.
fn ask(mut stream: impl Read + Write) -> Result<()> {
    stream.write_all(b"GET /api/items HTTP/1.1\r\nhost: shop.example.com\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(())
}

/// Requests for what NGINX has in a file are answered by itself, the body by sendfile; the next request on such a connection
/// is read as ever.
fn answers_from_a_cache_by_sendfile(plane: Plane) -> Result<()> {
    let edited = edited(plane, |text, _, dir| {
        let cache = dir.join("cache");
        let path = format!(
            "sendfile on;\n  proxy_cache_path {} keys_zone=answers:1m;",
            cache.display()
        );
        let pass = "proxy_cache answers;\nproxy_cache_valid 200 1m;\nproxy_pass http://v1;";
        Ok(text
            .replace("sendfile on;", &path)
            .replace("proxy_pass http://v1;", pass))
    });
    let routes = routes();
    let cases = [
        get("/api/items").asking("length=30000").due("v1"),
        get("/other").due("v2"),
        get("/other/large").asking("length=30000").due("v2"),
    ];
    let (exchanges, observed) = crate::observe(&Plan::correct(edited, &routes), |client| {
        client.concurrency(8).run(&mixed(&cases, 600))
    })?;
    let is_kept = |path: &str| path.starts_with("/api");
    let (kept, passed): (Vec<_>, Vec<_>) = observed
        .decisions
        .iter()
        .cloned()
        .partition(|decision| is_kept(decision.path()));
    let exchanges: Vec<_> = exchanges
        .into_iter()
        .filter(|exchange| !is_kept(&exchange.request.target))
        .collect();
    compare(&exchanges, &passed).assert_exact()?;
    let (by_itself, forwarded): (Vec<_>, Vec<_>) = kept.iter().partition(|decision| decision.upstreams().is_empty());
    ensure!(by_itself.len() > 100, "{} answers came from the cache", by_itself.len());
    for decision in by_itself {
        let said = (decision.verdict(), decision.reason());
        ensure!(said == ("inconclusive", "gateway_reply"), "{}", decision.0);
    }
    ensure!(forwarded.iter().all(|decision| decision.verdict() == "match"));
    Ok(())
}
