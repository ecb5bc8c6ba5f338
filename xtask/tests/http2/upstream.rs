//! HTTP/2 on both sides, with the data planes that speak it to backends without TLS.

use anyhow::Result;
use xtask::testbed::http2::Http2;
use xtask::testbed::plane::DataPlane;

use super::planes::{some_misrouted, with_long_bodies};

xtask::on_plane!(envoy, many_requests_of_which_some_are_misrouted, long_bodies);
xtask::on_plane!(haproxy, many_requests_of_which_some_are_misrouted, long_bodies);
xtask::on_plane!(traefik, many_requests_of_which_some_are_misrouted, long_bodies);

fn many_requests_of_which_some_are_misrouted(plane: &'static dyn DataPlane) -> Result<()> {
    some_misrouted(plane, Http2::BOTH)
}

fn long_bodies(plane: &'static dyn DataPlane) -> Result<()> {
    with_long_bodies(plane, Http2::BOTH)
}
