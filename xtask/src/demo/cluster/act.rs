//! One incident on the screen: what happens, every decision as it comes, what the metrics say of it.

use super::measured::{Measured, lines};
use crate::demo::board::Board;
use crate::demo::follow;
use crate::demo::screen::Screen;
use crate::say::{self, Style, paint};
use crate::testbed::client::Exchange;
use crate::testbed::cluster::Cluster;
use crate::testbed::cluster::incidents::Incident;
use crate::testbed::gwobs::Gwobs;
use anyhow::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the table stays live after the last answer: the hold of mismatches, and a little more.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Brings an incident about and shows it; what the clients saw.
pub(super) fn show(number: usize, incident: Incident, cluster: &Cluster, agent: &mut Gwobs) -> Result<Vec<Exchange>> {
    let (title, story, measured) = told(incident);
    say::heading(&format!("{number}  {title}"));
    story.iter().for_each(|line| say::line(&format!("   {line}")));
    say::line("");
    let exchanges = watch(incident, cluster, agent)?;
    say::line(&paint(Style::Dim, "\n    what Prometheus scrapes"));
    let text = cluster.metrics()?;
    lines(&text, measured)?
        .iter()
        .for_each(|line| say::line(&format!("    {line}")));
    Ok(exchanges)
}

fn watch(incident: Incident, cluster: &Cluster, agent: &mut Gwobs) -> Result<Vec<Exchange>> {
    let (mut board, mut screen) = (Board::default(), Screen::new());
    let finished = AtomicBool::new(false);
    let exchanges = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let exchanges = incident.bring_about(cluster);
            finished.store(true, Ordering::Relaxed);
            exchanges
        });
        follow(agent, &mut board, &mut screen, &finished, SETTLE)?;
        traffic.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    screen.draw(&board.lines(say::width()));
    Ok(exchanges)
}

/// Title, story and metrics of an incident.
fn told(incident: Incident) -> (&'static str, &'static [&'static str], &'static [Measured]) {
    match incident {
        Incident::Departures => (
            "Routes that Traefik accepts and does not follow",
            &[
                "HTTPRoute orders: `GET /orders` → orders, `/orders/export` → export. The longest prefix must win.",
                "HTTPRoute search: its requests are mirrored. Both routes are Accepted=True, ResolvedRefs=True.",
            ],
            &[
                Measured(
                    "gwobs_object_condition",
                    &["name", "type", "status"],
                    &[("name", "orders")],
                ),
                Measured(
                    "gwobs_object_condition",
                    &["name", "type", "status"],
                    &[("name", "search")],
                ),
                Measured("gwobs_misroutes_total", &["route", "rule", "reason"], &[]),
                Measured("gwobs_unsupported_feature", &["name", "feature"], &[]),
                Measured("gwobs_coverage_ratio", &["gateway"], &[]),
            ],
        ),
        Incident::GrantDeleted => (
            "A ReferenceGrant is deleted under traffic, and comes back",
            &[
                "HTTPRoute pay refers to a Service in namespace other. Without the grant 500 is the right answer:",
                "no misroute, but an outage, counted by itself.",
            ],
            &[
                Measured(
                    "gwobs_reference_grant_changes_total",
                    &["namespace", "change"],
                    &[("namespace", "other")],
                ),
                Measured("gwobs_ungranted_denied_total", &["route", "rule"], &[]),
            ],
        ),
        Incident::ControllerDeaf => (
            "The controller's watch has died, and nobody notices",
            &[
                "The grant of HTTPRoute keys is deleted, the weights of HTTPRoute release become 90/10,",
                "and the certificate, which ends in five days, is renewed in its Secret.",
                "Traefik goes on as before: every condition is as it was, every answer is 200.",
            ],
            &[
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
        ),
    }
}
