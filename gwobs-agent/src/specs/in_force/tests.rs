use std::sync::Arc;

use gwobs_route::ObjectName;

use super::InForce;
use crate::specs::load_text;

const GATEWAY: &str = "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: gw, namespace: infra}, \
                       spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP}]}}\n";

fn name(namespace: &str, name: &str) -> ObjectName {
    ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    }
}

fn take(specs: &mut InForce, text: &str) {
    specs.take(load_text("m.yaml", text).expect("manifests"), 1);
}

#[test]
fn a_gateway_that_is_not_there_is_told_with_those_that_are() {
    let mut specs = InForce::new(None);
    take(&mut specs, GATEWAY);
    assert_eq!(specs.require(&[name("infra", "gw")]), Ok(()));
    let error = specs
        .require(&[name("infra", "gw"), name("infra", "other")])
        .expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "Gateway infra/other is not in the specs; there are: infra/gw"
    );
}

#[test]
fn generations_count_up_with_changes_alone() {
    let mut specs = InForce::new(None);
    take(&mut specs, GATEWAY);
    let first = specs.snapshot().generation();
    take(&mut specs, &format!("# a comment\n{GATEWAY}"));
    assert_eq!(specs.snapshot().generation(), first, "a comment changes nothing");
    take(&mut specs, &format!("{GATEWAY}{}", GATEWAY.replace("gw", "second")));
    let second = Arc::clone(specs.snapshot());
    assert!(second.generation() > first);
    assert_eq!(second.gateways().count(), 2);
    take(&mut specs, &GATEWAY.replace("gw", "second"));
    let third = specs.snapshot();
    assert!(third.generation() > second.generation());
    assert_eq!(
        third.gateways().map(ToString::to_string).collect::<Vec<_>>(),
        ["infra/second"]
    );
    assert_eq!(second.gateways().count(), 2, "an older snapshot stays as it was");
}
