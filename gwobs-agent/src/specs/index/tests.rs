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

/// Neither the index nor a snapshot of it holds any part of a key, in whatever form.
#[test]
fn an_index_holds_no_keys() {
    let pem = include_str!("../convert/tests/certificate.pem");
    let mut index = empty();
    let certificate = SourceId {
        plural: "secrets",
        only: Some(name("tls")),
    };
    index.add_source(certificate.clone());
    let secret = Spec::read(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "tls", "namespace": "shop"},
        "data": {"tls.key": "aHVudGVyMg==", "password": "aHVudGVyMg=="},
        "stringData": {"tls.crt": pem, "other.key": "hunter2"},
    }));
    index.replace(&certificate, vec![(name("tls"), secret)], 0);
    let secret = index.objects().secrets().next().expect("the Secret");
    assert!(secret.has_key && secret.certificate.is_some());
    let (_, snapshot) = index.now();
    let text = format!("{index:?}{snapshot:?}");
    assert!(text.contains("fingerprint"), "the whole of it is written");
    for key in ["hunter2", "aHVudGVyMg", &format!("{:?}", b"hunter2")] {
        assert!(!text.contains(key.trim_matches(['[', ']'])), "{key}");
    }
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

/// What is named and not to be read is no reason to wait, and none to be called missing.
#[test]
fn what_is_assumed_is_there_until_it_is_read() {
    let mut index = empty();
    SOURCES
        .into_iter()
        .for_each(|plural| index.replace(&source(plural), Vec::new(), 0));
    let certificate = SourceId {
        plural: "secrets",
        only: Some(name("tls")),
    };
    index.assume(&certificate, 0);
    assert_eq!(index.standing(), Standing::InStep);
    assert_eq!(index.unreadable_sources().count(), 0);
    assert!(
        index
            .objects()
            .secrets()
            .all(|secret| secret.has_certificate && secret.has_key)
    );
    index.replace(&certificate, Vec::new(), 1);
    assert_eq!(index.objects().secrets().count(), 0);
}

fn listener_set(version: &str, kind: &str, port: u16) -> Value {
    json!({
        "apiVersion": version, "kind": kind, "metadata": {"name": "more", "namespace": "shop"},
        "spec": {
            "parentRef": {"name": "web"}, "listeners": [{"name": "extra", "port": port, "protocol": "HTTP"}],
        },
    })
}

/// The standard and the experimental kind are two, whatever their names.
#[test]
fn a_listener_set_and_an_experimental_one_of_the_same_name() {
    let (standard, experimental) = (source("listenersets"), source("xlistenersets"));
    let mut index = empty();
    [&standard, &experimental]
        .into_iter()
        .for_each(|own| index.add_source(own.clone()));
    let mut open = gateway(&[80]);
    open["spec"]["allowedListeners"] = json!({"namespaces": {"from": "All"}});
    index.replace(&source("gateways"), vec![(name("web"), Spec::read(open))], 0);
    let set = Spec::read(listener_set("gateway.networking.k8s.io/v1", "ListenerSet", 81));
    index.replace(&standard, vec![(name("more"), set)], 0);
    let other = Spec::read(listener_set("gateway.networking.x-k8s.io/v1alpha1", "XListenerSet", 82));
    index.replace(&experimental, vec![(name("more"), other)], 0);
    let mut to_one = route(1, 1);
    to_one["spec"]["parentRefs"] =
        json!([{"group": "gateway.networking.x-k8s.io", "kind": "XListenerSet", "name": "more"}]);
    index.replace(&source("httproutes"), vec![(name("r1"), Spec::read(to_one))], 0);
    let ports = |index: &mut Index| {
        let (_, snapshot) = index.now();
        let all = snapshot.listeners(&name("web")).expect("listeners");
        let ports: Vec<u16> = all.listeners.iter().map(|merged| merged.listener.port).collect();
        let attached = snapshot.attachments(&name("web")).iter().flat_map(|one| &one.listeners);
        let attached: Vec<u16> = attached.map(|at| ports[at.listener]).collect();
        (ports, attached)
    };
    assert_eq!(ports(&mut index), (vec![80, 81, 82], vec![82]));
    index.delete(&standard, &name("more"), 1);
    assert_eq!(ports(&mut index), (vec![80, 82], vec![82]));
}

/// Endpoints come and go all the time: what does not depend on them is not made anew for them.
#[test]
fn endpoints_change_decisions_and_nothing_else() {
    let mut index = empty();
    let slices = source("endpointslices");
    index.add_source(slices.clone());
    let slice = |address: &str| {
        Spec::read(json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "s1-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "s1"}},
            "endpoints": [{"addresses": [address]}], "ports": [{"port": 80}],
        }))
    };
    index.replace(&slices, vec![(name("s1-x"), slice("10.0.0.1"))], 0);
    index.apply(&slices, name("s1-x"), slice("10.0.0.2"), 1);
    assert!(index.changed().is_some() && !index.touched() && !index.restructured());
    index.apply(&source("httproutes"), name("r1"), Spec::read(route(1, 1)), 2);
    assert!(index.changed().is_some() && index.touched() && index.restructured());
}
