//! The JSON objects of `INTERFACE.md`, as types: fields stand in the order in which they are written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use gwobs_route::{BackendName, ObjectName};
use serde::Serialize;

mod decision;
mod expected;
mod weights;

pub(super) use decision::Decision;
pub use decision::protocol_name;
pub(super) use weights::WeightSkew;

use super::report::{LostCounts, ObservedProcess};

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    Ready(Ready<'a>),
    Decision(Box<Decision<'a>>),
    WeightSkew(WeightSkew<'a>),
    Lost(Lost<'a>),
    Summary(Summary<'a>),
}

#[derive(Debug, Serialize)]
pub(super) struct Ready<'a> {
    pub(super) time: String,
    pub(super) processes: Vec<Followed<'a>>,
    pub(super) probes: &'a [String],
}

#[derive(Debug, Serialize)]
pub(super) struct Followed<'a> {
    pid: u32,
    name: &'a str,
    data_plane: &'static str,
}

impl<'a> From<&'a ObservedProcess> for Followed<'a> {
    fn from(process: &'a ObservedProcess) -> Self {
        Self {
            pid: process.pid,
            name: &process.name,
            data_plane: process.data_plane.as_str(),
        }
    }
}

/// `since` and `time` are the interval; `reasons` maps a reason to how much was lost for it.
#[derive(Debug, Serialize)]
pub(super) struct Lost<'a> {
    pub(super) time: String,
    pub(super) since: String,
    pub(super) reasons: &'a LostCounts,
}

/// `verdicts` counts by verdict, `reasons` by reason (no reason of a mismatch is one of an inconclusive verdict).
/// `coverage` is null if nothing was to be judged. `tls_handshake_failures` counts by side (`downstream`, `upstream`) and
/// reason, and is left out without any.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    pub(super) time: String,
    pub(super) started: String,
    pub(super) finished: u64,
    pub(super) open: u64,
    pub(super) verdicts: Verdicts,
    pub(super) reasons: BTreeMap<&'static str, u64>,
    pub(super) events: u64,
    pub(super) lost: &'a LostCounts,
    pub(super) coverage: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tls_handshake_failures: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Verdicts {
    #[serde(rename = "match")]
    pub(super) matched: u64,
    pub(super) mismatch: u64,
    pub(super) inconclusive: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) unjudged: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// `namespace/name`. Names and addresses are put together by hand: in every line there are several, and formatting
/// them would be a fifth of what a line costs.
fn object(name: &ObjectName) -> String {
    [&name.namespace, "/", &name.name].concat()
}

/// `namespace/service:port`.
fn backend(name: &BackendName) -> String {
    let ObjectName {
        namespace,
        name: service,
    } = &name.service;
    [namespace, "/", service, ":", itoa::Buffer::new().format(name.port)].concat()
}

/// An address in the form of RFC 5952, an IPv4-mapped one as IPv4.
fn address(address: SocketAddr) -> String {
    let (ip, port) = (address.ip().to_canonical(), address.port());
    let IpAddr::V4(ip) = ip else {
        return SocketAddr::new(ip, port).to_string();
    };
    let mut text = String::with_capacity("255.255.255.255:65535".len());
    let mut digits = itoa::Buffer::new();
    for (separator, octet) in ["", ".", ".", "."].into_iter().zip(ip.octets()) {
        text.extend([separator, digits.format(octet)]);
    }
    text.extend([":", digits.format(port)]);
    text
}

/// A name and a value, written as an array of two.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);
