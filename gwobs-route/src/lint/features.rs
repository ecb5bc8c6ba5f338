//! Features that objects use and the GatewayClass does not list in `status.supportedFeatures`: the gateway may accept the
//! object and not do what it says.
//!
//! Names of features: `pkg/features` of Gateway API v1.6.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::RouteKind;
use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::world::{View, World};
use crate::lint::{Code, field};
use crate::model::{
    AppProtocol, BackendRef, Filter, Gateway, GatewayClass, Kind, MirrorShare, Redirect, Rewrite, Route, Rule,
    ValidationMode,
};

/// Features with the first field that uses each.
#[derive(Default)]
struct Used(BTreeMap<&'static str, String>);

impl Used {
    fn add(&mut self, used: bool, feature: &'static str, at: impl FnOnce() -> String) {
        if used {
            self.0.entry(feature).or_insert_with(at);
        }
    }
}

/// A feature that an object uses and that the class of a Gateway does not list.
pub(super) struct Missing<'w> {
    pub(super) class: &'w GatewayClass,
    pub(super) gateway: &'w Gateway,
    pub(super) object: ObjectRef,
    pub(super) feature: &'static str,
    /// The first field that uses it.
    pub(super) at: String,
}

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    for missing in missing(world) {
        let (feature, class) = (missing.feature, &missing.class.meta);
        let why = format!(
            "this needs the feature {feature}, which GatewayClass {} does not list: it may be ignored in silence",
            class.name.name
        );
        let mend = "check the controller's documentation and version, or do without the feature";
        out.add(Code::FeatureNotSupported, &missing.object, missing.at, why, mend)
            .with(ObjectRef::new(Kind::Gateway, &missing.gateway.meta))
            .with(ObjectRef::new(Kind::GatewayClass, class));
    }
}

/// All of them.
pub(super) fn missing<'w>(world: &'w World<'_>) -> Vec<Missing<'w>> {
    let mut all = Vec::new();
    for route in world.routes() {
        let used = of_route(world, route);
        let attached = world.gateways_of(route).into_iter();
        let gateways = attached.filter_map(|name| world.gateway(name));
        for gateway in gateways {
            compare(world, gateway, &used, &ObjectRef::route(route), &mut all);
        }
    }
    for gateway in world.gateways() {
        let object = ObjectRef::new(Kind::Gateway, &gateway.meta);
        compare(world, gateway, &of_gateway(gateway), &object, &mut all);
    }
    for set in world.listener_sets() {
        let mut used = Used::default();
        used.add(true, "ListenerSet", || "spec".to_owned());
        let parent = set.parent.resolve(&set.meta.name.namespace);
        let object = ObjectRef::new(set.name().kind(), &set.meta);
        for gateway in world.gateways().filter(|gateway| gateway.meta.name == parent) {
            compare(world, gateway, &used, &object, &mut all);
        }
    }
    all
}

fn compare<'w>(
    world: &'w World<'_>,
    gateway: &'w Gateway,
    used: &Used,
    object: &ObjectRef,
    all: &mut Vec<Missing<'w>>,
) {
    let Some((class, listed)) = world.class(gateway).and_then(|class| Some((class, listed(class)?))) else {
        return;
    };
    let is_listed = |feature: &str| {
        listed.iter().any(|own| **own == *feature)
            || older_name(feature).is_some_and(|old| listed.iter().any(|own| **own == *old))
    };
    let missing = used.0.iter().filter(|(feature, _)| !is_listed(feature));
    all.extend(missing.map(|(feature, at)| Missing {
        class,
        gateway,
        object: object.clone(),
        feature,
        at: at.clone(),
    }));
}

/// A class that lists nothing says nothing.
fn listed(class: &GatewayClass) -> Option<&[Arc<str>]> {
    class
        .supported_features
        .as_deref()
        .filter(|features| !features.is_empty())
}

