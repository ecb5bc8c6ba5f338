use gwobs_route::model::Object;

use super::{Loaded, load, load_text};
use crate::specs::Concern;

fn loaded(text: &str) -> Loaded {
    load_text("m.yaml", text).expect("YAML")
}

fn told(loaded: &Loaded) -> Vec<String> {
    loaded.findings.iter().map(ToString::to_string).collect()
}

const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}";

#[test]
fn lists_of_all_shapes_are_taken_apart() {
    let list = format!("{{apiVersion: v1, kind: List, items: [{SERVICE}]}}");
    let typed = "{apiVersion: v1, kind: NamespaceList, items: [{metadata: {name: a}}, {metadata: {name: b}}]}";
    let nested = format!("{{apiVersion: v1, kind: List, items: [{list}]}}");
    assert_eq!(loaded(&list).objects.len(), 1);
    assert_eq!(loaded(typed).objects.len(), 2);
    assert_eq!(loaded(&nested).objects.len(), 1);
}

#[test]
fn the_later_of_two_counts() {
    let text = format!("{SERVICE}\n---\n{}\n", SERVICE.replace("80", "81"));
    let loaded = loaded(&text);
    let [Object::Service(service)] = loaded.objects.as_slice() else {
        panic!("{:?}", loaded.objects)
    };
    assert_eq!(service.ports[0].port, 81);
    assert_eq!(
        told(&loaded),
        ["m.yaml:3: Service default/s: stands at m.yaml:1 too; this one counts"]
    );
    assert_eq!(loaded.findings[0].concern, Concern::Duplicate);
}

#[test]
fn what_is_not_used_is_counted() {
    let loaded = loaded(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n---\n\
         {apiVersion: apps/v1, kind: Deployment, metadata: {name: b}}\n---\n\
         {apiVersion: gateway.envoyproxy.io/v1alpha1, kind: SecurityPolicy, metadata: {name: c, namespace: n}}\n---\n\
         {apiVersion: gateway.networking.k8s.io/v9, kind: HTTPRoute, metadata: {name: d}}\n",
    );
    assert_eq!(loaded.irrelevant.get("Deployment"), Some(&2));
    assert_eq!(
        loaded.unknown.keys().map(|kind| &**kind).collect::<Vec<_>>(),
        ["HTTPRoute", "SecurityPolicy"]
    );
    assert_eq!(
        told(&loaded),
        [
            "m.yaml:5: SecurityPolicy n/c: the kind SecurityPolicy of gateway.envoyproxy.io/v1alpha1 is not understood",
            "m.yaml:7: HTTPRoute default/d: the kind HTTPRoute of gateway.networking.k8s.io/v9 is not understood",
        ]
    );
}

#[test]
fn what_is_no_object_is_told() {
    let loaded = loaded("just: text\n---\n- a list\n---\n{kind: Service}\n");
    assert!(loaded.objects.is_empty());
    let lines: Vec<_> = told(&loaded)
        .iter()
        .map(|line| line.split(':').take(2).collect::<Vec<_>>().join(":"))
        .collect();
    assert_eq!(lines, ["m.yaml:1", "m.yaml:3", "m.yaml:5"]);
}

#[test]
fn an_object_that_does_not_fit_is_refused_named_and_kept_in_doubt() {
    let loaded =
        loaded("{apiVersion: v1, kind: Service, metadata: {name: s, namespace: n}, spec: {ports: [{port: x}]}}\n");
    assert_eq!(
        told(&loaded),
        ["m.yaml:1: Service n/s: spec.ports.0.port: expected a whole number, found the text \"x\""]
    );
    assert_eq!(loaded.refused.len(), 1);
    let [Object::Service(service)] = loaded.objects.as_slice() else {
        panic!("{:?}", loaded.objects)
    };
    assert_eq!((&service.ports, service.meta.is_unread()), (&vec![], true));
}

/// A route that is refused may be newer than this program: a decision about its hostnames must not be trusted.
#[test]
fn of_a_refused_route_parents_and_hostnames_are_kept() {
    let loaded = loaded(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\n\
         spec: {parentRefs: [{name: gw}], hostnames: [a.example], rules: {new: shape}}\n",
    );
    let [Object::Route(route)] = loaded.objects.as_slice() else {
        panic!("{:?}", loaded.objects)
    };
    assert_eq!(
        (&*route.parents[0].target.name, &*route.hostnames[0]),
        ("gw", "a.example")
    );
    assert_eq!(route.meta.unknown, ["", "spec.rules", "spec.rules"]);
    assert_eq!(loaded.findings[0].concern, Concern::Misfit);
}

#[test]
fn no_manifest_at_all_is_an_error() {
    let empty = tempfile::tempdir().expect("a directory");
    let error = load(&[empty.path().to_owned()]).expect_err("nothing there").to_string();
    assert!(error.starts_with("no manifests"), "{error}");
}
