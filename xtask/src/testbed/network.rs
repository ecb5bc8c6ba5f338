//! Loopback addresses of one's own, so that testbeds side by side never compete for a port.

use anyhow::{Context as _, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{SystemTime, UNIX_EPOCH};

/// The port whose listener on the network's last address is the claim itself.
const CLAIM_PORT: u16 = 9;
/// How many networks are tried before giving up.
const ATTEMPTS: u32 = 50;
/// Ports tried for the gateway: below the range from which the kernel takes client ports.
const FIRST_PORT: u16 = 18_080;
/// See [`FIRST_PORT`].
const LAST_PORT: u16 = 18_180;

/// A network `127.A.B.0/24` that is this value's alone: the gateway is .1, backends follow from .10.
pub struct Network {
    a: u8,
    b: u8,
    gateway_port: u16,
    _claim: TcpListener,
}

impl Network {
    /// Claims a network that no other testbed on this machine has.
    pub fn claim() -> Result<Self> {
        (0..ATTEMPTS)
            .find_map(|attempt| Self::try_claim(seed().wrapping_add(attempt)))
            .context("no free loopback network")
    }

    fn try_claim(seed: u32) -> Option<Self> {
        let [a, b, ..] = seed.wrapping_mul(0x9E37_79B1).to_be_bytes();
        let (a, b) = (a.clamp(1, 254), b);
        let claim = TcpListener::bind((Ipv4Addr::new(127, a, b, 254), CLAIM_PORT)).ok()?;
        let gateway = Ipv4Addr::new(127, a, b, 1);
        // A wildcard socket of somebody else may hold a port on every address.
        let gateway_port = (FIRST_PORT..LAST_PORT).find(|port| TcpListener::bind((gateway, *port)).is_ok())?;
        Some(Self {
            a,
            b,
            gateway_port,
            _claim: claim,
        })
    }

    /// Where the data plane listens.
    pub fn gateway(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(127, self.a, self.b, 1), self.gateway_port))
    }

    /// The address of endpoint number `index`, counted over all backends. At most 240.
    pub fn endpoint(&self, index: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.a, self.b, index.saturating_add(10))
    }
}

/// Different for every process and every moment; nothing depends on its quality.
fn seed() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::process::id().wrapping_mul(31).wrapping_add(now.subsec_nanos())
}
