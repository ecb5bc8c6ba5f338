//! What a backend must receive, as far as filters say.

use std::sync::Arc;

use crate::Forwarded;
use crate::decide::effects::Effects;
use crate::decide::redirect::path;
use crate::model::HeaderModifier;
use crate::view::View;

/// The request after the filters of the rule, then those of the backend.
pub(super) fn forwarded(view: &View<'_>, prefix: Option<&str>, effects: &[&Effects<'_>]) -> Forwarded {
    let mut forwarded = Forwarded::default();
    for rewrite in effects.iter().filter_map(|effects| effects.rewrite) {
        if let Some(hostname) = &rewrite.hostname {
            forwarded.authority = Some(hostname.clone());
        }
        if rewrite.path.is_some() {
            let target = view.request.path.unwrap_or("");
            forwarded.path = Some(path(rewrite.path.as_ref(), target, prefix));
        }
    }
    let mut headers = Headers::default();
    for modifier in effects.iter().flat_map(|effects| &effects.request_headers) {
        headers.apply(modifier, view);
    }
    headers.into_parts(forwarded)
}

/// The headers that filters name, in their last state: a value, or gone.
#[derive(Default)]
struct Headers {
    changed: Vec<(Arc<str>, Option<String>)>,
}

impl Headers {
    /// `set` replaces, `add` appends to what is there, `remove` removes.
    fn apply(&mut self, modifier: &HeaderModifier, view: &View<'_>) {
        for header in &modifier.set {
            self.put(&header.name, Some(header.value.to_string()));
        }
        for header in &modifier.add {
            let value = match self.current(&header.name, view) {
                Some(before) => format!("{before},{}", header.value),
                None => header.value.to_string(),
            };
            self.put(&header.name, Some(value));
        }
        for name in &modifier.remove {
            self.put(name, None);
        }
    }

    fn current(&self, name: &Arc<str>, view: &View<'_>) -> Option<String> {
        if let Some((_, value)) = self.changed.iter().find(|(own, _)| own == name) {
            return value.clone();
        }
        let values: Vec<_> = view.header(name).collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    fn put(&mut self, name: &Arc<str>, value: Option<String>) {
        match self.changed.iter_mut().find(|(own, _)| own == name) {
            Some((_, old)) => *old = value,
            None => self.changed.push((name.clone(), value)),
        }
    }

    fn into_parts(self, mut forwarded: Forwarded) -> Forwarded {
        for (name, value) in self.changed {
            match value {
                Some(value) => forwarded.headers_set.push((name, value)),
                None => forwarded.headers_removed.push(name),
            }
        }
        forwarded
    }
}
