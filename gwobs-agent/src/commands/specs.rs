//! Specs of commands that read them once, from manifests or a cluster.

use crate::cli::{Global, SpecsArgs};
use crate::cluster;
use crate::specs::{InForce, Loaded, load};

/// Reads the specs.
///
/// # Errors
///
/// If they cannot be read.
pub(super) fn read(args: &SpecsArgs) -> anyhow::Result<Loaded> {
    let Some(access) = args.cluster.access() else {
        return Ok(load(&args.manifests)?);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(cluster::load(&access))?)
}

/// Reads the specs, logs what there is to say about them, and makes them ready for decisions.
///
/// # Errors
///
/// If they cannot be read.
pub(super) fn open(args: &SpecsArgs, global: &Global) -> anyhow::Result<InForce> {
    let mut specs = InForce::new(global.profile);
    let report = specs.take(read(args)?, 0);
    for warning in report.warnings() {
        tracing::warn!("{warning}");
    }
    for note in report.notes() {
        tracing::debug!("{note}");
    }
    Ok(specs)
}
