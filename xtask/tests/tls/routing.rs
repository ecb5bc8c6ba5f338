//! What is misrouted inside TLS is found, and nothing else, whatever the library and however it is linked: a short version of
//! `cargo xtask soak --tls`.

use crate::Plane;
use anyhow::{Result, ensure};
use xtask::soak::exact::{self, Wire};
use xtask::soak::{Figures as _, Size};

// BoringSSL in a stripped program, OpenSSL in a static one and in a shared library, Go's own.
xtask::on_every_plane!(misrouted_at_random, misrouted_at_random_by_http2);
xtask::on_plane!(nginx_debian, misrouted_at_random);
xtask::on_plane!(haproxy_debian, misrouted_at_random);

/// TLS on both sides, bodies of all sizes, and a quarter of the clients change their connection all the time.
fn misrouted_at_random(plane: Plane) -> Result<()> {
    measure(plane, Wire::TlsHttp1)
}

/// Several requests at a time on each client's connection; HTTP/1.1 towards the backends.
fn misrouted_at_random_by_http2(plane: Plane) -> Result<()> {
    measure(plane, Wire::TlsHttp2)
}

fn measure(plane: Plane, wire: Wire) -> Result<()> {
    let size = Size {
        requests: 1_500,
        concurrency: 64,
        one_in: 20,
    };
    let figures = exact::measure_in(plane, size, wire)?;
    let faults = figures.faults();
    ensure!(faults.is_empty(), "{figures}\n{}", faults.join("\n"));
    Ok(())
}
