//! One JSON object a line (`INTERFACE.md`).

use std::collections::BTreeMap;

use super::document::{self, Line};
use super::report::{LostReport, Ready, Report, Summary};
use super::{Redaction, WallClock};

#[cfg(test)]
mod tests;

/// Writes reports as JSONL.
#[derive(Debug, Clone, Default)]
pub struct Jsonl {
    redaction: Redaction,
}

impl Jsonl {
    /// Writes what `redaction` lets through.
    #[must_use]
    pub fn new(redaction: Redaction) -> Self {
        Self { redaction }
    }

    /// The line of a report, with its line end; empty for what is told to metrics only.
    #[must_use]
    pub fn render(&self, report: &Report<'_>, clock: &WallClock) -> Vec<u8> {
        let line = match report {
            Report::Ready(ready) => Line::Ready(ready_line(ready, clock)),
            Report::Decision(finished) => {
                Line::Decision(Box::new(document::Decision::new(finished, &self.redaction, clock)))
            }
            Report::WeightSkew(weighed) => match document::WeightSkew::new(weighed, clock) {
                Some(skew) => Line::WeightSkew(skew),
                None => return Vec::new(),
            },
            Report::Lost(lost) => Line::Lost(lost_line(lost, clock)),
            Report::Summary(summary) => Line::Summary(summary_line(summary, clock)),
        };
        let mut bytes = Vec::with_capacity(1024);
        // Writing to memory cannot fail, and every map has text keys; an empty line would be seen by every reader.
        if let Err(error) = serde_json::to_writer(&mut bytes, &line) {
            tracing::error!(%error, "a report could not be written as JSON");
        }
        bytes.push(b'\n');
        bytes
    }
}

fn ready_line<'a>(ready: &'a Ready, clock: &WallClock) -> document::Ready<'a> {
    document::Ready {
        time: clock.rfc3339(ready.time),
        processes: ready.processes.iter().map(Into::into).collect(),
        probes: &ready.probes,
    }
}

fn lost_line<'a>(lost: &'a LostReport, clock: &WallClock) -> document::Lost<'a> {
    document::Lost {
        time: clock.rfc3339(lost.time),
        since: clock.rfc3339(lost.since),
        reasons: &lost.counts,
    }
}

fn summary_line<'a>(summary: &'a Summary, clock: &WallClock) -> document::Summary<'a> {
    document::Summary {
        time: clock.rfc3339(summary.time),
        started: clock.rfc3339(summary.started),
        finished: summary.finished,
        open: summary.open,
        verdicts: document::Verdicts {
            matched: summary.matched,
            mismatch: summary.mismatches(),
            inconclusive: summary.undecided(),
            unjudged: summary.unjudged,
        },
        reasons: reasons(summary),
        events: summary.events,
        lost: &summary.lost,
        coverage: summary.coverage(),
        tls_handshake_failures: handshake_failures(summary),
    }
}

fn handshake_failures(summary: &Summary) -> BTreeMap<&'static str, BTreeMap<&'static str, u64>> {
    let mut by_side = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (failure, count) in &summary.handshake_failures {
        by_side
            .entry(failure.side())
            .or_default()
            .insert(failure.reason, *count);
    }
    by_side
}

fn reasons(summary: &Summary) -> BTreeMap<&'static str, u64> {
    let mismatched = summary
        .mismatched
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count));
    let inconclusive = summary
        .inconclusive
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count));
    mismatched.chain(inconclusive).collect()
}
