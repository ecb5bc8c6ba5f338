//! Address families and the PROXY protocol.

use crate::{Plane, observe_exactly, shop};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::network::Addresses;
use xtask::testbed::proxy_protocol::{ProxyProtocol, Version};
use xtask::testbed::traffic::mixed;

xtask::on_every_plane!(
    ipv6_on_both_sides,
    a_socket_bound_to_all_addresses_with_ipv4_peers,
    clients_announced_by_the_proxy_protocol_version_1,
    clients_announced_by_the_proxy_protocol_version_2,
);

/// NGINX and Traefik cannot announce their clients to HTTP backends.
mod announcing {
    use super::{announced_to_backends_in_version_1, announced_to_backends_in_version_2};

    xtask::on_plane!(
        envoy,
        announced_to_backends_in_version_1,
        announced_to_backends_in_version_2
    );
    xtask::on_plane!(
        haproxy,
        announced_to_backends_in_version_1,
        announced_to_backends_in_version_2
    );
}

/// Every misroute is found, and no other, with this plan changed in this way.
fn exact(plane: Plane, change: impl FnOnce(&mut Plan<'_>)) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let mut plan = Plan::wrong(plane, &configured, &specified);
    change(&mut plan);
    let seen = observe_exactly(&plan, |client| {
        let client = client.concurrency(8).per_connection(20);
        client.run(&mixed(&shop::requests(), 600))
    })?;
    assert!(seen.misrouted > 30);
    Ok(())
}

fn ipv6_on_both_sides(plane: Plane) -> Result<()> {
    exact(plane, |plan| plan.addresses = Addresses::Ipv6)
}

fn a_socket_bound_to_all_addresses_with_ipv4_peers(plane: Plane) -> Result<()> {
    exact(plane, |plan| plan.addresses = Addresses::DualStack)
}

fn from_clients(plane: Plane, version: Version) -> Result<()> {
    exact(plane, |plan| {
        plan.proxy_protocol = ProxyProtocol {
            from_clients: Some(version),
            to_backends: None,
        };
    })
}

fn clients_announced_by_the_proxy_protocol_version_1(plane: Plane) -> Result<()> {
    from_clients(plane, Version::V1)
}

fn clients_announced_by_the_proxy_protocol_version_2(plane: Plane) -> Result<()> {
    from_clients(plane, Version::V2)
}

fn to_backends(plane: Plane, version: Version) -> Result<()> {
    exact(plane, |plan| {
        plan.proxy_protocol = ProxyProtocol {
            from_clients: Some(version),
            to_backends: Some(version),
        };
    })
}

fn announced_to_backends_in_version_1(plane: Plane) -> Result<()> {
    to_backends(plane, Version::V1)
}

fn announced_to_backends_in_version_2(plane: Plane) -> Result<()> {
    to_backends(plane, Version::V2)
}
