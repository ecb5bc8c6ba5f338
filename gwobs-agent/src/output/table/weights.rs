//! Weights that are not honoured, or are honoured again.

use gwobs_route::weights::Report;

use super::{BAD, FAINT, GOOD, Table};
use crate::output::WallClock;
use crate::weighed::{Weighed, WeightNews};

pub(super) fn line(table: &Table, weighed: &Weighed, clock: &WallClock) -> String {
    let (word, style, report) = match &weighed.news {
        WeightNews::Skewed(report) => ("WEIGHTS", BAD, report),
        WeightNews::Honoured(report) => ("weights", GOOD, report),
        WeightNews::Watched | WeightNews::Ended => return String::new(),
    };
    let rule = &weighed.rule;
    format!(
        "{}  {}  {} {} rule {}, {}: {report}\n",
        table.paint(FAINT, &clock.time_of_day(weighed.time)),
        table.paint(style, &format!("{word:<12}")),
        rule.kind.as_str(),
        rule.route,
        rule.rule,
        backends(report),
    )
}

/// The backends in the order of the numbers that follow.
fn backends(report: &Report) -> String {
    let names = report.shares.iter().map(|share| {
        share
            .backend
            .as_ref()
            .map_or_else(|| "500 for invalid references".to_owned(), ToString::to_string)
    });
    names.collect::<Vec<_>>().join(" / ")
}
