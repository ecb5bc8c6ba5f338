//! Who may do what: everybody everything, but for what a test takes away. Answers access reviews, and holds for requests.

use serde_json::{Value, json};
use std::collections::HashSet;

/// What nobody may do: verb, group and plural of a resource.
#[derive(Debug, Default)]
pub(super) struct Rights {
    forbidden: HashSet<(String, String, String)>,
}

impl Rights {
    pub(super) fn forbid(&mut self, verb: &str, group: &str, plural: &str) {
        self.forbidden.insert(entry(verb, group, plural));
    }

    pub(super) fn allow(&mut self, verb: &str, group: &str, plural: &str) {
        self.forbidden.remove(&entry(verb, group, plural));
    }

    pub(super) fn permits(&self, verb: &str, group: &str, plural: &str) -> bool {
        !self.forbidden.contains(&entry(verb, group, plural))
    }

    /// A SelfSubjectAccessReview with its answer.
    pub(super) fn review(&self, mut review: Value) -> Value {
        let of = |field: &str| {
            let value = review.pointer(&format!("/spec/resourceAttributes/{field}"));
            value.and_then(Value::as_str).unwrap_or_default()
        };
        let allowed = self.permits(of("verb"), of("group"), of("resource"));
        super::super::object::set(&mut review, "status", json!({"allowed": allowed}));
        review
    }
}

fn entry(verb: &str, group: &str, plural: &str) -> (String, String, String) {
    (verb.to_owned(), group.to_owned(), plural.to_owned())
}
