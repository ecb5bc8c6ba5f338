//! Any order of the same deltas gives the same objects.

use std::collections::BTreeMap;
use std::fmt::Write;

use gwobs_route::ObjectName;
use gwobs_route::status::predict;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Index, SourceId, Standing};
use crate::specs::Spec;

fn source(plural: &'static str) -> SourceId {
    SourceId { plural, only: None }
}

fn name(name: &str) -> ObjectName {
    ObjectName {
        namespace: "shop".into(),
        name: name.into(),
    }
}

fn gateway(listeners: &[u16]) -> Value {
    let listeners: Vec<Value> = listeners
        .iter()
        .map(|port| json!({"name": format!("p{port}"), "port": port, "protocol": "HTTP"}))
        .collect();
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "web", "namespace": "shop"}, "spec": {"gatewayClassName": "c", "listeners": listeners},
    })
}

fn route(index: u8, backend: u8) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": format!("r{index}"), "namespace": "shop", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"parentRefs": [{"name": "web"}], "rules": [{
            "matches": [{"path": {"value": format!("/{index}")}}],
            "backendRefs": [{"name": format!("s{backend}"), "port": 80}],
        }]},
    })
}

fn service(index: u8, port: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s{index}"), "namespace": "shop"},
        "spec": {"ports": [{"port": port}]},
    })
}

