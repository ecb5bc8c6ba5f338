//! gwobs end to end with every data plane: what must hold whichever it is. Clients know which backend answered every
//! request; each test compares that, request by request, with what `gwobs observe` said.
//!
//! These tests need root and fail without it.

mod addresses;
mod connections;
mod edited;
mod messages;
mod processes;
mod rewrites;
mod routing;
mod splice;
mod unread;
mod upstreams;

use anyhow::Result;
use xtask::testbed::plane::DataPlane;
use xtask::testbed::shop;
use xtask::testbed::trial::{observe, observe_exactly};

/// The data plane that a scenario runs with.
type Plane = &'static dyn DataPlane;

/// Runs both at once.
fn both<T: Send>(aside: impl FnOnce() -> Result<()> + Send, main: impl FnOnce() -> Result<T>) -> Result<T> {
    std::thread::scope(|scope| {
        let aside = scope.spawn(aside);
        let result = main();
        aside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        result
    })
}
