//! Findings in the specs themselves, before any traffic: what can never match, what overlaps, what is missing, what a
//! gateway may read in another way than was meant.
//!
//! *Invariants.* A rule is called shadowed only if no request whatever could reach it. The same objects in any order
//! give the same findings in the same order. Kinds of which no object is given are assumed to be fine.

mod backends;
mod code;
mod features;
mod field;
mod finding;
mod grants;
mod groups;
mod headers;
mod order;
mod parents;
mod prefixes;
mod references;
mod regex;
mod shadow;
mod survey;
mod tenants;
mod unknown;
mod weights;
mod world;

#[cfg(test)]
mod tests;

pub use code::{Code, Severity};
pub use finding::{Finding, ObjectRef};
pub use survey::{CrossReference, Survey, UnsupportedFeature, survey};

use crate::lint::finding::Findings;
use crate::lint::world::{View, World};
use crate::model::Object;
use crate::objects::Objects;
use crate::profile::Profile;

/// All findings in `objects`, sorted by object, field and code. Of an object that stands twice the later counts.
/// `profile`: the data plane; `None` to tell it from each Gateway's class.
///
/// What the API server refuses by itself (limits, formats) is told where manifests are read, not here.
#[must_use]
pub fn lint(objects: &[Object], profile: Option<Profile>) -> Vec<Finding> {
    let mut index = Objects::new(profile);
    objects.iter().for_each(|object| index.apply(object.clone(), 0));
    let snapshot = index.snapshot();
    let world = World::new(objects.iter().map(View::of), &index, snapshot);
    let mut findings = Findings::default();
    let checks = [
        unknown::check,
        parents::check,
        grants::check,
        backends::check,
        weights::check,
        features::check,
        regex::check,
        headers::check,
        shadow::check,
        order::check,
        prefixes::check,
        tenants::check,
    ];
    for check in checks {
        check(&world, &mut findings);
    }
    findings.sorted()
}
