//! Without faults.

use anyhow::Result;
use serde_json::json;

use crate::{World, route, shop};

#[test]
fn what_is_there_is_told_when_it_is_complete_and_then_what_changes() -> Result<()> {
    let api = shop()?;
    api.apply(route("a", "/", "cart"))?;
    let mut world = World::watch(api)?;
    world.until("the first specs", |world| world.snapshot.is_some())?;
    assert_eq!(
        world.backend("/x").as_deref(),
        Some("cart"),
        "the first specs are complete"
    );
    world.until_in_step()?;

    world.api.apply(route("b", "/b", "catalog"))?;
    world.until_backend("/b", "catalog")?;
    world.api.delete("HTTPRoute", "shop", "b")?;
    world.until_backend("/b", "cart")
}

#[test]
fn endpoints_follow() -> Result<()> {
    let api = shop()?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    world.api.apply(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "cart", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
        "endpoints": [{"addresses": ["10.0.0.77"]}], "ports": [{"port": 8080}],
    }))?;
    let at = "10.0.0.77:8080".parse()?;
    world.until("the new endpoint", |world| {
        world
            .snapshot
            .as_ref()
            .is_some_and(|snapshot| !snapshot.backends_at(at).is_empty())
    })
}

/// Controllers write the status of every route at every change: that is no change of the specs.
#[test]
fn a_status_that_is_written_makes_no_new_snapshot() -> Result<()> {
    let api = shop()?;
    api.apply(route("a", "/", "cart"))?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    let before = world.snapshot.clone();
    let mut with_status = world.api.get("HTTPRoute", "shop", "a").unwrap_or_default();
    with_status["status"] = json!({"parents": []});
    world.api.apply_raw(with_status)?;
    world.api.apply(route("b", "/b", "catalog"))?;
    let mut specs = 0;
    while world.backend("/b").as_deref() != Some("catalog") {
        let told = world.generation();
        world.until("other specs", |world| world.generation() != told)?;
        specs += 1;
    }
    assert_eq!(specs, 1, "from {before:?}");
    Ok(())
}

#[test]
fn lists_are_read_to_their_last_page() -> Result<()> {
    let api = shop()?;
    for index in 0..1201 {
        api.apply(route(&format!("r{index:04}"), &format!("/p{index}"), "cart"))?;
    }
    api.apply(route("z", "/last", "catalog"))?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    assert_eq!(world.backend("/last").as_deref(), Some("catalog"));
    assert!(world.api.requests("httproutes?&limit=500&continue=") >= 2);
    Ok(())
}
