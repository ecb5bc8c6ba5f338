//! Kubernetes Events about what is noticed.

use anyhow::Result;
use gwobs_agent::notice::{Notice, Reason};
use gwobs_route::lint::ObjectRef;
use gwobs_route::model::Kind;
use gwobs_route::{ObjectName, RouteKind};
use serde_json::{Value, json};

use crate::{World, eventually, route, shop};

fn world(events: bool) -> Result<World> {
    let api = shop()?;
    api.apply(route("pay", "/pay", "cart"))?;
    let mut world = World::watch_with(api, |settings| settings.events = events)?;
    world.until_backend("/pay", "cart")?;
    Ok(world)
}

fn notice(name: &str) -> Notice {
    Notice {
        reason: Reason::RequestsMisrouted,
        regarding: ObjectRef {
            kind: Kind::Route(RouteKind::Http),
            name: ObjectName {
                namespace: "shop".into(),
                name: name.into(),
            },
        },
        text: "ü".repeat(2000),
    }
}

fn events(world: &World) -> Vec<Value> {
    world.api.all("Event")
}

#[test]
fn a_notice_becomes_an_event_of_its_object() -> Result<()> {
    let world = world(true)?;
    // What is not there any more has no Events.
    for name in ["gone", "pay"] {
        world.feed.notices().try_send(notice(name))?;
    }
    eventually("an Event", || !events(&world).is_empty())?;
    let all = events(&world);
    let [event] = all.as_slice() else { panic!("{all:#?}") };
    let pay = world.api.get("HTTPRoute", "shop", "pay").unwrap_or_default();
    let regarding = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "namespace": "shop", "name": "pay",
        "uid": pay["metadata"]["uid"],
    });
    assert_eq!(event["regarding"], regarding);
    assert_eq!(
        (&event["type"], &event["reason"]),
        (&json!("Warning"), &json!("RequestsMisrouted"))
    );
    assert_eq!(event["reportingInstance"], json!("node-1"));
    let note = event["note"].as_str().unwrap_or_default();
    assert!(note.len() <= 1024 && note.starts_with('ü'), "{}", note.len());

    // The same again makes a series of it.
    world.feed.notices().try_send(notice("pay"))?;
    eventually("a series", || {
        events(&world).iter().any(|event| event["series"]["count"] == json!(2))
    })?;
    assert_eq!(events(&world).len(), 1);
    Ok(())
}

#[test]
fn no_events_where_they_are_not_wanted_or_not_permitted() -> Result<()> {
    let unwanted = world(false)?;
    unwanted.feed.notices().try_send(notice("pay"))?;
    let denied = world(true)?;
    denied.api.forbid(&["create"], "events.k8s.io", "events");
    denied.feed.notices().try_send(notice("pay"))?;
    eventually("one tries", || denied.api.requests("/events") > 0)?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(
        (unwanted.api.requests("/events"), denied.api.requests("/events")),
        (0, 1)
    );
    Ok(())
}
