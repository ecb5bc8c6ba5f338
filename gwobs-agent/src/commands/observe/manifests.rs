//! What manifests mean for the output.

use gwobs_route::model::Object;

use crate::output::Redaction;
use crate::specs::Report;

/// The values that may be written when redacting: those that a route matches.
pub(super) fn redaction(objects: &[Object]) -> Redaction {
    let routes = objects.iter().filter_map(|object| match object {
        Object::Route(route) => Some(route),
        _ => None,
    });
    Redaction::of_routes(routes)
}

/// Logs what there is to say about manifests.
pub(super) fn tell(report: &Report) {
    for warning in report.warnings() {
        tracing::warn!("{warning}");
    }
    tracing::info!("specs: {} objects that routing depends on", report.used);
}
