//! What is shown: the rates of each rule, from counters that were read twice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::exposition::Sample;

#[cfg(test)]
mod tests;

const DECISIONS: &str = "gwobs_decisions_total";
const LOST: &str = "gwobs_events_lost_total";

/// A rule at a Gateway; the route is empty for requests that no rule matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Place {
    /// `namespace/name`; empty where requests are not judged for a Gateway.
    pub(super) gateway: String,
    pub(super) listener: String,
    /// `HTTPRoute namespace/name`.
    pub(super) route: String,
    /// Its number from 0, or its name.
    pub(super) rule: String,
}

/// Requests by their verdict: as many, or as many a second.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub(super) struct Verdicts {
    #[serde(rename = "match")]
    pub(super) right: f64,
    pub(super) mismatch: f64,
    pub(super) inconclusive: f64,
}

impl Verdicts {
    /// All of them.
    pub(super) fn all(self) -> f64 {
        self.right + self.mismatch + self.inconclusive
    }

    /// The share that was decided; `None` where there was nothing to decide.
    pub(super) fn coverage(self) -> Option<f64> {
        (self.all() > 0.0).then(|| (self.right + self.mismatch) / self.all())
    }

    fn add(&mut self, verdict: &str, count: f64) {
        match verdict {
            "match" => self.right += count,
            "mismatch" => self.mismatch += count,
            "inconclusive" => self.inconclusive += count,
            _ => {}
        }
    }

    fn per_second(self, elapsed: Duration) -> Self {
        let seconds = seconds(elapsed);
        Self {
            right: self.right / seconds,
            mismatch: self.mismatch / seconds,
            inconclusive: self.inconclusive / seconds,
        }
    }
}

/// What is known of a rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Row {
    /// Requests a second since the last time.
    pub(super) rates: Verdicts,
    /// Requests since the agents started, as far as they were asked.
    pub(super) totals: Verdicts,
    /// The reason of most mismatches; of undecided requests if there are none.
    pub(super) reason: String,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Board {
    pub(super) rows: BTreeMap<Place, Row>,
    /// Events that were lost a second.
    pub(super) lost: f64,
    /// Agents that answered.
    pub(super) agents: usize,
    /// Those that did not.
    pub(super) silent: Vec<String>,
}

impl Board {
    /// The sum of all rules.
    pub(super) fn rates(&self) -> Verdicts {
        let rates = self.rows.values().map(|row| row.rates);
        rates.fold(Verdicts::default(), |sum, row| Verdicts {
            right: sum.right + row.right,
            mismatch: sum.mismatch + row.mismatch,
            inconclusive: sum.inconclusive + row.inconclusive,
        })
    }
}

/// A counter of one agent: its name and labels.
type Series = (String, BTreeMap<String, String>);

/// What agents said the last time they were asked.
#[derive(Debug, Default)]
pub(super) struct Memory {
    agents: BTreeMap<String, BTreeMap<Series, f64>>,
}

/// What was counted of a rule.
#[derive(Debug, Default)]
struct Tally {
    grown: Verdicts,
    totals: Verdicts,
    /// Requests by whether they were misrouted, and why; not those that match.
    reasons: BTreeMap<(bool, String), f64>,
}

impl Memory {
    /// Compares with the last time, `elapsed` ago; `answers` are those of the agents, by name, `None` of silent ones.
    pub(super) fn compare(&mut self, answers: &[(String, Option<Vec<Sample>>)], elapsed: Duration) -> Board {
        let mut board = Board::default();
        let mut tallies: BTreeMap<Place, Tally> = BTreeMap::new();
        for (agent, samples) in answers {
            match samples {
                Some(samples) => {
                    board.agents += 1;
                    self.count(agent, samples, &mut tallies, &mut board.lost);
                }
                None => {
                    // What it counts until it answers again did not all happen in the moment before that.
                    self.agents.remove(agent);
                    board.silent.push(agent.clone());
                }
            }
        }
        board.lost /= seconds(elapsed);
        board.rows = tallies
            .into_iter()
            .map(|(place, tally)| (place, tally.row(elapsed)))
            .collect();
        board
    }

    fn count(&mut self, agent: &str, samples: &[Sample], tallies: &mut BTreeMap<Place, Tally>, lost: &mut f64) {
        let before = self.agents.remove(agent);
        let now = self.agents.entry(agent.to_owned()).or_default();
        for sample in samples {
            let is_decision = sample.name == DECISIONS;
            if !is_decision && sample.name != LOST {
                continue;
            }
            let series = (sample.name.clone(), sample.labels.clone());
            let grown = before
                .as_ref()
                .map_or(0.0, |before| grown(before.get(&series), sample.value));
            now.insert(series, sample.value);
            if is_decision {
                tallies.entry(place(sample)).or_default().add(sample, grown);
            } else {
                *lost += grown;
            }
        }
    }
}

/// By how much a counter has grown; one that is new or less than before began at 0.
fn grown(before: Option<&f64>, now: f64) -> f64 {
    now - before.copied().filter(|before| *before <= now).unwrap_or(0.0)
}

impl Tally {
    fn add(&mut self, decisions: &Sample, grown: f64) {
        let verdict = decisions.label("verdict");
        self.grown.add(verdict, grown);
        self.totals.add(verdict, decisions.value);
        if verdict != "match" {
            let reason = (verdict == "mismatch", decisions.label("reason").to_owned());
            *self.reasons.entry(reason).or_default() += decisions.value;
        }
    }

    fn row(&self, elapsed: Duration) -> Row {
        let counted = self.reasons.iter().filter(|(_, count)| **count > 0.0);
        let most = counted.max_by(|((one, _), a), ((other, _), b)| one.cmp(other).then(a.total_cmp(b)));
        Row {
            rates: self.grown.per_second(elapsed),
            totals: self.totals,
            reason: most.map(|((_, reason), _)| reason.clone()).unwrap_or_default(),
        }
    }
}

fn seconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64().max(f64::EPSILON)
}

fn place(sample: &Sample) -> Place {
    let named = |namespace: &str, name: &str| match (sample.label(namespace), sample.label(name)) {
        ("", "") => String::new(),
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    let route = named("route_namespace", "route");
    Place {
        gateway: named("gateway_namespace", "gateway"),
        listener: sample.label("listener").to_owned(),
        route: format!("{} {route}", sample.label("route_kind")).trim().to_owned(),
        rule: sample.label("rule").to_owned(),
    }
}
