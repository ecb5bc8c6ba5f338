//! Secrets: only those that are named.

use anyhow::Result;
use gwobs_agent::cluster::State;
use gwobs_route::ObjectName;
use serde_json::{Value, json};

use crate::{World, eventually, gateway, shop};

fn secret(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"},
        "type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": "c2VjcmV0"},
    })
}

fn https(secret: &str) -> Value {
    gateway(&json!([{
        "name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": secret}]},
    }]))
}

/// A pod of this node that serves the Gateway.
fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "here", "namespace": "shop", "labels": {"gateway.networking.k8s.io/gateway-name": "web"}},
        "spec": {"nodeName": "node-1", "containers": [{"name": "proxy"}]},
    })
}

#[test]
fn only_named_secrets_are_asked_for() -> Result<()> {
    let api = shop()?;
    api.apply(pod())?;
    api.apply(secret("named"))?;
    api.apply(secret("other"))?;
    api.apply(https("named"))?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    eventually("the named one is watched", || {
        world.api.requests("metadata.name%3Dnamed") > 1
    })?;
    assert_eq!(
        world.api.requests("/secrets"),
        world.api.requests("/namespaces/shop/secrets?")
    );
    assert_eq!(world.api.requests("metadata.name%3Dother"), 0);
    world.api.apply(https("other"))?;
    eventually("the other one is watched", || {
        world.api.requests("metadata.name%3Dother") > 0
    })?;
    let gateway = ObjectName {
        namespace: "shop".into(),
        name: "web".into(),
    };
    world.until("the listener", |world| {
        world
            .snapshot
            .as_ref()
            .is_some_and(|snapshot| snapshot.listeners(&gateway).is_some())
    })
}

/// A Gateway that no pod of this node serves is another agent's business, whose Secrets are not ours to read.
#[test]
fn secrets_of_gateways_elsewhere_are_not_asked_for() -> Result<()> {
    let api = shop()?;
    api.apply(secret("named"))?;
    api.apply(https("named"))?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    assert_eq!(world.api.requests("/secrets"), 0);
    let state = world.feed.state();
    let accepted = |state: &State| {
        let gateway = state
            .statuses
            .iter()
            .find(|one| one.kind == "Gateway" && one.section.is_some());
        let expected = gateway.into_iter().flat_map(|one| &one.expected);
        expected
            .filter(|one| one.kind == "ResolvedRefs")
            .all(|one| one.status_text() == "True")
    };
    eventually("the certificate is assumed to be fine", || accepted(&state.load()))?;
    world.api.apply(pod())?;
    eventually("now it is ours", || world.api.requests("metadata.name%3Dnamed") > 0)?;
    eventually("it holds no certificate", || !accepted(&state.load()))?;
    world.api.delete("Pod", "shop", "here")?;
    eventually("and no longer", || accepted(&state.load()))
}

/// Whoever is told to read no Secrets asks for none.
#[test]
fn secrets_can_be_left_alone() -> Result<()> {
    let api = shop()?;
    api.apply(pod())?;
    api.apply(https("named"))?;
    let mut world = World::watch_with(api, |settings| settings.without_secrets = true)?;
    world.until_in_step()?;
    world.until("a data plane", |world| !world.planes.is_empty())?;
    assert_eq!(world.api.requests("/secrets"), 0);
    Ok(())
}
