//! The demo checks itself what it shows.

use anyhow::Result;

#[test]
fn the_demo_of_a_cluster_shows_what_is_true() -> Result<()> {
    xtask::demo::cluster::show()
}
