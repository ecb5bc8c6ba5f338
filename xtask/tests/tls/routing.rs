//! What is misrouted inside TLS is found, and nothing else, whatever the library and however it is linked.

use crate::Plane;
use anyhow::Result;
use xtask::testbed::client::Mark;
use xtask::testbed::tls::Tls;
use xtask::testbed::traffic::{mixed, over_tls};
use xtask::testbed::trial::observe_exactly;
use xtask::testbed::{Plan, shop};

// BoringSSL in a stripped program, OpenSSL in a static one and in a shared library, Go's own.
xtask::on_every_plane!(misrouted_at_random_inside_tls);
xtask::on_plane!(nginx_debian, misrouted_at_random_inside_tls);
xtask::on_plane!(haproxy_debian, misrouted_at_random_inside_tls);

/// TLS on both sides, 64 clients, some of which change their connection all the time.
fn misrouted_at_random_inside_tls(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let plan = Plan {
        tls: Tls::BOTH,
        ..Plan::wrong(plane, &configured, &specified)
    };
    let seen = observe_exactly(&plan, |client| {
        let mut cases = over_tls(mixed(&shop::requests(), 2_000));
        shop::misroute_some(&mut cases, 20);
        let (few, many) = cases.split_at(300);
        let short = client.concurrency(16).per_connection(3).mark(Mark::Query);
        let mut exchanges = short.run(few)?;
        exchanges.extend(client.concurrency(64).run(many)?);
        Ok(exchanges)
    })?;
    assert!((50..200).contains(&seen.misrouted), "{} were misrouted", seen.misrouted);
    Ok(())
}
