//! What a replay says: a line for each request that would go elsewhere, and the sums.

use std::collections::BTreeMap;
use std::io::{self, Write};

use gwobs_route::{Action, Decision};
use serde::Serialize;

use super::compare::{Compared, Went};
use super::record::{Backend, Expected, Record, Route};
use crate::cli::Output;
use crate::output::printable;

/// Most pairs of "then" and "now" that are counted apart; what is beyond is counted together.
const MAX_GROUPS: usize = 10_000;

/// The sums so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    same: u64,
    elsewhere: u64,
    undecidable: BTreeMap<&'static str, u64>,
    malformed: u64,
    other: u64,
    /// Requests whose expected rule is another one, wherever they go.
    other_rule: u64,
    groups: BTreeMap<(String, String), u64>,
    ungrouped: u64,
}

#[derive(Serialize)]
struct Elsewhere<'a> {
    r#type: &'static str,
    id: &'a str,
    time: &'a str,
    request: Sent<'a>,
    /// Where it went.
    observed: &'a Went,
    /// What was due by the specs of then; null without specs.
    expected_then: Option<&'a Expected>,
    /// What is due by the specs of now.
    expected_now: Expected,
}

#[derive(Serialize)]
struct Sent<'a> {
    method: &'a str,
    authority: Option<&'a str>,
    path: Option<&'a str>,
}

#[derive(Serialize)]
struct Summary<'a> {
    r#type: &'static str,
    decisions: u64,
    same: u64,
    elsewhere: u64,
    undecidable: &'a BTreeMap<&'static str, u64>,
    other_rule: u64,
    malformed: u64,
    changes: Vec<Change<'a>>,
    ungrouped: u64,
}

#[derive(Serialize)]
struct Change<'a> {
    then: &'a str,
    now: &'a str,
    requests: u64,
}

impl Report {
    pub(super) fn differs(&self) -> bool {
        self.elsewhere > 0
    }

    pub(super) fn note_other(&mut self) {
        self.other += 1;
    }

    pub(super) fn note_malformed(&mut self) {
        self.malformed += 1;
    }

    /// Counts a request, and writes it if it would go elsewhere.
    pub(super) fn write(
        &mut self,
        record: &Record,
        compared: &Compared,
        form: Output,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match compared {
            Compared::Same(decision) => {
                self.same += 1;
                self.note_rule(record, decision);
            }
            Compared::Undecidable(reason) => *self.undecidable.entry(reason).or_default() += 1,
            Compared::Elsewhere(decision, went) => {
                self.elsewhere += 1;
                self.note_rule(record, decision);
                let now = expected(decision);
                self.group(then(record, went), place(&now));
                tell(record, went, now, form, out)?;
            }
        }
        Ok(())
    }

    fn note_rule(&mut self, record: &Record, decision: &Decision) {
        let then = record.expected.as_ref().map(|expected| expected.route.as_ref());
        let rule = |route: &Route| {
            (
                route.kind.clone(),
                route.namespace.clone(),
                route.name.clone(),
                route.rule,
            )
        };
        let now = route(decision);
        if then.is_some_and(|then| then.map(rule) != now.as_ref().map(rule)) {
            self.other_rule += 1;
        }
    }

    fn group(&mut self, then: String, now: String) {
        if let Some(count) = self.groups.get_mut(&(then.clone(), now.clone())) {
            *count += 1;
        } else if self.groups.len() < MAX_GROUPS {
            self.groups.insert((then, now), 1);
        } else {
            self.ungrouped += 1;
        }
    }

    /// Writes the sums.
    pub(super) fn finish(&self, form: Output, out: &mut impl Write) -> io::Result<()> {
        match form {
            Output::Table => self.table(out),
            Output::Json | Output::Jsonl => write_json(&self.summary(), out),
        }
    }

