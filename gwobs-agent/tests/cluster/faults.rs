//! With faults: nothing is missed, and nothing is judged while it is not known.

use anyhow::Result;
use serde_json::json;
use std::time::Duration;
use xtask::testbed::api::{Break, Fault, Verb};

use crate::{World, eventually, route, shop};

/// Breaks watches, changes a route behind the watcher's back, and waits until it is told.
fn survives(breaks: impl Fn(&World)) -> Result<()> {
    let api = shop()?;
    api.apply(route("a", "/", "cart"))?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    breaks(&world);
    world.api.apply(route("a", "/", "catalog"))?;
    world.until_backend("/", "catalog")?;
    world.until_in_step()?;
    world.api.apply(route("a", "/", "cart"))?;
    world.until_backend("/", "cart")
}

#[test]
fn a_watch_that_expires_is_listed_again() -> Result<()> {
    survives(|world| world.api.break_watches("httproutes", Break::Expire))
}

#[test]
fn a_watch_that_ends_early_goes_on() -> Result<()> {
    survives(|world| world.api.break_watches("httproutes", Break::End))
}

#[test]
fn a_watch_that_is_cut_goes_on() -> Result<()> {
    survives(|world| world.api.break_watches("httproutes", Break::Cut))
}

#[test]
fn a_watch_from_a_forgotten_version_is_listed_again() -> Result<()> {
    survives(|world| {
        world.api.fail("httproutes", Verb::Watch, Fault::HangUp, 1);
        world.api.break_watches("httproutes", Break::Cut);
        std::thread::sleep(Duration::from_millis(100));
        world.api.forget_history();
    })
}

#[test]
fn too_many_requests_are_made_again_later() -> Result<()> {
    survives(|world| {
        world
            .api
            .fail("httproutes", Verb::Watch, Fault::Refuse(429, Some(1)), 2);
        world.api.break_watches("httproutes", Break::End);
    })
}

#[test]
fn server_errors_are_survived() -> Result<()> {
    survives(|world| {
        world.api.fail("httproutes", Verb::Watch, Fault::Refuse(503, None), 1);
        world.api.fail("httproutes", Verb::List, Fault::Refuse(500, None), 1);
        world.api.break_watches("httproutes", Break::Expire);
    })
}

/// While the server does not answer, what it holds is not known.
#[test]
fn an_outage_puts_decisions_in_flux() -> Result<()> {
    let mut world = World::watch(shop()?)?;
    world.until_in_step()?;
    world.api.set_down(true);
    world.until("the loss", |world| !world.in_step)?;
    world.api.set_down(false);
    world.api.apply(route("a", "/", "cart"))?;
    world.until_in_step()?;
    world.until_backend("/", "cart")
}

#[test]
fn slow_and_refused_first_lists_keep_the_index_incomplete() -> Result<()> {
    let api = shop()?;
    api.apply(route("a", "/", "cart"))?;
    api.fail("httproutes", Verb::List, Fault::Refuse(429, None), 1);
    api.fail("services", Verb::List, Fault::Late(Duration::from_millis(700)), 1);
    let mut world = World::watch(api)?;
    world.until("the first specs", |world| world.snapshot.is_some())?;
    assert_eq!(world.backend("/").as_deref(), Some("cart"), "they are complete");
    Ok(())
}

/// One object that fits no type must not spoil the list that it stands in, nor the watch.
#[test]
fn malformed_objects_are_skipped() -> Result<()> {
    let api = shop()?;
    let odd = |name: &str| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": "shop", "labels": 7}, "spec": {"rules": "none"},
        })
    };
    api.apply_raw(odd("odd"))?;
    api.apply(route("a", "/", "cart"))?;
    let mut world = World::watch(api)?;
    world.until_in_step()?;
    assert_eq!(world.backend("/").as_deref(), Some("cart"));
    world.api.apply_raw(odd("odder"))?;
    world.api.apply(route("b", "/b", "catalog"))?;
    world.until_backend("/b", "catalog")
}

/// The state `ESTABLISHED` and the timer of keepalive in `/proc/net/tcp` (proc_net_tcp.txt of the kernel's documentation).
const ESTABLISHED: &str = "01";
const KEEPALIVE: &str = "02";

/// A node that dies says nothing: connections to the API server must ask now and then whether it is still there.
#[test]
fn connections_notice_when_their_other_end_is_gone() -> Result<()> {
    let mut world = World::watch(shop()?)?;
    world.until_in_step()?;
    let server = format!("0100007F:{:04X}", world.api.address().port());
    let timers = || -> Vec<String> {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let to_server = rows.filter(|row| row.get(2) == Some(&&*server) && row.get(3) == Some(&ESTABLISHED));
        to_server
            .filter_map(|row| Some(row.get(5)?.split(':').next()?.to_owned()))
            .collect()
    };
    // A watch that is being answered just now has no timer at that moment.
    eventually("all connections ask", || {
        let timers = timers();
        timers.len() > 3 && timers.iter().all(|timer| timer == KEEPALIVE)
    })
}
