//! Labels with bounds.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use gwobs_route::{ObjectName, RouteRef};
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;

/// Routes that get labels of their own, if the user does not say: with a few rules and verdicts each, some ten
/// thousand series, which a Prometheus takes from one target without trouble.
pub const MAX_ROUTES: usize = 1000;

/// Stands for all that is beyond a cap.
pub(super) const OTHER: &str = "other";

/// Lets the first so many values through.
#[derive(Debug)]
pub struct LabelCap<T> {
    known: HashSet<T>,
    cap: usize,
    refused: Counter,
}

impl<T: Eq + Hash + Clone> LabelCap<T> {
    /// A cap that counts on `refused` how often a value was beyond it.
    #[must_use]
    pub fn new(cap: usize, refused: Counter) -> Self {
        Self {
            known: HashSet::new(),
            cap,
            refused,
        }
    }

    /// Whether a value gets a label of its own.
    pub fn admits(&mut self, value: &T) -> bool {
        if self.known.contains(value) {
            return true;
        }
        if self.known.len() < self.cap {
            return self.known.insert(value.clone());
        }
        self.refused.inc();
        false
    }
}

/// The label `rule`: the rule's name, else its index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) enum Rule {
    /// No rule, or one of a route beyond the cap.
    #[default]
    None,
    Index(u16),
    Name(Arc<str>),
}

impl EncodeLabelValue for Rule {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        match self {
            Self::None => "".encode(encoder),
            Self::Index(index) => u32::from(*index).encode(encoder),
            Self::Name(name) => name.encode(encoder),
        }
    }
}

/// The labels of a rule; empty without one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RouteLabels {
    pub(super) kind: &'static str,
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) rule: Rule,
}

impl RouteLabels {
    pub(super) fn new(route: Option<&RouteRef>, cap: &mut LabelCap<ObjectName>) -> Self {
        let Some(route) = route else {
            return Self {
                kind: "",
                namespace: "".into(),
                name: "".into(),
                rule: Rule::None,
            };
        };
        if !cap.admits(&route.route) {
            return Self {
                kind: route.kind.as_str(),
                namespace: OTHER.into(),
                name: OTHER.into(),
                rule: Rule::None,
            };
        }
        Self {
            kind: route.kind.as_str(),
            namespace: Arc::clone(&route.route.namespace),
            name: Arc::clone(&route.route.name),
            rule: route
                .rule_name
                .as_ref()
                .map_or(Rule::Index(route.rule), |name| Rule::Name(Arc::clone(name))),
        }
    }
}
