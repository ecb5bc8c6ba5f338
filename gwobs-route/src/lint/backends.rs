//! Backends that do not exist, or not on that port.

use crate::cluster::Referrer;
use crate::lint::finding::Findings;
use crate::lint::references::{Use, all};
use crate::lint::world::{View, World};
use crate::lint::{Code, Severity};
use crate::model::{Kind, ServicePort};
use crate::{InvalidBackend, ObjectName, RouteKind};

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    for used in all(world) {
        check_use(world, &used, out);
    }
}

fn check_use(world: &World<'_>, used: &Use<'_>, out: &mut Findings) {
    let Some((kind, backend)) = used.backend else {
        return;
    };
    let from = if used.needs_grant {
        Referrer::at_gateway(kind, used.namespace())
    } else {
        Referrer::in_mesh(kind, used.namespace())
    };
    let resolved = world.snapshot.cluster.resolve(from, backend);
    let name = &resolved.backend.service;
    let target = &used.target.kind;
    match resolved.invalid {
        // A missing grant is told of the reference, with the grant that it needs; a policy without authority is no fault
        // of the reference.
        None | Some(InvalidBackend::NotPermitted | InvalidBackend::NoValidAuthority) => {}
        Some(InvalidBackend::NotFound) => {
            let why = format!("there is no {target} {name}: its share of the requests gets 500");
            let mend = "correct name and namespace, or create it";
            out.add(Code::BackendNotFound, &used.from, used.field.clone(), why, mend);
        }
        Some(InvalidBackend::InvalidKind) => {
            let severity = if resolved.doubt.is_some() {
                Severity::Info
            } else {
                Severity::Error
            };
            let why = format!("{target} is not a kind of backend that gwobs knows; decisions for it are not judged");
            let mend = "check that the gateway supports this kind";
            out.add(Code::BackendKindUnknown, &used.from, used.field.clone(), why, mend)
                .of_severity(severity);
        }
        Some(InvalidBackend::NoPort) if backend.port.is_none() => {
            let why = format!("the reference to {target} {name} names no port: its share of the requests gets 500");
            out.add(
                Code::BackendPortMissing,
                &used.from,
                used.field.clone(),
                why,
                "add the Service's port",
            );
        }
        Some(InvalidBackend::NoPort) => port_not_found(world, used, resolved.backend.port, out),
        Some(InvalidBackend::UnsupportedProtocol) => {
            let transport = if kind == RouteKind::Udp { "UDP" } else { "TCP" };
            let why = format!("port {} of {target} {name} is not {transport}", resolved.backend.port);
            out.add(
                Code::BackendPortNotFound,
                &used.from,
                port_field(used),
                why,
                "refer to a port of that protocol",
            );
        }
    }
}

fn port_field(used: &Use<'_>) -> String {
    format!("{}.port", used.field)
}

fn port_not_found(world: &World<'_>, used: &Use<'_>, port: u16, out: &mut Findings) {
    let name = used.object();
    let ports = ports_of(world, &name)
        .iter()
        .map(|own| own.port.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let why = format!(
        "{} {name} has no port {port} (it has {ports}): its share of the requests gets 500",
        used.target.kind
    );
    let mend = "use the Service's port, not the container's";
    out.add(Code::BackendPortNotFound, &used.from, port_field(used), why, mend);
}

fn ports_of<'a>(world: &World<'a>, name: &ObjectName) -> &'a [ServicePort] {
    let find = |kind| world.find(kind, name.clone());
    match find(Kind::Service).or_else(|| find(Kind::ServiceImport)) {
        Some(View::Service(service)) => &service.ports,
        Some(View::ServiceImport(import)) => &import.ports,
        _ => &[],
    }
}
