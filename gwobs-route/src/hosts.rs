//! A map from hostnames to whatever belongs to them, asked by host: exact name first, then the wildcard with most labels,
//! then what covers every host. Its cost grows with the labels of the host, not with the number of names.

use std::collections::HashMap;
use std::sync::Arc;

use crate::attach::{Hostname, domains_above, wildcard_suffix};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Hosts<T> {
    exact: HashMap<Arc<str>, T>,
    wildcard: HashMap<Box<str>, T>,
    everything: Option<T>,
}

impl<T> Default for Hosts<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            wildcard: HashMap::new(),
            everything: None,
        }
    }
}

impl<T> Hosts<T> {
    /// The entry of that very name.
    pub(crate) fn entry(&mut self, name: &Hostname, default: impl FnOnce() -> T) -> &mut T {
        match name.as_ref().map(|name| (name, wildcard_suffix(name))) {
            None => self.everything.get_or_insert_with(default),
            Some((_, Some(suffix))) => self.wildcard.entry(suffix.into()).or_insert_with(default),
            Some((name, None)) => self.exact.entry(name.clone()).or_insert_with(default),
        }
    }

    /// Everything that covers `host`, the most specific first; without a host only what covers every host.
    pub(crate) fn covering<'a, 'h>(&'a self, host: Option<&'h str>) -> impl Iterator<Item = &'a T> + use<'a, 'h, T> {
        let exact = host.and_then(|host| self.exact.get(host));
        // Nothing is probed label by label where there are no wildcards.
        let probed = host.filter(|_| !self.wildcard.is_empty());
        let wildcard = probed
            .into_iter()
            .flat_map(domains_above)
            .filter_map(|domain| self.wildcard.get(domain));
        exact.into_iter().chain(wildcard).chain(self.everything.as_ref())
    }

    /// The entry of that very name, if there is one.
    pub(crate) fn get(&self, name: &Hostname) -> Option<&T> {
        match name.as_ref().map(|name| (name, wildcard_suffix(name))) {
            None => self.everything.as_ref(),
            Some((_, Some(suffix))) => self.wildcard.get(suffix),
            Some((name, None)) => self.exact.get(name),
        }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.exact
            .values()
            .chain(self.wildcard.values())
            .chain(self.everything.as_ref())
    }
}
