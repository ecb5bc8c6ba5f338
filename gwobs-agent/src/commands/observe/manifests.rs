//! What manifests mean for the output.

use std::sync::Arc;

use gwobs_route::model::Object;

use crate::output::Redaction;
use crate::specs::Report;

/// The values that may be written when redacting: those that a route matches.
pub(super) fn redaction(redact: bool, objects: &[Object]) -> Redaction {
    if !redact {
        return Redaction::off();
    }
    let routes = objects.iter().filter_map(|object| match object {
        Object::Route(route) => Some(route),
        _ => None,
    });
    let matches: Vec<_> = routes
        .flat_map(|route| &route.rules)
        .flat_map(|rule| &rule.matches)
        .collect();
    Redaction::all_but(
        matches
            .iter()
            .flat_map(|matched| &matched.headers)
            .map(|header| Arc::clone(&header.name)),
        matches
            .iter()
            .flat_map(|matched| &matched.query)
            .map(|parameter| Arc::clone(&parameter.name)),
    )
}

/// Logs what there is to say about manifests.
pub(super) fn tell(report: &Report) {
    for warning in report.warnings() {
        tracing::warn!("{warning}");
    }
    tracing::info!("specs: {} objects that routing depends on", report.used);
}
