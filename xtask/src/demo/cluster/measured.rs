//! Metrics for a screen: the series that matter, with the labels that matter.

use crate::say::{Style, paint};
use crate::testbed::exposition::{Sample, samples};
use anyhow::{Result, ensure};

/// A metric, which labels are shown, and which values they must have.
pub(super) struct Measured(
    pub(super) &'static str,
    pub(super) &'static [&'static str],
    pub(super) &'static [(&'static str, &'static str)],
);

impl Measured {
    fn takes(&self, sample: &Sample) -> bool {
        let wanted = |(name, value): &(&str, &str)| sample.label(name) == *value;
        sample.name == self.0 && sample.value != 0.0 && self.2.iter().all(wanted)
    }

    fn line(&self, sample: &Sample) -> String {
        let labels: Vec<String> = self
            .1
            .iter()
            .map(|name| format!("{name}=\"{}\"", sample.label(name)))
            .collect();
        let value = paint(Style::Bold, &format!("{}", (sample.value * 1000.0).round() / 1000.0));
        format!("{}{{{}}} {value}", self.0, labels.join(","))
    }
}

/// The lines of these metrics, each of which must have one that is not zero.
pub(super) fn lines(text: &str, wanted: &[Measured]) -> Result<Vec<String>> {
    let samples = samples(text)?;
    let mut lines = Vec::new();
    for measured in wanted {
        let own = samples.iter().filter(|sample| measured.takes(sample));
        let before = lines.len();
        lines.extend(own.map(|sample| measured.line(sample)));
        ensure!(lines.len() > before, "{} says nothing", measured.0);
    }
    Ok(lines)
}
