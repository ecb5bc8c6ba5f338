//! Prefixes that are the beginning of another path without being a prefix of its elements: `/v2` and `/v2example`. By the
//! spec the first does not match the second; gateways that compare plain text have let it (nginx-gateway-fabric#796,
//! netscaler#212).

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::PathTest;
use crate::lint::finding::Findings;
use crate::lint::groups::{Group, groups};
use crate::lint::world::World;
use crate::lint::{Code, field};
use crate::table::Entry;

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    let mut told = BTreeSet::new();
    for group in groups(world) {
        for (short, long) in pairs(&group) {
            if short.acts_like(long) || !told.insert((short.object(), short.position(), long.object(), long.position()))
            {
                continue;
            }
            let (rule, matched) = short.position();
            let why = format!(
                "this prefix is the beginning of the path of {}, but no prefix of its path elements: by the spec they have \
                 nothing in common, and gateways that compare plain text mix them up",
                long.name()
            );
            let mend = "end the prefix with `/` or choose names of which none begins with the other";
            out.add(
                Code::PrefixNotElement,
                &short.object(),
                field::matched(rule, matched) + ".path",
                why,
                mend,
            )
            .with(long.object());
        }
    }
}

/// Each prefix with the first path after it in order of text that it begins; further ones are like it.
fn pairs<'w>(group: &Group<'w>) -> Vec<(&'w Entry, &'w Entry)> {
    let mut paths: BTreeMap<&str, (bool, &'w Entry)> = BTreeMap::new();
    for entry in group.entries {
        let (path, is_prefix) = match entry.matched().map(|matched| &matched.path) {
            Some(PathTest::Prefix(prefix)) => (&**prefix, true),
            Some(PathTest::Exact(path)) => (&**path, false),
            _ => continue,
        };
        let (known, _) = paths.entry(path).or_insert((is_prefix, entry));
        *known |= is_prefix;
    }
    let prefixes = paths
        .iter()
        .filter(|(path, (is_prefix, _))| *is_prefix && !path.is_empty());
    let longer = |short: &str| {
        let after = paths
            .range(short..)
            .skip(1)
            .take_while(|(path, _)| path.starts_with(short))
            .take(MAX_CHILDREN);
        let odd = |path: &str| path.get(short.len()..).is_some_and(|rest| !rest.starts_with('/'));
        after.filter(|(path, _)| odd(path)).map(|(_, (_, entry))| *entry).next()
    };
    prefixes
        .filter_map(|(short, (_, entry))| Some((*entry, longer(short)?)))
        .collect()
}

/// Paths looked at after each prefix; those below it (`/v2/…`) come before `/v2example` only for a few characters.
const MAX_CHILDREN: usize = 1_000;
