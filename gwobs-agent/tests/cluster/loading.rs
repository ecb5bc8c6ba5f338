//! All specs read once.

use anyhow::Result;
use gwobs_agent::cluster::load;
use gwobs_agent::specs::InForce;

use crate::{access, backend, route, shop};

#[test]
fn a_cluster_is_read_as_manifests_are() -> Result<()> {
    let api = shop()?;
    api.apply(route("a", "/", "cart"))?;
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let loaded = runtime.block_on(load(&access(&api, &directory)?))?;
    assert_eq!(loaded.findings, []);
    let mut in_force = InForce::new(None);
    in_force.take(loaded, 0);
    assert_eq!(backend(in_force.snapshot(), "/").as_deref(), Some("cart"));
    Ok(())
}
