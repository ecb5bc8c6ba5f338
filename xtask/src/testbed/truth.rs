//! What the clients know against what gwobs says.

use super::client::{Answer, Exchange};
use super::gwobs::decision::Decision;
use super::traffic::Due;
use anyhow::{Result, bail};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Undecided requests that are tolerated among a thousand.
const UNDECIDED_PER_MILLE: usize = 1;
/// Requests that a failure names for each kind of disagreement.
const SHOWN: usize = 3;

/// Whether the gateway did something else than what was due, as the client saw it.
pub fn is_misrouted(due: &Due, answer: &Answer) -> bool {
    match due {
        Due::Backend(names) => !answer.backend.as_ref().is_some_and(|backend| names.contains(backend)),
        Due::Gateway(status) => answer.backend.is_some() || answer.status != *status,
        Due::Redirect { status, location } => {
            let path = answer
                .location
                .as_deref()
                .map(|location| location.split('?').next().unwrap_or_default());
            answer.backend.is_some() || answer.status != *status || path != Some(location)
        }
    }
}

/// Every way in which decisions can disagree with the truth; each entry says which request and what was claimed.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Requests that were answered.
    pub requests: usize,
    /// Requests that were really misrouted.
    pub misrouted: usize,
    /// Undecided requests by reason.
    pub undecided: BTreeMap<String, usize>,
    /// Called a mismatch although all was right.
    pub false_mismatches: Vec<String>,
    /// Called a match although it was misrouted.
    pub missed: Vec<String>,
    /// The right verdict with the wrong upstream.
    pub wrong_upstream: Vec<String>,
    /// More than one decision.
    pub duplicates: Vec<String>,
    /// No decision.
    pub absent: Vec<String>,
    /// Decisions about requests that no client sent, or that carry no readable id.
    pub foreign: Vec<String>,
    /// Undecided requests, for the failure message.
    pub doubtful: Vec<String>,
    /// Verdicts about interchangeable requests, claimed more often than they were true.
    pub beyond: Vec<String>,
    groups: BTreeMap<String, Group>,
}

/// Requests that are equal for routing. Where gwobs knows only how many of them were misrouted, and says so, each single
/// verdict stands for one of the group and proves nothing about its own request.
#[derive(Debug, Default)]
struct Group {
    misrouted: usize,
    right: usize,
    claimed_misrouted: usize,
    claimed_right: usize,
}

impl Group {
    fn add(&mut self, misrouted: bool, verdict: &str) {
        *(if misrouted {
            &mut self.misrouted
        } else {
            &mut self.right
        }) += 1;
        match verdict {
            "mismatch" => self.claimed_misrouted += 1,
            "match" => self.claimed_right += 1,
            _ => {}
        }
    }

    fn is_beyond_the_truth(&self) -> bool {
        self.claimed_misrouted > self.misrouted || self.claimed_right > self.right
    }
}

/// Compares exchange by exchange, matched by the id that each request carried.
pub fn compare(exchanges: &[Exchange], decisions: &[Decision]) -> Comparison {
    let mut comparison = Comparison::default();
    let mut by_id: HashMap<&str, Vec<&Decision>> = HashMap::new();
    for decision in decisions {
        match decision.id() {
            Some(id) => by_id.entry(id).or_default().push(decision),
            None => comparison.foreign.push(decision.0.to_string()),
        }
    }
    for exchange in exchanges {
        let claims = by_id.remove(exchange.id.as_str()).unwrap_or_default();
        // A request without an answer has no truth to compare with.
        if let Ok(answer) = &exchange.answer {
            comparison.judge(exchange, answer, &claims);
        }
    }
    comparison.count_groups();
    comparison
        .foreign
        .extend(by_id.into_values().flatten().map(|decision| decision.0.to_string()));
    comparison
}

impl Comparison {
    fn judge(&mut self, exchange: &Exchange, answer: &Answer, claims: &[&Decision]) {
        let misrouted = is_misrouted(&exchange.due, answer);
        self.requests += 1;
        self.misrouted += usize::from(misrouted);
        let Some(decision) = claims.first() else {
            return self.absent.push(describe(exchange, answer));
        };
        let case = || format!("{}\n      {}", describe(exchange, answer), decision.0);
        let group = self.groups.entry(kind(exchange)).or_default();
        group.add(misrouted, decision.verdict());
        match (decision.verdict(), misrouted) {
            ("match" | "mismatch", _) if decision.is_interchangeable() => {}
            ("match", true) => self.missed.push(case()),
            ("mismatch", false) => self.false_mismatches.push(case()),
            ("match" | "mismatch", _) => {
                if decision.chosen() != answer.endpoint.as_deref() {
                    self.wrong_upstream.push(case());
                }
            }
            _ => {
                *self.undecided.entry(decision.reason().to_owned()).or_default() += 1;
                self.doubtful.push(case());
            }
        }
        if claims.len() > 1 {
            self.duplicates.push(case());
        }
    }

    fn count_groups(&mut self) {
        let beyond = self.groups.iter().filter(|(_, group)| group.is_beyond_the_truth());
        self.beyond = beyond.map(|(kind, group)| format!("{kind}: {group:?}")).collect();
    }

    /// Requests that got a verdict.
    pub fn decided(&self) -> usize {
        self.requests - self.absent.len() - self.undecided.values().sum::<usize>()
    }

    /// Fails unless every decision is right, each request has exactly one, and hardly any is undecided.
    pub fn assert_exact(&self) -> Result<()> {
        self.assert_right(self.requests * UNDECIDED_PER_MILLE / 1000)
    }

    /// The same with so many undecided.
    pub fn assert_right(&self, tolerated: usize) -> Result<()> {
        let too_doubtful = self.undecided.values().sum::<usize>() > tolerated || self.undecided.contains_key("");
        let none = Vec::new();
        let kinds = [
            ("false mismatches", &self.false_mismatches),
            ("missed", &self.missed),
            ("wrong upstream", &self.wrong_upstream),
            ("duplicates", &self.duplicates),
            ("without decision", &self.absent),
            ("about no request", &self.foreign),
            ("counts beyond the truth", &self.beyond),
            ("undecided", if too_doubtful { &self.doubtful } else { &none }),
        ];
        if kinds.iter().all(|(_, cases)| cases.is_empty()) {
            return Ok(());
        }
        bail!("{}", self.report(&kinds))
    }

    fn report(&self, kinds: &[(&str, &Vec<String>)]) -> String {
        let mut text = format!(
            "of {} requests, {} misrouted, {:?} undecided:",
            self.requests, self.misrouted, self.undecided
        );
        for (kind, cases) in kinds.iter().filter(|(_, cases)| !cases.is_empty()) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {} {kind}, such as:", cases.len());
            for case in cases.iter().take(SHOWN) {
                let _ = write!(text, "\n    {case}");
            }
        }
        text
    }
}

/// What interchangeable requests have in common.
fn kind(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let path = request.target.split('?').next().unwrap_or_default();
    format!("{} {}{path} due {:?}", request.method, request.host, exchange.due)
}

fn describe(exchange: &Exchange, answer: &Answer) -> String {
    let request = &exchange.request;
    format!(
        "{} {} {} due {:?}, answered {} by {:?} at {:?}",
        exchange.id, request.method, request.target, exchange.due, answer.status, answer.backend, answer.endpoint
    )
}

#[cfg(test)]
mod tests;
