//! Manifests of commands that read them once.

use std::path::PathBuf;

use anyhow::bail;
use gwobs_route::profile::Profile;

use crate::cli::Global;
use crate::specs::Source;

/// Reads manifests and logs what there is to say about them.
///
/// # Errors
///
/// If they cannot be read, or the profile is not known.
pub(super) fn open(paths: &[PathBuf], global: &Global) -> anyhow::Result<Source> {
    let (source, report) = Source::open(paths.to_vec(), profile(global)?, 0)?;
    for warning in report.warnings() {
        tracing::warn!("{warning}");
    }
    for note in report.notes() {
        tracing::debug!("{note}");
    }
    Ok(source)
}

fn profile(global: &Global) -> anyhow::Result<Option<Profile>> {
    let Some(name) = &global.profile else { return Ok(None) };
    match Profile::from_name(name) {
        Some(profile) => Ok(Some(profile)),
        None => {
            let known: Vec<_> = Profile::ALL.iter().map(|profile| profile.as_str()).collect();
            bail!("there is no profile `{name}`; there are: {}", known.join(", "))
        }
    }
}
