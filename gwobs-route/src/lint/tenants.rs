//! Hostnames that routes of several namespaces claim at one listener: whoever may create a route there can take requests
//! from the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ObjectName;
use crate::attach::{Hostname, domains_above};
use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::world::{View, World};
use crate::lint::{Code, Severity};
use crate::model::Route;
use crate::precedence::FullName;

/// A hostname at a listener of a Gateway.
type Claim<'w> = (&'w ObjectName, usize, Hostname);

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    let claims = claims(world);
    for (claim, routes) in &claims {
        let Some(owner) = routes.first() else { continue };
        for route in routes.iter().filter(|route| namespace(route) != namespace(owner)) {
            tell(world, claim, route, owner, None, out);
        }
        if let Some((wide, above)) =
            wider_owner(&claims, claim).filter(|(_, above)| namespace(above) != namespace(owner))
        {
            tell(world, claim, owner, above, Some(wide), out);
        }
    }
}

fn namespace(route: &Route) -> &Arc<str> {
    &route.meta.name.namespace
}

/// The routes of every claim, oldest first, then by name.
fn claims<'w>(world: &'w World<'_>) -> BTreeMap<Claim<'w>, Vec<&'w Route>> {
    let mut claims: BTreeMap<Claim<'w>, Vec<&'w Route>> = BTreeMap::new();
    for (gateway, table) in &world.snapshot.gateways {
        for attachment in &table.attachments {
            let kind = crate::model::Kind::Route(attachment.kind);
            let Some(View::Route(route)) = world.find(kind, attachment.route.clone()) else {
                continue;
            };
            for at in &attachment.listeners {
                for hostname in at.outcome.iter().flatten() {
                    claims
                        .entry((gateway, at.listener, hostname.clone()))
                        .or_default()
                        .push(route);
                }
            }
        }
    }
    for routes in claims.values_mut() {
        routes.sort_by_key(|route| {
            (
                route.meta.created.unwrap_or(i64::MAX),
                FullName(route.meta.name.clone()),
            )
        });
        routes.dedup_by_key(|route| ObjectRef::route(route));
    }
    claims
}

/// The owner of the nearest wildcard that covers a hostname and more.
fn wider_owner<'c, 'w>(
    claims: &'c BTreeMap<Claim<'w>, Vec<&'w Route>>,
    (gateway, listener, hostname): &Claim<'w>,
) -> Option<(Arc<str>, &'c Route)> {
    let name = hostname.as_ref()?;
    let mut wildcards = domains_above(name)
        .map(|domain| Arc::from(format!("*.{domain}")))
        .filter(|wide: &Arc<str>| wide != name);
    wildcards.find_map(|wide| {
        let routes = claims.get(&(gateway, *listener, Some(wide.clone())))?;
        Some((wide, *routes.first()?))
    })
}

fn tell(
    world: &World<'_>,
    claim: &Claim<'_>,
    route: &Route,
    owner: &Route,
    wide: Option<Arc<str>>,
    out: &mut Findings,
) {
    let (gateway, listener, hostname) = claim;
    let listeners = world
        .snapshot
        .listeners(gateway)
        .and_then(|all| all.listeners.get(*listener));
    let label = listeners.map(|merged| merged.label.clone()).unwrap_or_default();
    let name = hostname.as_deref().unwrap_or("every host");
    let other = ObjectRef::route(owner);
    let (why, severity) = match wide {
        None => (
            format!(
                "{name} at listener {label} of Gateway {gateway} is also claimed by {other} of another namespace, which came first"
            ),
            Code::TenantHostname.severity(),
        ),
        Some(wide) => (
            format!(
                "{name} at listener {label} of Gateway {gateway} is taken out of {wide}, which {other} of another namespace claims"
            ),
            Severity::Info,
        ),
    };
    let mend = "give each tenant hostnames or listeners of its own (allowedRoutes), if they do not share on purpose";
    let position = hostname
        .as_ref()
        .and_then(|name| route.hostnames.iter().position(|own| own == name));
    let at = position.map_or_else(
        || "spec.hostnames".to_owned(),
        |index| format!("spec.hostnames[{index}]"),
    );
    out.add(Code::TenantHostname, &ObjectRef::route(route), at, why, mend)
        .with(other)
        .of_severity(severity);
}
