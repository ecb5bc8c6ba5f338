//! CRDs that are absent, come later, or go.

use anyhow::Result;
use serde_json::{Value, json};
use xtask::testbed::api::Api;

use crate::{World, eventually, fill, route};

const ROUTES: &str = "httproutes.gateway.networking.k8s.io";
const GRANTS: &str = "referencegrants.gateway.networking.k8s.io";

fn install(api: &Api, plurals: &[&str]) -> Result<()> {
    plurals
        .iter()
        .try_for_each(|plural| api.install(&format!("{plural}.gateway.networking.k8s.io"), "v1.4.0", "standard"))
}

#[test]
fn without_any_crd_there_are_no_gateways() -> Result<()> {
    let mut world = World::watch(Api::start()?)?;
    world.until_in_step()?;
    let gateways = world.snapshot.as_ref().map(|snapshot| snapshot.gateways().count());
    assert_eq!(gateways, Some(0));
    Ok(())
}

#[test]
fn a_crd_that_comes_later_is_watched() -> Result<()> {
    let api = Api::start()?;
    install(&api, &["gatewayclasses", "gateways"])?;
    fill(&api)?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    assert_eq!(world.backend("/"), None);
    install(&world.api, &["httproutes"])?;
    world.api.apply(route("a", "/", "cart"))?;
    world.until_backend("/", "cart")?;
    world.api.delete("CustomResourceDefinition", "", ROUTES)?;
    world.until("the routes are gone", |world| world.backend("/").is_none())
}

/// Of several served versions the best one that is understood is watched; another when that one goes.
#[test]
fn versions_are_chosen_and_changed() -> Result<()> {
    let api = Api::with_gateway_api()?;
    fill(&api)?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    assert!(world.api.requests("/v1/referencegrants?&watch") > 0);
    let mut definition = world
        .api
        .get("CustomResourceDefinition", "", GRANTS)
        .unwrap_or_default();
    let served = |definition: &Value, wanted: &str| {
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
        versions.is_some_and(|all| all.iter().any(|one| one.get("name") == Some(&json!(wanted))))
    };
    assert!(served(&definition, "v1beta1"));
    if let Some(first) = definition.pointer_mut("/spec/versions/0") {
        first["served"] = json!(false);
    }
    world.api.apply(definition)?;
    eventually("v1beta1 is watched", || {
        world.api.requests("/v1beta1/referencegrants?&watch") > 0
    })
}