/// What happens to one object of one source.
#[derive(Debug, Clone)]
enum Step {
    Apply(&'static str, Value),
    Delete(&'static str, String),
    Relist(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4u8, 0..3u8).prop_map(|(index, backend)| Step::Apply("httproutes", route(index, backend))),
        (0..3u8, 80..82u16).prop_map(|(index, port)| Step::Apply("services", service(index, port))),
        prop::collection::vec(80..83u16, 1..3).prop_map(|ports| Step::Apply("gateways", gateway(&ports))),
        (0..4u8).prop_map(|index| Step::Delete("httproutes", format!("r{index}"))),
        (0..3u8).prop_map(|index| Step::Delete("services", format!("s{index}"))),
        Just(Step::Delete("gateways", "web".to_owned())),
        prop::sample::select(&["httproutes", "services", "gateways"][..]).prop_map(Step::Relist),
    ]
}

/// A source of truth beside the index: what the API holds.
#[derive(Default)]
struct Truth(BTreeMap<(&'static str, String), Value>);

impl Truth {
    fn items(&self, plural: &'static str) -> Vec<(ObjectName, Spec)> {
        let of_kind = self.0.iter().filter(|((own, _), _)| *own == plural);
        of_kind
            .map(|((_, own), value)| (name(own), Spec::read(value.clone())))
            .collect()
    }
}

const SOURCES: [&str; 3] = ["httproutes", "services", "gateways"];

fn empty() -> Index {
    let mut index = Index::new(None);
    SOURCES.into_iter().for_each(|plural| index.add_source(source(plural)));
    index
}

fn take(index: &mut Index, truth: &mut Truth, step: &Step) {
    match step {
        Step::Apply(plural, value) => {
            let own = value
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            truth.0.insert((plural, own.to_owned()), value.clone());
            index.apply(&source(plural), name(own), Spec::read(value.clone()), 0);
        }
        Step::Delete(plural, own) => {
            truth.0.remove(&(*plural, own.clone()));
            index.delete(&source(plural), &name(own), 0);
        }
        Step::Relist(plural) => index.replace(&source(plural), truth.items(plural), 0),
    }
}

/// All that can be seen of an index.
fn seen(index: &mut Index) -> String {
    let (objects, snapshot) = index.now();
    let mut text = format!("{:#?}", predict(objects, &snapshot));
    for port in 80..83 {
        let at = format!("10.0.0.1:{port}").parse().expect("an address");
        let _ = write!(text, "{:?}", snapshot.backends_at(at));
    }
    let mut routes: Vec<String> = objects.routes().map(|route| format!("{route:?}")).collect();
    let mut services: Vec<String> = objects.services().map(|service| format!("{service:?}")).collect();
    routes.sort();
    services.sort();
    format!("{text}{routes:#?}{services:#?}")
}

proptest! {
    /// However the truth came about, and whether it came as lists or as events, in whatever order of the kinds: the index
    /// is that of the truth listed once.
    #[test]
    fn any_order_of_deltas_gives_the_same_snapshot(steps in prop::collection::vec(step(), 0..40), turn in 0..6usize) {
        let (mut index, mut truth) = (empty(), Truth::default());
        steps.iter().for_each(|step| take(&mut index, &mut truth, step));
        let mut fresh = empty();
        let mut order = SOURCES;
        order.rotate_left(turn % 3);
        if turn >= 3 {
            order.swap(0, 1);
        }
        for plural in order {
            fresh.replace(&source(plural), truth.items(plural), 0);
        }
        prop_assert_eq!(seen(&mut index), seen(&mut fresh));
    }

    /// What the index does not tell as changed has not changed.
    #[test]
    fn no_change_is_kept_back(steps in prop::collection::vec(step(), 0..40)) {
        let (mut index, mut truth) = (empty(), Truth::default());
        let mut before = seen(&mut index);
        index.changed();
        for step in &steps {
            take(&mut index, &mut truth, step);
            let after = seen(&mut index);
            prop_assert!(index.changed().is_some() || before == after, "{step:?}");
            before = after;
        }
    }
}

#[test]
fn a_status_alone_is_no_change_and_still_taken() {
    let mut index = empty();
    let routes = source("httproutes");
    index.replace(&routes, vec![(name("r1"), Spec::read(route(1, 1)))], 0);
    assert!(index.changed().is_some());
    let mut with_status = route(1, 1);
    with_status["status"] =
        json!({"parents": [{"parentRef": {"name": "web"}, "controllerName": "c", "conditions": []}]});
    with_status["metadata"]["generation"] = json!(2);
    index.touched();
    index.apply(&routes, name("r1"), Spec::read(with_status), 0);
    assert!(index.changed().is_none());
    assert!(index.touched());
    assert!(index.objects().routes().all(|route| route.meta.status.is_some()));
}

#[test]
fn the_standing_is_that_of_the_worst_source() {
    let mut index = empty();
    assert_eq!(index.standing(), Standing::Incomplete);
    for plural in SOURCES {
        index.replace(&source(plural), Vec::new(), 0);
    }
    assert_eq!(index.standing(), Standing::InStep);
    index.lose(&source("services"), 7);
    index.lose(&source("services"), 9);
    index.lose(&source("gateways"), 8);
    assert_eq!(index.standing(), Standing::LostSince(7));
    index.regain(&source("services"));
    assert_eq!(index.standing(), Standing::LostSince(8));
    index.replace(&source("gateways"), Vec::new(), 0);
    assert_eq!(index.standing(), Standing::InStep);
    index.unreadable(&source("httproutes"), "not permitted".to_owned(), 0);
    assert_eq!(
        index.standing(),
        Standing::InStep,
        "what we may not read is assumed to be fine, and named"
    );
    assert_eq!(index.unreadable_sources().count(), 1);
    index.add_source(source("tcproutes"));
    assert_eq!(index.standing(), Standing::Incomplete);
}

/// Whoever may not read a certificate must not call its listener invalid.
#[test]
fn what_may_not_be_read_by_name_is_assumed_to_be_fine() {
    let mut index = empty();
    let certificate = SourceId {
        plural: "secrets",
        only: Some(name("tls")),
    };
    index.add_source(certificate.clone());
    index.unreadable(&certificate, "not permitted".to_owned(), 0);
    assert!(
        index
            .objects()
            .secrets()
            .all(|secret| secret.has_certificate && secret.has_key)
    );
    assert_eq!(index.objects().secrets().count(), 1);
    index.replace(&certificate, Vec::new(), 1);
    assert_eq!(
        index.objects().secrets().count(),
        0,
        "once it can be read, what is there counts"
    );
}

#[test]
fn objects_of_a_source_that_goes_are_gone() {
    let mut index = empty();
    let routes = source("httproutes");
    index.replace(&routes, vec![(name("r1"), Spec::read(route(1, 1)))], 0);
    index.remove_source(&routes, 1);
    assert_eq!(index.objects().routes().count(), 0);
    index.apply(&routes, name("r2"), Spec::read(route(2, 1)), 2);
    assert_eq!(index.objects().routes().count(), 0, "what comes late is not taken");
}

#[test]
fn the_keys_of_secrets_are_never_taken() {
    let secret = Spec::read(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "tls", "namespace": "shop", "annotations": {"a": "hunter2"}},
        "data": {"tls.key": "aHVudGVyMg==", "tls.crt": ""}, "type": "kubernetes.io/tls",
    }));
    let text = format!("{secret:?}");
    assert!(
        text.contains("has_key: true") && !text.contains("hunter2") && !text.contains("aHVudGVyMg"),
        "{text}"
    );
}
