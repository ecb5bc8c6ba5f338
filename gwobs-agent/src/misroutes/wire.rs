//! What the API of an agent says of misroutes, as its server writes it and `gwobs misroutes` reads it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All groups of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// Version of the agent.
    pub version: String,
    /// Since when it counts, RFC 3339; null before its probes are attached.
    pub since: Option<String>,
    /// Requests that were to be judged.
    pub judged: u64,
    /// Requests that were decided, right or wrong.
    pub decided: u64,
    /// Groups that were forgotten because there were too many.
    pub forgotten: u64,
    /// The groups, the one seen last first.
    pub groups: Vec<Group>,
}

/// Mismatches that are alike: the same Gateway, rule, reason, expected and observed backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The same for the same group on every agent: eight hexadecimal digits.
    pub id: String,
    /// `namespace/name`
    pub gateway: Option<String>,
    /// The rule that was due.
    pub route: Option<Route>,
    /// Reason of the mismatch.
    pub reason: String,
    /// Backends that were due (`namespace/service:port`, joined by ` or `), or what the gateway had to do itself.
    pub expected: String,
    /// The backend that got the request, or what the gateway did itself.
    pub observed: String,
    /// How many requests.
    pub count: u64,
    /// When the first of them began, RFC 3339.
    pub first: String,
    /// When the last of them began, RFC 3339.
    pub last: String,
    /// Since when the specs that the first one was judged by are in force, RFC 3339; null where that is not known.
    pub specs_since: Option<String>,
    /// Method, authority and path of the last example, redacted.
    pub request: String,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Index of the rule, from 0.
    pub rule: u16,
    /// Name of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_name: Option<String>,
}

/// A group with its proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// The group.
    #[serde(flatten)]
    pub group: Group,
    /// The first mismatch of the group, and the latest ones.
    pub examples: Vec<Example>,
}

/// One mismatch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The decision as in the JSONL of `observe`.
    pub decision: Value,
    /// The first of the matches that came into question: the winner, then what the gateway followed, then what matches
    /// too; empty where the specs have changed since.
    pub considered: Vec<Considered>,
    /// What to do about it.
    pub mend: Vec<String>,
}

/// A match that came into question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// Its rule.
    #[serde(flatten)]
    pub route: Route,
    /// Index of the match, from 0.
    pub r#match: u16,
    /// What it asks of a request, in words.
    pub condition: String,
    /// Why it lost, as `explain` says it; null for the winner.
    pub lost_by: Option<String>,
}
