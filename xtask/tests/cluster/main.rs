//! gwobs in a cluster, end to end: real Traefik as Gateway API controller and data plane, `gwobs agent` watching the same
//! API server, real eBPF, real sockets.
//!
//! These tests need root and fail without it.

mod certificate;
mod changes;
mod commands;
mod departures;
mod failure_modes;
mod fixture;
mod watching;

use xtask::testbed::cluster::{assert_exact, assert_no_mismatch_but, decisions};
