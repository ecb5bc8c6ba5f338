//! Hostnames of listeners and routes: what they cover and where they meet.
//!
//! A hostname is exact, or begins with the wildcard label `*.`, which stands for one or more labels and so never covers
//! the apex. No hostname at all covers every host. All names are in lower case.

use std::collections::HashSet;
use std::sync::Arc;

/// A hostname; `None` covers every host.
pub type Hostname = Option<Arc<str>>;

/// The part after `*.` of a wildcard name.
pub(crate) fn wildcard_suffix(name: &str) -> Option<&str> {
    name.strip_prefix("*.")
}

/// The domains above a host, nearest first: `a.b.c` has `b.c` and `c`.
pub(crate) fn parents(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.').filter_map(|(at, _)| host.get(at + 1..))
}

/// True if the exact name `host` is covered by `name`.
#[must_use]
pub fn covers(name: &str, host: &str) -> bool {
    match wildcard_suffix(name) {
        Some(suffix) => is_below(host, suffix),
        None => name == host,
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix)
        .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Where two names meet: the narrower of them, or `None` if they have no host in common.
fn meet<'a>(one: &'a Arc<str>, other: &'a Arc<str>) -> Option<&'a Arc<str>> {
    match (wildcard_suffix(one), wildcard_suffix(other)) {
        (None, None) => (one == other).then_some(one),
        (None, Some(_)) => covers(other, one).then_some(one),
        (Some(_), None) => covers(one, other).then_some(other),
        (Some(wide), Some(narrow)) if wide == narrow || is_below(narrow, wide) => Some(other),
        (Some(narrow), Some(wide)) => is_below(narrow, wide).then_some(one),
    }
}

/// The effective hostnames of a route at a listener: where the listener's name and the route's names meet. Empty if they
/// do not meet; `None` inside for every host.
pub(crate) fn effective(listener: Option<&Arc<str>>, route: &[Arc<str>]) -> Vec<Hostname> {
    match listener {
        None if route.is_empty() => vec![None],
        None => route.iter().cloned().map(Some).collect(),
        Some(name) if route.is_empty() => vec![Some(name.clone())],
        Some(name) => route
            .iter()
            .filter_map(|own| meet(name, own))
            .cloned()
            .map(Some)
            .collect(),
    }
}

/// A set of hostnames that can tell whether another name meets any of them, at a cost that does not grow with the set.
#[derive(Debug, Default)]
pub(crate) struct HostSet {
    exact: HashSet<Arc<str>>,
    wildcard: HashSet<Box<str>>,
    /// Every domain above any name of the set.
    above: HashSet<Box<str>>,
    everything: bool,
}

impl HostSet {
    pub(crate) fn insert(&mut self, name: &Hostname) {
        let Some(name) = name else {
            self.everything = true;
            return;
        };
        self.above.extend(parents(name).map(Box::from));
        match wildcard_suffix(name) {
            Some(suffix) => self.wildcard.insert(suffix.into()),
            None => self.exact.insert(name.clone()),
        };
    }

    pub(crate) fn meets(&self, name: &Hostname) -> bool {
        let Some(name) = name else {
            return self.everything || !self.exact.is_empty() || !self.wildcard.is_empty();
        };
        let met = match wildcard_suffix(name) {
            Some(suffix) => self.wildcard.contains(suffix) || self.above.contains(suffix),
            None => self.exact.contains(name),
        };
        met || self.everything || parents(name).any(|domain| self.wildcard.contains(domain))
    }
}

#[cfg(test)]
mod tests;
