//! The numbers at the end.

use std::fmt::Write;

use super::{BAD, DOUBT, GOOD, HEADING, Table};
use crate::output::report::Summary;

/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

pub(super) fn summary(table: &Table, summary: &Summary) -> String {
    let mut lines = String::from("\n");
    let _ = writeln!(lines, "{}", table.paint(HEADING, &headline(summary)));
    verdicts(table, summary, &mut lines);
    for (reason, count) in &summary.mismatched {
        let _ = writeln!(
            lines,
            "  {count:>10}  {}",
            table.paint(BAD, &format!("mismatch: {}", reason.as_str()))
        );
    }
    for (reason, count) in &summary.inconclusive {
        let _ = writeln!(
            lines,
            "  {count:>10}  {}",
            table.paint(DOUBT, &format!("inconclusive: {}", reason.as_str()))
        );
    }
    for (reason, count) in &summary.lost {
        let _ = writeln!(
            lines,
            "  {count:>10}  {}",
            table.paint(DOUBT, &format!("not seen: {reason}"))
        );
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "seconds for people")]
fn headline(summary: &Summary) -> String {
    let seconds = summary.time.0.saturating_sub(summary.started.0) as f64 / SECOND;
    let coverage = summary
        .coverage()
        .map(|ratio| format!(", {:.2} % decided", ratio * 100.0))
        .unwrap_or_default();
    format!(
        "{} requests in {seconds:.1} s{coverage}, {} still open",
        summary.finished, summary.open
    )
}

fn verdicts(table: &Table, summary: &Summary, lines: &mut String) {
    if summary.matched > 0 {
        let _ = writeln!(lines, "  {:>10}  {}", summary.matched, table.paint(GOOD, "match"));
    }
    if summary.unjudged > 0 {
        let _ = writeln!(lines, "  {:>10}  recorded, not judged (no --gateway)", summary.unjudged);
    }
    if summary.coverage().is_some() && summary.mismatches() == 0 {
        let _ = writeln!(lines, "  {:>10}  mismatch", 0);
    }
}
