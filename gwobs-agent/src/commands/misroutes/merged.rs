//! The groups of all agents together.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::misroutes::{Group, Listing};

/// What all agents that answered list.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) agents: usize,
    /// When the agent began that runs longest.
    pub(super) since: Option<String>,
    pub(super) judged: u64,
    pub(super) decided: u64,
    pub(super) forgotten: u64,
    /// The group seen last first.
    pub(super) groups: Vec<Seen>,
}

/// A group, and who has seen it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Seen {
    #[serde(flatten)]
    pub(super) group: Group,
    /// Nodes, or addresses of agents.
    pub(super) agents: Vec<String>,
}

impl Merged {
    pub(super) fn of(listings: Vec<(String, Listing)>) -> Self {
        let mut merged = Self::default();
        let mut groups: BTreeMap<String, Seen> = BTreeMap::new();
        for (agent, listing) in listings {
            merged.agents += 1;
            merged.judged += listing.judged;
            merged.decided += listing.decided;
            merged.forgotten += listing.forgotten;
            merged.since = earlier(merged.since.take(), listing.since);
            for group in listing.groups {
                match groups.get_mut(&group.id) {
                    Some(seen) => seen.add(group, agent.clone()),
                    None => {
                        let agents = vec![agent.clone()];
                        groups.insert(group.id.clone(), Seen { group, agents });
                    }
                }
            }
        }
        merged.groups = groups.into_values().collect();
        merged
            .groups
            .sort_by(|one, other| other.group.last.cmp(&one.group.last));
        merged
    }

    /// All mismatches.
    pub(super) fn count(&self) -> u64 {
        self.groups.iter().map(|seen| seen.group.count).sum()
    }
}

impl Seen {
    /// Times are all in one form (UTC, microseconds), so their order is that of their text.
    fn add(&mut self, group: Group, agent: String) {
        let own = &mut self.group;
        own.count += group.count;
        own.first = own.first.clone().min(group.first);
        own.specs_since = earlier(own.specs_since.take(), group.specs_since);
        if group.last > own.last {
            own.last = group.last;
            own.request = group.request;
        }
        self.agents.push(agent);
    }
}

fn earlier(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
