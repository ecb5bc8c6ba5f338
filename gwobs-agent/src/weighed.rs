//! What is known about the weights of a rule: what the pipeline tells every sink when it changes.

use std::sync::Arc;

use gwobs_route::weights::{Report, RuleKey};

use crate::event::Timestamp;

/// News about the weights of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// When it was told.
    pub time: Timestamp,
    /// The rule, at one Gateway.
    pub rule: RuleKey,
    /// The rule's name, if it has one.
    pub rule_name: Option<Arc<str>>,
    /// What is new.
    pub news: WeightNews,
}

/// What is new about the weights of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum WeightNews {
    /// They are tested from now on.
    Watched,
    /// The gateway provably does not honour them.
    Skewed(Report),
    /// It did not, and now it does.
    Honoured(Report),
    /// They are no longer tested: they changed, or the rule is gone.
    Ended,
}
