//! Decisions summed up as a table: what was due, what happened, by which rule, how often, and an example.

use crate::say::{Style, paint};
use crate::testbed::gwobs::decision::Decision;
use std::collections::BTreeMap;

/// Names longer than this are cut, so that the table keeps its shape at 80 columns.
const NAME: usize = 12;
/// Columns of a rule and of a reason: at 80 columns, and where there is more room.
const NARROW: [usize; 2] = [7, 14];
const WIDE: [usize; 2] = [10, 18];

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    verdict: Verdict,
    expected: String,
    observed: String,
    rule: String,
    reason: String,
}

/// Bad news first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Mismatch,
    Inconclusive,
    Match,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Board {
    groups: BTreeMap<Group, (usize, String)>,
}

impl Board {
    /// Counts one decision.
    pub(super) fn add(&mut self, decision: &Decision) {
        let entry = self
            .groups
            .entry(Group::of(decision))
            .or_insert_with(|| (0, sample(decision)));
        entry.0 += 1;
    }

    /// How many were counted.
    pub(super) fn decisions(&self) -> usize {
        self.groups.values().map(|(count, _)| count).sum()
    }

    /// The table in so many columns: a line of totals, an empty one, the heading, the rows.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![self.totals(), String::new(), heading(width)];
        lines.extend(
            self.groups
                .iter()
                .map(|(group, (count, sample))| group.line(*count, sample, width)),
        );
        lines
    }

    fn totals(&self) -> String {
        let count = |verdict: Verdict| -> usize {
            self.groups
                .iter()
                .filter(|(group, _)| group.verdict == verdict)
                .map(|(_, (count, _))| count)
                .sum()
        };
        format!(
            "  {} requests   {}   {}   {}",
            self.decisions(),
            paint(Style::Green, &format!("{} match", count(Verdict::Match))),
            paint(Style::Red, &format!("{} mismatch", count(Verdict::Mismatch))),
            paint(Style::Yellow, &format!("{} inconclusive", count(Verdict::Inconclusive))),
        )
    }
}

impl Group {
    fn of(decision: &Decision) -> Self {
        let verdict = match decision.verdict() {
            "match" => Verdict::Match,
            "mismatch" => Verdict::Mismatch,
            _ => Verdict::Inconclusive,
        };
        Self {
            verdict,
            expected: expected(decision),
            observed: observed(decision),
            rule: rule(decision),
            reason: decision.reason().to_owned(),
        }
    }

    fn line(&self, count: usize, sample: &str, width: usize) -> String {
        let (mark, style) = match self.verdict {
            Verdict::Match => ("✓", Style::Green),
            Verdict::Mismatch => ("✗", Style::Red),
            Verdict::Inconclusive => ("?", Style::Yellow),
        };
        let [rule, reason] = columns(width);
        let fixed = format!(
            "{:<NAME$} {:<NAME$} {:<rule$} {:<reason$} {count:>5}  ",
            cut(&self.expected, NAME),
            cut(&self.observed, NAME),
            cut(&self.rule, rule),
            cut(&self.reason, reason),
        );
        let room = width.saturating_sub(fixed.chars().count() + 4);
        format!(
            "  {} {fixed}{}",
            paint(style, mark),
            paint(Style::Dim, &cut(sample, room))
        )
    }
}

fn columns(width: usize) -> [usize; 2] {
    if width < 100 { NARROW } else { WIDE }
}

fn heading(width: usize) -> String {
    let [rule, reason] = columns(width);
    let text = format!(
        "    {:<NAME$} {:<NAME$} {:<rule$} {:<reason$} {:>5}  {}",
        "EXPECTED", "OBSERVED", "RULE", "REASON", "COUNT", "SAMPLE REQUEST"
    );
    paint(Style::Bold, &text)
}

/// The first backend that was due, or what the gateway had to do itself.
fn expected(decision: &Decision) -> String {
    match decision.text("/expected/action") {
        "forward" => service(decision.text("/expected/backends/0/backend")).to_owned(),
        other => other.to_owned(),
    }
}

fn observed(decision: &Decision) -> String {
    let backend = decision.text("/upstreams/0/backend");
    match (backend, decision.upstreams().first()) {
        ("", Some(address)) => (*address).to_owned(),
        ("", None) => format!("{}", decision.number("/response/status").unwrap_or_default()),
        (backend, _) => service(backend).to_owned(),
    }
}

fn rule(decision: &Decision) -> String {
    let route = decision.text("/expected/route/name");
    decision
        .number("/expected/route/rule")
        .map_or_else(String::new, |rule| format!("{route}/{rule}"))
}

/// `shop/api-v1:80` is `api-v1` here: the demo has one namespace and one port.
fn service(backend: &str) -> &str {
    let name = backend.split_once('/').map_or(backend, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

fn sample(decision: &Decision) -> String {
    format!("{} {}", decision.text("/request/method"), decision.path())
}

/// At most `room` characters, the last one a sign that something was cut.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars()
        .take(room.saturating_sub(1))
        .chain(std::iter::once('…'))
        .take(room)
        .collect()
}

#[cfg(test)]
mod tests;
