//! The kinds that are watched, and the versions of them that are understood.

/// A kind as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WatchedKind {
    /// API group; empty for the core group.
    pub(crate) group: &'static str,
    /// Name in URLs.
    pub(crate) plural: &'static str,
    /// Kind.
    pub(crate) kind: &'static str,
    /// Versions that are understood, the best one first.
    pub(crate) versions: &'static [&'static str],
}

const GATEWAY: &str = "gateway.networking.k8s.io";

const fn gateway(plural: &'static str, kind: &'static str, versions: &'static [&'static str]) -> WatchedKind {
    WatchedKind {
        group: GATEWAY,
        plural,
        kind,
        versions,
    }
}

const fn core(plural: &'static str, kind: &'static str) -> WatchedKind {
    WatchedKind {
        group: "",
        plural,
        kind,
        versions: &["v1"],
    }
}

/// Pods, of one node only.
pub(super) const POD: WatchedKind = core("pods", "Pod");
/// Secrets, each by its name.
pub(super) const SECRET: WatchedKind = core("secrets", "Secret");
/// ConfigMaps, each by its name.
pub(super) const CONFIG_MAP: WatchedKind = core("configmaps", "ConfigMap");
/// CRDs, their metadata only.
pub(super) const DEFINITION: WatchedKind = WatchedKind {
    group: "apiextensions.k8s.io",
    plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    versions: &["v1"],
};

/// Kinds of Kubernetes itself: always served.
pub(super) const BUILT_IN: [WatchedKind; 3] = [
    core("namespaces", "Namespace"),
    core("services", "Service"),
    WatchedKind {
        group: "discovery.k8s.io",
        plural: "endpointslices",
        kind: "EndpointSlice",
        versions: &["v1"],
    },
];

/// Kinds of CRDs: served if they are installed.
pub(super) const CUSTOM: [WatchedKind; 12] = [
    gateway("gatewayclasses", "GatewayClass", &["v1", "v1beta1"]),
    gateway("gateways", "Gateway", &["v1", "v1beta1"]),
    gateway("httproutes", "HTTPRoute", &["v1", "v1beta1"]),
    gateway("grpcroutes", "GRPCRoute", &["v1", "v1alpha2"]),
    gateway("tlsroutes", "TLSRoute", &["v1", "v1alpha3", "v1alpha2"]),
    gateway("tcproutes", "TCPRoute", &["v1", "v1alpha2"]),
    gateway("udproutes", "UDPRoute", &["v1", "v1alpha2"]),
    gateway("listenersets", "ListenerSet", &["v1"]),
    gateway("referencegrants", "ReferenceGrant", &["v1", "v1beta1", "v1alpha2"]),
    gateway("backendtlspolicies", "BackendTLSPolicy", &["v1", "v1alpha3"]),
    WatchedKind {
        group: "gateway.networking.x-k8s.io",
        plural: "xlistenersets",
        kind: "XListenerSet",
        versions: &["v1alpha1"],
    },
    WatchedKind {
        group: "multicluster.x-k8s.io",
        plural: "serviceimports",
        kind: "ServiceImport",
        versions: &["v1", "v1beta1", "v1alpha1"],
    },
];

impl WatchedKind {
    /// True if it is this kind of the model.
    pub(super) fn is(&self, kind: gwobs_route::model::Kind) -> bool {
        (self.group, self.kind) == (kind.group(), kind.as_str())
    }

    /// True if a CRD of this name (`plural.group`) can bring or take away one of [`CUSTOM`].
    pub(super) fn is_named(name: &str) -> bool {
        name.split_once('.')
            .is_some_and(|(_, group)| CUSTOM.iter().any(|kind| kind.group == group))
    }
}
