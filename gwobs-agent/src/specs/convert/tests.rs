mod defaults;
mod hostile;
mod misfits;
mod secrets;
mod validation;

use gwobs_route::model::{Object, Route, Service};

use crate::specs::load::{Loaded, load_text};

/// An HTTPRoute of one rule, which is given as YAML in flow style.
pub(super) fn http_rule(rule: &str) -> (Route, Vec<String>) {
    route(&format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: r, namespace: n}}, \
         spec: {{parentRefs: [{{name: gw}}], rules: [{rule}]}}}}"
    ))
}

pub(super) fn route(text: &str) -> (Route, Vec<String>) {
    let loaded = loaded(text);
    let told = loaded
        .findings
        .iter()
        .map(|f| format!("{}: {}", f.field, f.message))
        .collect();
    match loaded.objects.into_iter().next() {
        Some(Object::Route(route)) => (route, told),
        other => panic!("{other:?} {told:?}"),
    }
}

pub(super) fn service(spec: &str) -> Service {
    let text = format!("{{apiVersion: v1, kind: Service, metadata: {{name: s}}, spec: {spec}}}");
    match loaded(&text).objects.into_iter().next() {
        Some(Object::Service(service)) => service,
        other => panic!("{other:?}"),
    }
}

pub(super) fn loaded(text: &str) -> Loaded {
    load_text("m.yaml", text).expect("YAML")
}
