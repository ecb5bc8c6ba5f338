//! Handshakes that fail, each for a reason of its own (failure mode 5), on both sides of the gateway; and that none of them
//! looks like a misroute.

use crate::Plane;
use anyhow::{Context as _, Result, anyhow, ensure};
use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CipherSuite, ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, version};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use xtask::testbed::rule::{prefix, route};
use xtask::testbed::tls::{Certificate, Fault, Handshake, Tls};
use xtask::testbed::traffic::get;
use xtask::testbed::{Plan, Testbed};

xtask::on_every_plane!(each_failure_has_its_reason);
xtask::on_plane!(nginx_debian, each_failure_has_its_reason);
xtask::on_plane!(haproxy_debian, each_failure_has_its_reason);

/// What is wrong with the backends of these names. Without a cipher or a version in common servers refuse by alert.
const FAULTY: [(&str, Fault); 7] = [
    ("expired", Fault::Certificate(Certificate::Expired)),
    ("misnamed", Fault::Certificate(Certificate::OfAnotherName)),
    ("distrusted", Fault::Certificate(Certificate::OfAnotherAuthority)),
    ("no-cipher", Fault::Alert(40)),
    ("no-version", Fault::Alert(70)),
    ("closing", Fault::HangsUp),
    ("plain", Fault::Plain),
];

/// Both versions, because alerts to a server are encrypted in the newer one.
const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// How long clients wait for an alert.
const PATIENCE: Duration = Duration::from_secs(5);

fn each_failure_has_its_reason(plane: Plane) -> Result<()> {
    let rules = FAULTY.map(|(name, _)| prefix(&format!("/{name}")).to(name)).to_vec();
    let routes = [route("faulty", rules)];
    let plan = Plan {
        tls: Tls {
            faulty: &FAULTY,
            ..Tls::BOTH
        },
        ..Plan::correct(plane, &routes)
    };
    let bed = Testbed::start(&plan)?;
    let gwobs = bed.observe().start()?;
    fail_as_clients(&bed)?;
    let cases = FAULTY.map(|(name, _)| get(&format!("/{name}")).due_status(502));
    // All at once: HAProxy tries three times more, a second later each time.
    let exchanges = bed.client().concurrency(cases.len()).run(&cases)?;
    let observed = gwobs.stop()?;
    for exchange in &exchanges {
        let answer = exchange.answer.as_ref().map_err(|error| anyhow!("{error}"))?;
        ensure!(answer.backend.is_none() && answer.status >= 500, "{answer:?}");
        let mut decisions = observed.decisions.iter();
        let decision = decisions.find(|decision| decision.id() == Some(&exchange.id));
        let reason = decision.context("no decision")?.reason();
        // Of several at once nobody can tell whose attempt failed.
        ensure!(["gateway_reply", "unpaired"].contains(&reason), "{decision:?}");
    }
    let mut decisions = observed.decisions.iter();
    let alarm = decisions.find(|decision| decision.verdict() == "mismatch");
    ensure!(alarm.is_none(), "{alarm:?}");
    let told = observed.summary.get("tls_handshake_failures").context("no failures")?;
    let downstream: BTreeMap<_, _> = of_clients(plane).into_iter().collect();
    ensure!(told.get("downstream") == Some(&json!(downstream)), "{told}");
    // Some gateways try more than once.
    let upstream = told
        .get("upstream")
        .and_then(Value::as_object)
        .context("none upstream")?;
    let reasons: BTreeSet<&str> = upstream.keys().map(String::as_str).collect();
    ensure!(reasons == of_backends(plane).into_iter().collect(), "{told}");
    Ok(())
}

/// What the libraries say of clients. NGINX and Traefik look at the first byte by themselves, and answer in the clear.
fn of_clients(plane: Plane) -> Vec<(&'static str, u64)> {
    let cipher = match plane.name() {
        "traefik" => "handshake_failure",
        _ => "no_shared_cipher",
    };
    let in_the_clear = match plane.name() {
        "envoy" | "haproxy" | "haproxy-debian" => Some(("http_request", 1)),
        _ => None,
    };
    let others = [
        ("bad_certificate", 2),
        ("certificate_expired", 2),
        ("closed", 1),
        ("protocol_version", 1),
        ("unknown_ca", 2),
        (cipher, 1),
    ];
    others.into_iter().chain(in_the_clear).collect()
}

