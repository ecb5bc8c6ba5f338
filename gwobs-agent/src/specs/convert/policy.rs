//! GatewayClass, ReferenceGrant and BackendTLSPolicy: kinds that the crate's own types describe well.

use gateway_api::backendtlspolicies::{BackendTlsPolicySpec, BackendTlsPolicyValidationSubjectAltNames};
use gateway_api::experimental::gatewayclasses::GatewayClassSpec;
use gateway_api::experimental::referencegrants::ReferenceGrantSpec;
use gwobs_route::model::{
    BackendTlsPolicy, GatewayClass, GrantPeer, GrantTarget, Object, PolicyTarget, Reference, ReferenceGrant,
};
use serde_json::Value;

use super::{envelope, meta};
use crate::specs::decode::Misfit;
use crate::specs::notes::Notes;
use crate::specs::object::RawObject;

/// A GatewayClass.
pub(super) fn gateway_class(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire = envelope::<GatewayClassSpec>(raw, notes)?;
    Ok(Object::GatewayClass(GatewayClass {
        meta: meta::meta(raw, &wire.metadata, wire.status.as_ref(), notes),
        controller: wire.spec.controller_name.into(),
        parameters: wire.spec.parameters_ref.map(|parameters| Reference {
            group: parameters.group.into(),
            kind: parameters.kind.into(),
            namespace: parameters.namespace.map(Into::into),
            name: parameters.name.into(),
        }),
        supported_features: wire.status.as_ref().and_then(supported_features),
    }))
}

/// Names of features; older controllers wrote plain strings, newer ones objects with a name.
fn supported_features(status: &Value) -> Option<Vec<std::sync::Arc<str>>> {
    let features = status.get("supportedFeatures")?.as_array()?;
    let name = |feature: &Value| {
        feature
            .as_str()
            .or_else(|| feature.get("name")?.as_str())
            .map(Into::into)
    };
    Some(features.iter().filter_map(name).collect())
}

/// A ReferenceGrant.
pub(super) fn reference_grant(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire = envelope::<ReferenceGrantSpec>(raw, notes)?;
    let from = wire.spec.from.into_iter();
    let to = wire.spec.to.into_iter();
    Ok(Object::ReferenceGrant(ReferenceGrant {
        meta: meta::meta(raw, &wire.metadata, wire.status.as_ref(), notes),
        from: from
            .map(|peer| GrantPeer {
                group: peer.group.into(),
                kind: peer.kind.into(),
                namespace: peer.namespace.into(),
            })
            .collect(),
        to: to
            .map(|target| GrantTarget {
                group: target.group.into(),
                kind: target.kind.into(),
                name: target.name.filter(|name| !name.is_empty()).map(Into::into),
            })
            .collect(),
    }))
}

/// A BackendTLSPolicy.
pub(super) fn backend_tls_policy(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire = envelope::<BackendTlsPolicySpec>(raw, notes)?;
    let validation = wire.spec.validation;
    let local = |group: String, kind: String, name: String| Reference {
        group: group.into(),
        kind: kind.into(),
        namespace: None,
        name: name.into(),
    };
    let targets = wire.spec.target_refs.into_iter();
    let authorities = validation.ca_certificate_refs.into_iter().flatten();
    let names = validation.subject_alt_names.into_iter().flatten();
    Ok(Object::BackendTlsPolicy(BackendTlsPolicy {
        meta: meta::meta(raw, &wire.metadata, wire.status.as_ref(), notes),
        targets: targets
            .map(|target| PolicyTarget {
                target: local(target.group, target.kind, target.name),
                section: target.section_name.map(Into::into),
            })
            .collect(),
        authorities: authorities.map(|ca| local(ca.group, ca.kind, ca.name)).collect(),
        well_known_authorities: validation
            .well_known_ca_certificates
            .filter(|name| !name.is_empty())
            .map(Into::into),
        hostname: validation.hostname.to_ascii_lowercase().into(),
        alternative_names: names.filter_map(alternative_name).map(Into::into).collect(),
    }))
}

fn alternative_name(name: BackendTlsPolicyValidationSubjectAltNames) -> Option<String> {
    name.hostname.filter(|host| !host.is_empty()).or(name.uri)
}
