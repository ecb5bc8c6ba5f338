//! gwobs end to end: real Envoy, real eBPF, real sockets. Clients know which backend answered every request; each test
//! compares that, request by request, with what `gwobs observe` said.
//!
//! What must hold with any data plane is in `tests/planes`. These tests need root and fail without it.

mod beside;
mod changes;
mod misdirected;
mod output;
mod replies;
mod tailored;
mod weights;
mod wrong;

use xtask::testbed::shop;
use xtask::testbed::trial::{observe, observe_exactly};
