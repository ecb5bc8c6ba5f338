//! Prometheus and promtool, from Debian's or Ubuntu's packages.

use super::{Part, debian};
use crate::command::on_path;
use anyhow::Result;

/// The programs, both from one package.
const PROGRAMS: [&str; 2] = ["prometheus", "promtool"];

/// The [`Part`] of setup.
pub struct Prometheus;

impl Part for Prometheus {
    fn name(&self) -> String {
        "Prometheus, from Debian".to_owned()
    }

    fn needed_for(&self) -> &'static str {
        "test of dashboards and alerts"
    }

    fn found(&self) -> Option<String> {
        let all = PROGRAMS.iter().all(|program| on_path(program));
        all.then(|| PROGRAMS.join(", "))
    }

    fn install(&self) -> Result<()> {
        debian::install_without_service("prometheus")
    }
}
