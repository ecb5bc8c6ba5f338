//! ReferenceGrants that are missing, and those that permit nothing that is used.

use crate::attach::{EXPERIMENTAL_GROUP, GATEWAY_GROUP};
use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::references::{Use, all};
use crate::lint::world::World;
use crate::lint::{Code, Severity};
use crate::model::{GrantPeer, GrantTarget, Kind, ReferenceGrant};

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    let mut uses = all(world);
    uses.retain(Use::crosses);
    for used in &uses {
        check_use(world, used, out);
    }
    for grant in world.grants() {
        check_grant(world, grant, &uses, out);
    }
}

fn check_use(world: &World<'_>, used: &Use<'_>, out: &mut Findings) {
    let kind = used.from.kind();
    let granted = |kind| {
        world
            .snapshot
            .is_granted(GATEWAY_GROUP, kind, used.namespace(), used.target)
    };
    let unsure = world.snapshot.cluster.has_unsure_grant(&used.object().namespace);
    if !used.needs_grant || unsure || granted(kind) {
        return;
    }
    let object = used.object();
    let what = if used.backend.is_some() {
        "requests to it get 500"
    } else {
        "the listener does not get it"
    };
    let why = format!(
        "no ReferenceGrant in namespace {} lets a {kind} of namespace {} refer to {} {object}: {what}",
        object.namespace,
        used.namespace(),
        used.target.kind,
    );
    let mend = format!(
        "create a ReferenceGrant in namespace {} with from: [{{group: {GATEWAY_GROUP}, kind: {kind}, namespace: {}}}] and \
         to: [{{group: {:?}, kind: {}, name: {}}}]",
        object.namespace,
        used.namespace(),
        used.target.group,
        used.target.kind,
        object.name,
    );
    out.add(Code::GrantMissing, &used.from, used.field.clone(), why, mend);
}

fn check_grant(world: &World<'_>, grant: &ReferenceGrant, uses: &[Use<'_>], out: &mut Findings) {
    let object = ObjectRef::new(Kind::ReferenceGrant, &grant.meta);
    let namespace = &*grant.meta.name.namespace;
    let in_force = |from: &GrantPeer, to: &GrantTarget| uses.iter().any(|used| permits(namespace, from, to, used));
    let from_used = |from: &&GrantPeer| !is_known(from) || grant.to.iter().any(|to| in_force(from, to));
    let to_used = |to: &&GrantTarget| grant.from.iter().any(|from| !is_known(from) || in_force(from, to));
    if !grant.from.iter().any(|from| from_used(&from)) {
        let given = grant.from.iter().any(|from| has_referrers(world, from));
        let severity = if given { Severity::Warning } else { Severity::Info };
        let why = "nothing among the objects given uses this grant: it only widens who may refer into the namespace";
        out.add(
            Code::GrantUnused,
            &object,
            "spec",
            why,
            "delete it if nothing else needs it",
        )
        .of_severity(severity);
        return;
    }
    let unused = |at: String| {
        (
            at,
            "no reference uses this entry of the grant",
            "remove the entry if nothing needs it",
        )
    };
    let from = grant
        .from
        .iter()
        .enumerate()
        .filter(|(_, from)| !from_used(from))
        .map(|(i, _)| format!("spec.from[{i}]"));
    let to = grant
        .to
        .iter()
        .enumerate()
        .filter(|(_, to)| !to_used(to))
        .map(|(i, _)| format!("spec.to[{i}]"));
    for (at, why, mend) in from.chain(to).map(unused) {
        out.add(Code::GrantUnused, &object, at, why, mend)
            .of_severity(Severity::Info);
    }
}

/// True if the pair of entries of a grant in `namespace` permits this reference.
fn permits(namespace: &str, from: &GrantPeer, to: &GrantTarget, used: &Use<'_>) -> bool {
    let object = used.object();
    *object.namespace == *namespace
        && is_known(from)
        && *from.kind == *used.from.kind()
        && from.namespace == *used.namespace()
        && used.target.is(&to.group, &to.kind)
        && to.name.as_ref().is_none_or(|name| *name == object.name)
}

/// Kinds whose references are looked at; a grant for any other kind may well be in use.
fn is_known(from: &GrantPeer) -> bool {
    const KINDS: [&str; 7] = [
        "Gateway",
        "ListenerSet",
        "HTTPRoute",
        "GRPCRoute",
        "TLSRoute",
        "TCPRoute",
        "UDPRoute",
    ];
    match &*from.group {
        GATEWAY_GROUP => KINDS.contains(&&*from.kind),
        EXPERIMENTAL_GROUP => &*from.kind == "XListenerSet",
        _ => false,
    }
}

/// True if any object of the grant's kind and namespace was given.
fn has_referrers(world: &World<'_>, from: &GrantPeer) -> bool {
    world
        .all()
        .any(|(object, _)| *object.kind() == *from.kind && object.name.namespace == from.namespace)
}