    fn summary(&self) -> Summary<'_> {
        Summary {
            r#type: "summary",
            decisions: self.decisions(),
            same: self.same,
            elsewhere: self.elsewhere,
            undecidable: &self.undecidable,
            other_rule: self.other_rule,
            malformed: self.malformed,
            changes: self
                .groups
                .iter()
                .map(|((then, now), &requests)| Change { then, now, requests })
                .collect(),
            ungrouped: self.ungrouped,
        }
    }

    fn decisions(&self) -> u64 {
        self.same + self.elsewhere + self.undecidable.values().sum::<u64>()
    }

    fn table(&self, out: &mut impl Write) -> io::Result<()> {
        if self.elsewhere > 0 {
            writeln!(out, "\n{:>8}  then → now", "requests")?;
        }
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(group, count)| (std::cmp::Reverse(**count), *group));
        for ((then, now), count) in groups {
            writeln!(out, "{count:>8}  {} → {}", printable(then), printable(now))?;
        }
        let undecidable = self.undecidable.values().sum::<u64>();
        writeln!(
            out,
            "\n{} decisions: {} go where they went, {} would go elsewhere, {undecidable} undecidable.",
            self.decisions(),
            self.same,
            self.elsewhere
        )?;
        for (reason, count) in &self.undecidable {
            writeln!(out, "{count:>8}  undecidable: {reason}")?;
        }
        if self.malformed > 0 {
            writeln!(out, "{:>8}  lines could not be read", self.malformed)?;
        }
        Ok(())
    }
}

fn write_json(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn tell(record: &Record, went: &Went, now: Expected, form: Output, out: &mut impl Write) -> io::Result<()> {
    let Some(request) = &record.request else {
        return Ok(());
    };
    let sent = Sent {
        method: &request.method,
        authority: request.authority.as_deref(),
        path: request.path.as_deref(),
    };
    if form == Output::Table {
        let host = sent.authority.unwrap_or("-");
        let line = format!(
            "{} {host}{}: {} → {}",
            sent.method,
            sent.path.unwrap_or(""),
            then(record, went),
            place(&now)
        );
        return writeln!(out, "{}", printable(&line));
    }
    let line = Elsewhere {
        r#type: "elsewhere",
        id: &record.id,
        time: &record.time,
        request: sent,
        observed: went,
        expected_then: record.expected.as_ref(),
        expected_now: now,
    };
    write_json(&line, out)
}

/// What is due, in the form of the recording.
fn expected(decision: &Decision) -> Expected {
    let (action, status, backends) = match &decision.action {
        Action::Forward { backends, .. } => {
            let backend = |choice: &gwobs_route::BackendChoice| Backend {
                backend: choice.backend.to_string(),
                weight: choice.weight,
            };
            ("forward", None, Some(backends.iter().map(backend).collect()))
        }
        Action::Redirect(target) => ("redirect", Some(target.status), None),
        Action::Respond { status, .. } => ("respond", Some(*status), None),
        Action::Reject => ("reject", None, None),
    };
    Expected {
        action: action.to_owned(),
        status,
        route: route(decision),
        backends,
    }
}

fn route(decision: &Decision) -> Option<Route> {
    let route = decision.route.as_ref()?;
    Some(Route {
        kind: route.kind.as_str().to_owned(),
        namespace: route.route.namespace.to_string(),
        name: route.route.name.to_string(),
        rule: route.rule,
        r#match: route.matched,
    })
}

/// Where a request went, with the rule that was due then.
fn then(record: &Record, went: &Went) -> String {
    let went = match went {
        Went::Backend(name) => name.clone(),
        Went::Status(status) => status.to_string(),
    };
    let rule = record
        .expected
        .as_ref()
        .and_then(|expected| expected.route.as_ref())
        .map(rule_name);
    rule.map_or_else(|| went.clone(), |rule| format!("{went} ({rule})"))
}

/// What is due now, with its rule.
fn place(expected: &Expected) -> String {
    let target = match (&expected.backends, expected.status) {
        (Some(backends), _) => backends
            .iter()
            .map(|one| one.backend.as_str())
            .collect::<Vec<_>>()
            .join(" or "),
        (None, Some(status)) => format!("{} {status}", expected.action),
        (None, None) => expected.action.clone(),
    };
    let rule = expected.route.as_ref().map_or_else(|| "no rule".to_owned(), rule_name);
    format!("{target} ({rule})")
}

fn rule_name(route: &Route) -> String {
    format!("{} {}/{} rule {}", route.kind, route.namespace, route.name, route.rule)
}
