//! Manifests of commands that read them once.

use std::path::PathBuf;

use crate::cli::Global;
use crate::specs::{LoadError, Source};

/// Reads manifests and logs what there is to say about them.
///
/// # Errors
///
/// [`LoadError`] if they cannot be read.
pub(super) fn open(paths: Vec<PathBuf>, global: &Global) -> Result<Source, LoadError> {
    let (source, report) = Source::open(paths, global.profile, 0)?;
    for warning in report.warnings() {
        tracing::warn!("{warning}");
    }
    for note in report.notes() {
        tracing::debug!("{note}");
    }
    Ok(source)
}