/// What they say of backends. OpenSSL and BoringSSL tell a backend what they think of its certificate before they encrypt,
/// and HAProxy checks the name by itself. Go says the same of every certificate; NGINX looks at it when the handshake is
/// over and has succeeded.
fn of_backends(plane: Plane) -> Vec<&'static str> {
    let of_certificates: &[&str] = match plane.name() {
        "envoy" => &["certificate_expired", "certificate_unknown", "unknown_ca"],
        "traefik" => &["bad_certificate"],
        "nginx" | "nginx-debian" => &[],
        _ => &["certificate_expired", "certificate_verify_failed", "unknown_ca"],
    };
    let others = [
        "closed",
        "handshake_failure",
        "protocol_version",
        "wrong_version_number",
    ];
    of_certificates.iter().copied().chain(others).collect()
}

/// Each way in which clients let handshakes fail.
fn fail_as_clients(bed: &Testbed) -> Result<()> {
    for version in VERSIONS {
        refused(bed, distrusting(version)?, None)?;
        refused(bed, bed.authority.client_config_at(FarFuture, version)?, None)?;
        refused(bed, speaking(bed, version)?, Some("elsewhere.example.org"))?;
    }
    refused(bed, of_rsa_only(bed)?, None)?;
    write(bed, &hello_of_tls_1_1())?.read_exact(&mut [0])?;
    let hello = hello(speaking(bed, &version::TLS13)?)?;
    // The gateway has begun to answer when the client goes away.
    write(bed, &hello)?.read_exact(&mut [0])?;
    // Answered in the clear, by an alert, or not at all.
    let _ = write(
        bed,
        b"GET / HTTP/1.1\r\nhost: shop.example.com\r\nconnection: close\r\n\r\n",
    )?
    .read_to_end(&mut Vec::new());
    Ok(())
}

/// A handshake that must fail.
fn refused(bed: &Testbed, config: ClientConfig, name: Option<&str>) -> Result<()> {
    let handshake = Handshake::new(config)?;
    let handshake = match name {
        Some(name) => handshake.server(name)?,
        None => handshake,
    };
    let connection = bed.client().tls(Some(handshake)).connect();
    ensure!(connection.is_err(), "it succeeded");
    Ok(())
}

fn distrusting(version: &'static SupportedProtocolVersion) -> Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])?
        .with_root_certificates(RootCertStore::empty());
    Ok(config.with_no_client_auth())
}

fn speaking(bed: &Testbed, version: &'static SupportedProtocolVersion) -> Result<ClientConfig> {
    let provider = ring::default_provider();
    bed.authority.client_config_with(&["http/1.1"], provider, &[version])
}

/// The gateway's key is for ECDSA.
fn of_rsa_only(bed: &Testbed) -> Result<ClientConfig> {
    let mut provider = ring::default_provider();
    let suites = &mut provider.cipher_suites;
    suites.retain(|suite| suite.suite() == CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256);
    bed.authority
        .client_config_with(&["http/1.1"], provider, &[&version::TLS12])
}

/// A clock that is far ahead.
#[derive(Debug)]
struct FarFuture;

impl TimeProvider for FarFuture {
    fn current_time(&self) -> Option<UnixTime> {
        const YEAR: u64 = 31_556_952;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(3_000 * YEAR)))
    }
}

/// The first flight of a client.
fn hello(config: ClientConfig) -> Result<Vec<u8>> {
    let mut tls = ClientConnection::new(Arc::new(config), ServerName::try_from("shop.example.com")?)?;
    let mut bytes = Vec::new();
    tls.write_tls(&mut bytes)?;
    Ok(bytes)
}

/// A ClientHello without extensions (RFC 4346 section 7.4.1.2).
fn hello_of_tls_1_1() -> Vec<u8> {
    const HEAD: [u8; 11] = [22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    const CIPHERS: [u8; 7] = [0, 0, 2, 0xc0, 0x09, 1, 0];
    [&HEAD[..], &[7; 32], &CIPHERS].concat()
}

fn write(bed: &Testbed, bytes: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(bed.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(bytes)?;
    Ok(stream)
}
