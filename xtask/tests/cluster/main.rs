//! gwobs in a cluster, end to end: real Traefik as Gateway API controller and data plane, `gwobs agent` watching the same
//! API server, real eBPF, real sockets.
//!
//! These tests need root and fail without it.

mod changes;
mod commands;
mod demo;
mod departures;
mod events;
mod failure_modes;
mod fixture;
mod monitoring;
mod on_call;
mod watching;

use xtask::testbed::cluster::{assert_exact, assert_no_mismatch_but, decisions};