/// What a feature was called in earlier releases.
fn older_name(feature: &str) -> Option<&'static str> {
    (feature == "GatewayBackendClientCertificate").then_some("GatewayTLSBackendClientCertificate")
}

fn of_gateway(gateway: &Gateway) -> Used {
    let mut used = Used::default();
    let validation = || {
        gateway
            .client_validation_per_port
            .iter()
            .filter_map(|(_, own)| own.as_ref())
            .chain(&gateway.client_validation)
    };
    let at = || "spec.tls.frontend".to_owned();
    used.add(
        validation().next().is_some(),
        "GatewayFrontendClientCertificateValidation",
        at,
    );
    let insecure = validation().any(|own| own.mode == ValidationMode::AllowInsecureFallback);
    used.add(
        insecure,
        "GatewayFrontendClientCertificateValidationInsecureFallback",
        at,
    );
    let client = gateway.backend_client_certificate.is_some();
    used.add(client, "GatewayBackendClientCertificate", || {
        "spec.tls.backend.clientCertificateRef".to_owned()
    });
    used
}

fn of_route(world: &World<'_>, route: &Route) -> Used {
    let mut used = Used::default();
    used.add(true, route.kind.as_str(), || "kind".to_owned());
    let crosses = |backend: &BackendRef| {
        backend.target.resolve(&route.meta.name.namespace).namespace != route.meta.name.namespace
    };
    for (index, rule) in route.rules.iter().enumerate() {
        if let Some(position) = rule.backends.iter().position(crosses) {
            used.add(true, "ReferenceGrant", || field::backend(index, position));
        }
    }
    match route.kind {
        RouteKind::Http => of_http_route(world, route, &mut used),
        RouteKind::Grpc => of_grpc_route(route, &mut used),
        RouteKind::Tls | RouteKind::Tcp | RouteKind::Udp => {}
    }
    used
}

fn of_grpc_route(route: &Route, used: &mut Used) {
    for (index, rule) in route.rules.iter().enumerate() {
        let at = field::rule(index);
        used.add(rule.name.is_some(), "GRPCRouteNamedRouteRule", || format!("{at}.name"));
        let modifies = |filter: &Filter| matches!(filter, Filter::RequestHeaders(_));
        if let Some(position) = rule.filters.iter().position(modifies) {
            used.add(true, "GRPCRouteRequestHeaderModifier", || {
                format!("{at}.filters[{position}]")
            });
        }
    }
}

fn of_http_route(world: &World<'_>, route: &Route, used: &mut Used) {
    for (index, parent) in route.parents.iter().enumerate() {
        used.add(parent.port.is_some(), "HTTPRouteParentRefPort", || {
            format!("{}.port", field::parent(index))
        });
    }
    for (index, rule) in route.rules.iter().enumerate() {
        of_rule(rule, index, used);
        of_backends(world, route, rule, index, used);
    }
}

fn of_rule(rule: &Rule, index: usize, used: &mut Used) {
    let at = field::rule(index);
    used.add(rule.name.is_some(), "HTTPRouteNamedRouteRule", || format!("{at}.name"));
    used.add(rule.timeouts.request_ms.is_some(), "HTTPRouteRequestTimeout", || {
        format!("{at}.timeouts.request")
    });
    let backend = rule.timeouts.backend_request_ms.is_some();
    used.add(backend, "HTTPRouteBackendTimeout", || {
        format!("{at}.timeouts.backendRequest")
    });
    used.add(rule.retry.is_some(), "HTTPRouteRetry", || format!("{at}.retry"));
    for (position, one) in rule.matches.iter().enumerate() {
        let at = field::matched(index, position);
        used.add(one.method.is_some(), "HTTPRouteMethodMatching", || {
            format!("{at}.method")
        });
        used.add(!one.query.is_empty(), "HTTPRouteQueryParamMatching", || {
            format!("{at}.queryParams")
        });
    }
    of_filters(&rule.filters, &at, used);
    let mirrors = rule
        .filters
        .iter()
        .filter(|filter| matches!(filter, Filter::Mirror(_)))
        .count();
    used.add(mirrors > 1, "HTTPRouteRequestMultipleMirrors", || {
        format!("{at}.filters")
    });
}

