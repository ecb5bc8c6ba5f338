//! What is told of each incident.

use super::measured::Measured;
use crate::testbed::cluster::incidents::Incident;

/// Title, story, and the metrics that speak of it.
pub(super) struct Told {
    pub(super) title: &'static str,
    pub(super) story: &'static [&'static str],
    pub(super) measured: &'static [Measured],
}

/// What is told of an incident.
pub(super) fn told(incident: Incident) -> &'static Told {
    match incident {
        Incident::Departures => &DEPARTURES,
        Incident::GrantDeleted => &GRANT_DELETED,
        Incident::ControllerDeaf => &CONTROLLER_DEAF,
    }
}

const DEPARTURES: Told = Told {
    title: "Routes that Traefik accepts and does not follow",
    story: &[
        "HTTPRoute orders: `GET /orders` → orders, `/orders/export` → export. The longest prefix must win.",
        "HTTPRoute search: its requests are mirrored. Both routes are Accepted=True, ResolvedRefs=True.",
    ],
    measured: &[
        Measured("gwobs_object_condition", CONDITION, &[("name", "orders")]),
        Measured("gwobs_object_condition", CONDITION, &[("name", "search")]),
        Measured("gwobs_misroutes_total", &["route", "rule", "reason"], &[]),
        Measured("gwobs_unsupported_feature", &["name", "feature"], &[]),
        Measured("gwobs_coverage_ratio", &["gateway"], &[]),
    ],
};

const CONDITION: &[&str] = &["name", "type", "status"];

const GRANT_DELETED: Told = Told {
    title: "A ReferenceGrant is deleted under traffic, and comes back",
    story: &[
        "HTTPRoute pay refers to a Service in namespace other. Without the grant 500 is the right answer:",
        "no misroute, but an outage, counted by itself.",
    ],
    measured: &[
        Measured(
            "gwobs_reference_grant_changes_total",
            &["namespace", "change"],
            &[("namespace", "other")],
        ),
        Measured("gwobs_ungranted_denied_total", &["route", "rule"], &[]),
    ],
};

const CONTROLLER_DEAF: Told = Told {
    title: "The controller's watch has died, and nobody notices",
    story: &[
        "The grant of HTTPRoute keys is deleted, the weights of HTTPRoute release become 90/10,",
        "and the certificate, which ends in five days, is renewed in its Secret.",
        "Traefik goes on as before: every condition is as it was, every answer is 200.",
    ],
    measured: &[
        Measured("gwobs_ungranted_requests_total", &["route", "rule"], &[]),
        Measured(
            "gwobs_cross_namespace_reference",
            &["name", "to_namespace", "granted"],
            &[("name", "keys")],
        ),
        Measured("gwobs_weight_skew_detected", &["route", "rule"], &[]),
        Measured(
            "gwobs_backend_requests_total",
            &["route", "backend"],
            &[("route", "release")],
        ),
        Measured("gwobs_certificate_stale", &["name", "listener"], &[]),
    ],
};
