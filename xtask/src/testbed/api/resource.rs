//! The kinds that the server knows.

use serde_json::{Value, json};

/// A kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// API group; empty for the core group.
    pub(super) group: &'static str,
    /// Versions, the preferred one first.
    pub(super) versions: &'static [&'static str],
    /// Name in URLs.
    pub(super) plural: &'static str,
    /// Kind.
    pub(super) kind: &'static str,
    /// Whether objects live in namespaces.
    pub(super) namespaced: bool,
    /// Whether there must be a CRD.
    pub(super) custom: bool,
}

const GATEWAY: &str = "gateway.networking.k8s.io";
const DEFINITION: &str = "CustomResourceDefinition";

const fn built_in(group: &'static str, plural: &'static str, kind: &'static str, namespaced: bool) -> Resource {
    Resource {
        group,
        versions: &["v1"],
        plural,
        kind,
        namespaced,
        custom: false,
    }
}

const fn custom(
    group: &'static str,
    versions: &'static [&'static str],
    plural: &'static str,
    kind: &'static str,
) -> Resource {
    Resource {
        group,
        versions,
        plural,
        kind,
        namespaced: true,
        custom: true,
    }
}

static ALL: [Resource; 22] = [
    built_in("", "namespaces", "Namespace", false),
    built_in("", "services", "Service", true),
    built_in("", "configmaps", "ConfigMap", true),
    built_in("", "secrets", "Secret", true),
    built_in("", "pods", "Pod", true),
    built_in("", "nodes", "Node", false),
    built_in("discovery.k8s.io", "endpointslices", "EndpointSlice", true),
    // A real server keeps these and those of the core group in one place.
    built_in("events.k8s.io", "events", "Event", true),
    built_in("", "events", "Event", true),
    built_in("apiextensions.k8s.io", "customresourcedefinitions", DEFINITION, false),
    Resource {
        namespaced: false,
        ..custom(GATEWAY, &["v1", "v1beta1"], "gatewayclasses", "GatewayClass")
    },
    custom(GATEWAY, &["v1", "v1beta1"], "gateways", "Gateway"),
    custom(GATEWAY, &["v1", "v1beta1"], "httproutes", "HTTPRoute"),
    custom(GATEWAY, &["v1"], "grpcroutes", "GRPCRoute"),
    custom(GATEWAY, &["v1", "v1alpha3"], "tlsroutes", "TLSRoute"),
    custom(GATEWAY, &["v1alpha2"], "tcproutes", "TCPRoute"),
    custom(GATEWAY, &["v1alpha2"], "udproutes", "UDPRoute"),
    custom(GATEWAY, &["v1"], "listenersets", "ListenerSet"),
    custom(GATEWAY, &["v1", "v1beta1"], "referencegrants", "ReferenceGrant"),
    custom(GATEWAY, &["v1", "v1alpha3"], "backendtlspolicies", "BackendTLSPolicy"),
    custom(
        "gateway.networking.x-k8s.io",
        &["v1alpha1"],
        "xlistenersets",
        "XListenerSet",
    ),
    custom(
        "multicluster.x-k8s.io",
        &["v1alpha1"],
        "serviceimports",
        "ServiceImport",
    ),
];

/// The kinds of the Gateway API that the tests install, as their CRDs are named.
pub(super) const GATEWAY_API: [&str; 10] = [
    "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "grpcroutes.gateway.networking.k8s.io",
    "tlsroutes.gateway.networking.k8s.io",
    "tcproutes.gateway.networking.k8s.io",
    "udproutes.gateway.networking.k8s.io",
    "listenersets.gateway.networking.k8s.io",
    "referencegrants.gateway.networking.k8s.io",
    "backendtlspolicies.gateway.networking.k8s.io",
];

impl Resource {
    /// The name of its CRD.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// `group/version`, or the version alone in the core group.
    pub(super) fn api_version(&self, version: &str) -> String {
        match self.group {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        }
    }

    /// Its CRD, without a schema.
    pub(super) fn definition(&self, bundle: &str, channel: &str) -> Value {
        let versions = self.versions.iter().enumerate();
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": DEFINITION,
            "metadata": {
                "name": self.name(),
                "annotations": {
                    "gateway.networking.k8s.io/bundle-version": bundle,
                    "gateway.networking.k8s.io/channel": channel,
                },
            },
            "spec": {
                "group": self.group,
                "names": {"kind": self.kind, "plural": self.plural},
                "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
                "versions": versions
                    .map(|(i, name)| json!({"name": name, "served": true, "storage": i == 0}))
                    .collect::<Vec<_>>(),
            },
        })
    }
}

/// All of them.
pub(super) fn all() -> &'static [Resource] {
    &ALL
}

/// By group and kind.
pub(super) fn of(group: &str, kind: &str) -> Option<&'static Resource> {
    ALL.iter().find(|own| own.group == group && own.kind == kind)
}

/// By kind alone.
pub(super) fn of_kind(kind: &str) -> Option<&'static Resource> {
    ALL.iter().find(|own| own.kind == kind)
}

/// By `plural.group`.
pub(super) fn named(name: &str) -> Option<&'static Resource> {
    ALL.iter().find(|own| own.name() == name)
}

/// By group, version and plural, as a URL names it.
pub(super) fn at(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    ALL.iter()
        .find(|own| own.group == group && own.plural == plural && own.versions.contains(&version))
}

/// The kind of CRDs.
pub(super) fn definitions() -> Option<&'static Resource> {
    of_kind(DEFINITION)
}
