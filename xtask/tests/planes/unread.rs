//! Hops that are not read: unix sockets on either side of the data plane and within it, and multipath TCP. They are
//! counted, what they hide is left open, and everything else is as exact as ever.

use crate::edited::edited;
use crate::{Plane, both, observe_exactly, shop};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use xtask::testbed::client::Exchange;
use xtask::testbed::gwobs::Observed;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::plane::Settings;
use xtask::testbed::rule::{Route, prefix, route};
use xtask::testbed::traffic::{get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

xtask::on_plane!(envoy, a_backend_behind_a_unix_socket);
xtask::on_plane!(nginx, a_backend_behind_a_unix_socket, requests_that_come_in_unseen);
xtask::on_plane!(
    haproxy,
    a_backend_behind_a_unix_socket,
    frontends_chained_by_a_unix_socket,
    requests_that_come_in_unseen,
);
xtask::on_plane!(traefik, requests_that_come_in_unseen);

/// The backend that is reached by a unix socket.
const HIDDEN: &str = "hidden";
/// Requests that come in unseen.
const UNSEEN: usize = 200;

fn routes() -> [Route; 1] {
    let rules = vec![prefix("/hidden").to(HIDDEN), prefix("/api").to("v1"), prefix("/other").to("v2")];
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
    backend.and_then(|backend| backend.endpoints().next()).context("no hidden backend")
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
fn behind(plane: Plane, text: &str, endpoint: SocketAddr, path: &Path) -> Result<String> {
    let path = path.display().to_string();
    Ok(match plane.name() {
        "envoy" => {
            let mut configuration: Value = serde_json::from_str(text)?;
            let address = json!({"address": endpoint.ip(), "port_value": endpoint.port()});
            replace(&mut configuration, &json!({"socket_address": address}), &json!({"pipe": {"path": path}}));
            configuration.to_string()
        }
        "nginx" => text.replace(&endpoint.to_string(), &format!("unix:{path}")),
        _ => text.replace(&endpoint.to_string(), &format!("unix@{path}")),
    })
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
        behind(plane, text, endpoint, &path)
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

/// Requests by a unix socket, or by multipath TCP: nobody sees them, and nobody else is given their calls.
fn requests_that_come_in_unseen(plane: Plane) -> Result<()> {
    let by_multipath = plane.name() == "traefik";
    let kind = if by_multipath { plane } else { edited(plane, move |text, settings, dir| add_listener(plane, text, settings, dir)) };
    let routes = routes();
    let bed = Testbed::start(&Plan::correct(kind, &routes))?;
    let gwobs = bed.observe().start()?;
    let (path, address) = (bed.directory.path().join(SOCKET), bed.address());
    let aside = move || {
        for _ in 0..UNSEEN {
            if by_multipath {
                ask(multipath(address)?)?;
            } else {
                ask(UnixStream::connect(&path)?)?;
            }
        }
        Ok(())
    };
    let cases = [get("/api/items").due("v1"), get("/other").due("v2")];
    let exchanges = both(aside, || bed.client().concurrency(4).run(&mixed(&cases, 600)))?;
    let observed = gwobs.stop()?;
    let seen = observed.decisions.iter().filter(|decision| !decision.has_no_request());
    compare(&exchanges, &seen.cloned().collect::<Vec<_>>()).assert_exact()?;
    ensure!(observed.decisions.iter().all(|decision| decision.verdict() != "mismatch"));
    let reason = if by_multipath { "multipath_tcp" } else { "unix_socket" };
    ensure!(counted(&observed, reason) >= UNSEEN as u64, "{}", observed.summary);
    Ok(())
}

/// The unix socket that the data plane listens on.
const SOCKET: &str = "in.sock";

fn add_listener(plane: Plane, text: &str, settings: &Settings<'_>, dir: &Path) -> Result<String> {
    let listen = settings.options.listen;
    let path: PathBuf = dir.join(SOCKET);
    let path = path.display();
    let (old, new) = if plane.name() == "nginx" {
        (format!("listen {listen} default_server;"), format!("listen unix:{path} default_server;"))
    } else {
        (format!("  bind {listen}\n"), format!("  bind unix@{path}\n"))
    };
    Ok(text.replace(&old, &format!("{old}{new}")))
}

/// Asks once and reads the whole answer.
fn ask(mut stream: impl Read + Write) -> Result<()> {
    stream.write_all(b"GET /api/items HTTP/1.1\r\nhost: shop.example.com\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(())
}

/// A connection of multipath TCP (RFC 8684).
fn multipath(to: SocketAddr) -> Result<TcpStream> {
    let SocketAddr::V4(to) = to else {
        anyhow::bail!("{to} is no IPv4 address")
    };
    // SAFETY: no pointers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP) };
    ensure!(socket >= 0, "this test needs multipath TCP: {}", io::Error::last_os_error());
    // SAFETY: the descriptor was just made and belongs to nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(to.ip().octets()),
        },
        sin_zero: [0; 8],
    };
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: an address of this length.
    let connected = unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) };
    ensure!(connected == 0, "cannot connect: {}", io::Error::last_os_error());
    Ok(TcpStream::from(socket))
}
