//! What `deploy/` holds is what a cluster takes: every manifest fits its type with no field left over, the chart renders by
//! Helm's own code, the plain manifests are what the chart renders, and dashboards and alerts name metrics that exist.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod chart;
mod dashboards;
mod kustomize;
mod manifest;

use std::path::PathBuf;

/// The repository's `deploy` directory.
fn deploy() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}