fn of_filters(filters: &[Filter], at: &str, used: &mut Used) {
    for (position, filter) in filters.iter().enumerate() {
        let at = || format!("{at}.filters[{position}]");
        match filter {
            Filter::ResponseHeaders(_) => used.add(true, "HTTPRouteResponseHeaderModification", at),
            Filter::Redirect(redirect) => of_redirect(redirect, &at(), used),
            Filter::Rewrite(rewrite) => of_rewrite(rewrite, &at(), used),
            Filter::Cors(_) => used.add(true, "HTTPRouteCORS", at),
            Filter::Mirror(mirror) => {
                used.add(true, "HTTPRouteRequestMirror", at);
                used.add(mirror.share != MirrorShare::ALL, "HTTPRouteRequestPercentageMirror", at);
            }
            Filter::RequestHeaders(_) | Filter::ExternalAuth(_) | Filter::Extension(_) | Filter::Unknown(_) => {}
        }
    }
}

fn of_redirect(redirect: &Redirect, at: &str, used: &mut Used) {
    let part = |name: &str| format!("{at}.requestRedirect.{name}");
    used.add(redirect.scheme.is_some(), "HTTPRouteSchemeRedirect", || part("scheme"));
    used.add(redirect.port.is_some(), "HTTPRoutePortRedirect", || part("port"));
    used.add(redirect.path.is_some(), "HTTPRoutePathRedirect", || part("path"));
    used.add(redirect.status == 303, "HTTPRoute303RedirectStatusCode", || {
        part("statusCode")
    });
    used.add(redirect.status == 307, "HTTPRoute307RedirectStatusCode", || {
        part("statusCode")
    });
    used.add(redirect.status == 308, "HTTPRoute308RedirectStatusCode", || {
        part("statusCode")
    });
}

fn of_rewrite(rewrite: &Rewrite, at: &str, used: &mut Used) {
    used.add(rewrite.hostname.is_some(), "HTTPRouteHostRewrite", || {
        format!("{at}.urlRewrite.hostname")
    });
    used.add(rewrite.path.is_some(), "HTTPRoutePathRewrite", || {
        format!("{at}.urlRewrite.path")
    });
}

fn of_backends(world: &World<'_>, route: &Route, rule: &Rule, index: usize, used: &mut Used) {
    for (position, backend) in rule.backends.iter().enumerate() {
        let at = field::backend(index, position);
        for (filter, one) in backend.filters.iter().enumerate() {
            let at = || format!("{at}.filters[{filter}]");
            match one {
                Filter::RequestHeaders(_) => used.add(true, "HTTPRouteBackendRequestHeaderModification", at),
                Filter::Redirect(_) => used.add(true, "HTTPRouteBackendRequestRedirect", at),
                Filter::Rewrite(_) => used.add(true, "HTTPRouteBackendURLRewrite", at),
                _ => {}
            }
        }
        match app_protocol(world, route, backend) {
            Some(AppProtocol::H2c) => used.add(true, "HTTPRouteBackendProtocolH2C", || at),
            Some(AppProtocol::WebSocket) => used.add(true, "HTTPRouteBackendProtocolWebSocket", || at),
            _ => {}
        }
    }
}

fn app_protocol<'a>(world: &World<'a>, route: &Route, backend: &BackendRef) -> Option<&'a AppProtocol> {
    let name = backend.target.resolve(&route.meta.name.namespace);
    let Some(View::Service(service)) = world.find(Kind::Service, name) else {
        return None;
    };
    let port = service.ports.iter().find(|port| Some(port.port) == backend.port)?;
    port.app_protocol.as_ref()
}
