//! TLS end to end: real data planes and their TLS libraries, real eBPF, clients and backends that know what happened. These
//! tests need root.

mod early;
mod handshakes;
mod joined;
mod passthrough;
mod reload;
mod routing;

use anyhow::Result;

type Plane = &'static dyn xtask::testbed::plane::DataPlane;

/// Runs both at the same time and returns what the second one gave.
fn both<T>(aside: impl FnOnce() -> Result<()> + Send, main: impl FnOnce() -> Result<T>) -> Result<T> {
    std::thread::scope(|scope| {
        let aside = scope.spawn(aside);
        let result = main();
        aside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        result
    })
}
