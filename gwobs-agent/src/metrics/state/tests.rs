use std::sync::Arc;

use arc_swap::ArcSwap;
use gwobs_route::model::Object;
use gwobs_route::status::predict;
use gwobs_route::{Objects, lint};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::StateCollector;
use crate::cluster::{Definition, State};
use crate::specs::load_text;

const OBJECTS: &str = r"
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: c}
spec: {controllerName: example.test/c}
status: {supportedFeatures: [{name: Gateway}, {name: HTTPRoute}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop, generation: 3}
spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP}]}
status:
  conditions: [{type: Accepted, status: 'True', reason: Accepted, observedGeneration: 1}]
  listeners: [{name: http, attachedRoutes: 0, supportedKinds: [], conditions: []}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: pay, namespace: shop}
spec:
  parentRefs: [{name: web}]
  rules: [{backendRefs: [{name: pay, namespace: other, port: 80}], matches: [{method: GET}]}]
status:
  parents:
  - parentRef: {name: web}
    controllerName: example.test/c
    conditions: [{type: ResolvedRefs, status: 'True', reason: ResolvedRefs}]
---
apiVersion: v1
kind: Service
metadata: {name: pay, namespace: other}
spec: {ports: [{port: 80}]}
";

fn exported(max: usize) -> String {
    let loaded = load_text("objects.yaml", OBJECTS).expect("objects");
    let all: Vec<Object> = loaded.objects;
    let mut objects = Objects::new(None);
    all.iter().for_each(|object| objects.apply(object.clone(), 0));
    let snapshot = objects.snapshot();
    let gateways = objects
        .gateways()
        .map(|one| (("Gateway", one.meta.name.clone()), one.meta.generation));
    let definition = Definition {
        bundle_version: "v1.4.0".to_owned(),
        channel: "standard".to_owned(),
    };
    let state = State {
        statuses: predict(&objects, &snapshot),
        generations: gateways.collect(),
        survey: lint::survey(&objects, &snapshot),
        definitions: [("gateways.gateway.networking.k8s.io".into(), definition)].into(),
        grant_changes: [("other".into(), [0, 0, 1])].into(),
        refused: [("httproutes", 2)].into(),
        unreadable: ["secrets"].into(),
    };
    let mut registry = Registry::default();
    StateCollector::register(&mut registry, Arc::new(ArcSwap::from_pointee(state)), max);
    let mut text = String::new();
    encode(&mut text, &registry).expect("metrics");
    text
}

#[test]
fn every_fact_is_exported() {
    let text = exported(100);
    let pay = r#"kind="HTTPRoute",namespace="shop",name="pay",parent_namespace="shop",parent="web",section="""#;
    for line in [
        format!(r#"gwobs_object_condition{{{pay},type="ResolvedRefs",status="True",reason="ResolvedRefs"}} 1"#),
        format!(r#"gwobs_object_condition_contradicted{{{pay},type="ResolvedRefs",status="False",reason="RefNotPermitted"}} 1"#),
        r#"gwobs_object_condition_generation_lag{kind="Gateway",namespace="shop",name="web",parent_namespace="",parent="",section="",type="Accepted"} 2"#.to_owned(),
        r#"gwobs_attached_routes{kind="Gateway",namespace="shop",name="web",listener="http",source="expected"} 1"#.to_owned(),
        r#"gwobs_attached_routes{kind="Gateway",namespace="shop",name="web",listener="http",source="status"} 0"#.to_owned(),
        r#"gwobs_cross_namespace_reference{kind="HTTPRoute",namespace="shop",name="pay",to_kind="Service",to_namespace="other",to_name="pay",granted="false"} 1"#.to_owned(),
        r#"gwobs_reference_grant_changes_total{namespace="other",change="deleted"} 1"#.to_owned(),
        r#"gwobs_unsupported_feature{gateway_class="c",kind="HTTPRoute",namespace="shop",name="pay",feature="HTTPRouteMethodMatching"} 1"#.to_owned(),
        r#"gwobs_crd_info{name="gateways.gateway.networking.k8s.io",bundle_version="v1.4.0",channel="standard"} 1"#.to_owned(),
        r#"gwobs_objects_refused{collection="httproutes"} 2"#.to_owned(),
        r#"gwobs_collection_unreadable{collection="secrets"} 1"#.to_owned(),
        "gwobs_statuses_not_exported 0".to_owned(),
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn statuses_have_a_cap_and_those_beyond_are_counted() {
    let text = exported(1);
    assert!(text.contains("gwobs_statuses_not_exported 2"), "{text}");
    assert!(!text.contains("gwobs_object_condition{kind=\"HTTPRoute\""), "{text}");
}
