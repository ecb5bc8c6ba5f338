//! Weights that are not honoured, as JSON.

use gwobs_route::weights::{Report, RuleKey, Share};
use serde::Serialize;

use super::{backend, object};
use crate::output::WallClock;
use crate::weighed::{Weighed, WeightNews};

/// `skewed` is false in the line that says that the weights are honoured again. `text` says the same as the numbers, for
/// people. Of a skew the numbers are those of the requests that proved it.
#[derive(Debug, Serialize)]
pub(in crate::output) struct WeightSkew<'a> {
    time: String,
    gateway: String,
    route: Rule<'a>,
    skewed: bool,
    text: String,
    requests: u64,
    /// Requests whose backend is not known, since the weights changed.
    unknown: u64,
    /// Requests that went to backends without a share, since the weights changed.
    outside: u64,
    backends: Vec<Backend>,
}

#[derive(Debug, Serialize)]
struct Rule<'a> {
    kind: &'static str,
    namespace: &'a str,
    name: &'a str,
    rule: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_name: Option<&'a str>,
}

/// `backend` is null for the share of invalid references, which is answered with 500.
#[derive(Debug, Serialize)]
struct Backend {
    backend: Option<String>,
    expected: f64,
    observed: Option<f64>,
    requests: u64,
}

impl<'a> WeightSkew<'a> {
    /// `None` for news that is none to people.
    pub(in crate::output) fn new(weighed: &'a Weighed, clock: &WallClock) -> Option<Self> {
        let (skewed, report) = match &weighed.news {
            WeightNews::Skewed(report) => (true, report),
            WeightNews::Honoured(report) => (false, report),
            WeightNews::Watched | WeightNews::Ended => return None,
        };
        Some(Self {
            time: clock.rfc3339(weighed.time),
            gateway: object(&weighed.rule.gateway),
            route: Rule::new(&weighed.rule, weighed.rule_name.as_deref()),
            skewed,
            text: report.to_string(),
            requests: report.requests,
            unknown: report.unknown,
            outside: report.outside,
            backends: backends(report),
        })
    }
}

fn backends(report: &Report) -> Vec<Backend> {
    report.shares.iter().map(Backend::new).collect()
}

impl Backend {
    fn new(share: &Share) -> Self {
        Self {
            backend: share.backend.as_ref().map(backend),
            expected: share.expected,
            observed: share.observed,
            requests: share.requests,
        }
    }
}

impl<'a> Rule<'a> {
    fn new(key: &'a RuleKey, rule_name: Option<&'a str>) -> Self {
        Self {
            kind: key.kind.as_str(),
            namespace: &key.route.namespace,
            name: &key.route.name,
            rule: key.rule,
            rule_name,
        }
    }
}
