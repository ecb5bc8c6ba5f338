//! Requests taken apart.

use super::resource::{self, Resource};
use super::selector::Selector;
use std::collections::HashMap;

/// What a URL leads to.
#[derive(Debug)]
pub(super) enum Target {
    /// `/apis/GROUP`: its versions.
    Group(String),
    /// `/apis/GROUP/VERSION` or `/api/v1`: its resources.
    Version(String, String),
    /// A collection, of one namespace or of all.
    Collection(Place),
    /// An object, or a part of it.
    Object(Place, String, Option<String>),
    /// Whether the client may do something.
    Review,
}

/// A resource in a version, in one namespace or in all.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) resource: &'static Resource,
    pub(super) version: String,
    pub(super) namespace: Option<String>,
}

/// The query of a URL.
#[derive(Debug, Default)]
pub(super) struct Query(HashMap<String, String>);

impl Query {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    pub(super) fn selectors(&self) -> (Selector, Selector) {
        let selector = |name| Selector::parse(self.get(name).unwrap_or_default());
        (selector("labelSelector"), selector("fieldSelector"))
    }
}

/// Takes a request's target apart; `None` if it leads nowhere.
pub(super) fn parse(target: &str) -> (Option<Target>, Query) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = Query(pairs.map(|(name, value)| (decode(name), decode(value))).collect());
    (self::target(path), query)
}

fn target(path: &str) -> Option<Target> {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["api", version, rest @ ..] => inside("", version, rest),
        ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] => Some(Target::Review),
        ["apis", group] => Some(Target::Group((*group).to_owned())),
        ["apis", group, version, rest @ ..] => inside(group, version, rest),
        _ => None,
    }
}

fn inside(group: &str, version: &str, rest: &[&str]) -> Option<Target> {
    let place = |plural: &str, namespace: Option<&str>| {
        Some(Place {
            resource: resource::at(group, version, plural)?,
            version: version.to_owned(),
            namespace: namespace.map(str::to_owned),
        })
    };
    let object = |place: Place, name: &&str, part: Option<&&str>| {
        Target::Object(place, (*name).to_owned(), part.map(|part| (*part).to_owned()))
    };
    Some(match rest {
        [] => Target::Version(group.to_owned(), version.to_owned()),
        ["namespaces", namespace, plural] if *plural != "status" => Target::Collection(place(plural, Some(namespace))?),
        ["namespaces", namespace, plural, name] => object(place(plural, Some(namespace))?, name, None),
        ["namespaces", namespace, plural, name, part] => object(place(plural, Some(namespace))?, name, Some(part)),
        [plural] => Target::Collection(place(plural, None)?),
        [plural, name] => object(place(plural, None)?, name, None),
        [plural, name, part] => object(place(plural, None)?, name, Some(part)),
        _ => return None,
    })
}

/// Percent-decoding (RFC 3986 section 2.1), and `+` as a space.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
