//! Loopback addresses of one's own, so that testbeds side by side never compete for a port.

use anyhow::{Context as _, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

/// The port whose listener on the network's last address is the claim itself.
const CLAIM_PORT: u16 = 9;
/// How many networks are tried before giving up.
const ATTEMPTS: u32 = 50;
/// Ports tried for a gateway with an address of its own: below the range from which the kernel takes client ports.
const PORTS: Range<u16> = 18_080..18_180;
/// Ports tried for a gateway that shares its address with other testbeds: none of [`PORTS`], because a wildcard listener
/// would take them away from everybody.
const SHARED_PORTS: Range<u16> = 18_200..18_900;

/// Which addresses a testbed has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Addresses {
    /// IPv4 everywhere.
    #[default]
    Ipv4,
    /// Everything on `::1`; a backend has one endpoint.
    Ipv6,
    /// The data plane listens on `::`, its clients and backends have IPv4 addresses.
    DualStack,
}

/// A network `127.A.B.0/24` that is this value's alone: the gateway is .1, backends follow from .10.
pub struct Network {
    a: u8,
    b: u8,
    addresses: Addresses,
    gateway_port: u16,
    _claim: TcpListener,
}

impl Network {
    /// Claims a network that no other testbed on this machine has.
    pub fn claim(addresses: Addresses) -> Result<Self> {
        (0..ATTEMPTS)
            .find_map(|attempt| Self::try_claim(addresses, seed().wrapping_add(attempt)))
            .context("no free loopback network")
    }

    fn try_claim(addresses: Addresses, seed: u32) -> Option<Self> {
        let [a, b, c, _] = seed.wrapping_mul(0x9E37_79B1).to_be_bytes();
        let (a, b) = (a.clamp(1, 254), b);
        let claim = TcpListener::bind((Ipv4Addr::new(127, a, b, 254), CLAIM_PORT)).ok()?;
        let mut network = Self {
            a,
            b,
            addresses,
            gateway_port: 0,
            _claim: claim,
        };
        // A wildcard socket of somebody else may hold a port on every address.
        let is_free = |port: &u16| TcpListener::bind((network.listen_ip(), *port)).is_ok();
        network.gateway_port = match addresses {
            Addresses::Ipv4 => PORTS.into_iter().find(is_free),
            // Begin anywhere: a port that is free now may be taken by another testbed a moment later.
            Addresses::Ipv6 | Addresses::DualStack => SHARED_PORTS.skip(usize::from(c)).find(is_free),
        }?;
        Some(network)
    }

    /// Where clients reach the data plane.
    pub fn gateway(&self) -> SocketAddr {
        let ip = match self.addresses {
            Addresses::Ipv4 | Addresses::DualStack => self.ipv4(1).into(),
            Addresses::Ipv6 => Ipv6Addr::LOCALHOST.into(),
        };
        SocketAddr::new(ip, self.gateway_port)
    }

    /// Where the data plane listens.
    pub fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.listen_ip(), self.gateway_port)
    }

    /// The address of endpoint number `index`, counted over all backends. At most 240.
    pub fn endpoint(&self, index: u8) -> IpAddr {
        match self.addresses {
            Addresses::Ipv4 | Addresses::DualStack => self.ipv4(index.saturating_add(10)).into(),
            Addresses::Ipv6 => Ipv6Addr::LOCALHOST.into(),
        }
    }

    fn listen_ip(&self) -> IpAddr {
        match self.addresses {
            Addresses::Ipv4 => self.ipv4(1).into(),
            Addresses::Ipv6 => Ipv6Addr::LOCALHOST.into(),
            Addresses::DualStack => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    fn ipv4(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.a, self.b, host)
    }
}

/// Different for every process and every moment; nothing depends on its quality.
fn seed() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::process::id().wrapping_mul(31).wrapping_add(now.subsec_nanos())
}
