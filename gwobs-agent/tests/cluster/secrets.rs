//! Secrets: only those that are named.

use anyhow::Result;
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

#[test]
fn only_named_secrets_are_asked_for() -> Result<()> {
    let api = shop()?;
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
