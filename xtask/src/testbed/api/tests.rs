//! What the server promises to its clients.

use super::{Api, Break, Fault, Verb};
use crate::testbed::http::{Connection, Framing, Head};
use anyhow::Result;
use serde_json::{Value, json};
use std::time::Duration;

const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/httproutes";

fn route(name: &str, path: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"parentRefs": [{"name": "web"}], "rules": [{"matches": [{"path": {"value": path}}]}]},
    })
}

fn ask(api: &Api, method: &str, target: &str, body: &str) -> Result<(Head, Connection)> {
    let mut connection = Connection::open(api.address())?;
    let length = body.len();
    connection.write(
        format!("{method} {target} HTTP/1.1\r\nhost: api\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes(),
    )?;
    Ok((connection.read_head()?, connection))
}

fn get(api: &Api, target: &str) -> Result<(u16, Value)> {
    send(api, "GET", target, "")
}

fn send(api: &Api, method: &str, target: &str, body: &str) -> Result<(u16, Value)> {
    let (head, mut connection) = ask(api, method, target, body)?;
    let body = connection.read_body(Framing::of_response(&head, method))?;
    Ok((head.start[1].parse()?, serde_json::from_slice(&body)?))
}

/// The events of a watch that ends.
fn watch(api: &Api, query: &str) -> Result<Vec<Value>> {
    let (head, mut connection) = ask(api, "GET", &format!("{ROUTES}?watch=true&{query}"), "")?;
    let body = connection.read_body(Framing::of_response(&head, "GET"))?;
    let lines = String::from_utf8(body)?;
    Ok(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event.get("type")?.as_str()).collect()
}

#[test]
fn kinds_are_there_when_their_crds_are() -> Result<()> {
    let api = Api::start()?;
    assert_eq!(get(&api, ROUTES)?.0, 404);
    api.install("httproutes.gateway.networking.k8s.io", "v1.4.0", "standard")?;
    assert_eq!(get(&api, ROUTES)?.0, 200);
    let (_, group) = get(&api, "/apis/gateway.networking.k8s.io")?;
    assert_eq!(group.pointer("/versions/1/version"), Some(&json!("v1beta1")));
    Ok(())
}

#[test]
fn lists_come_in_pages_with_defaults() -> Result<()> {
    let api = Api::with_gateway_api()?;
    for name in ["a", "b", "c"] {
        api.apply(route(name, "/"))?;
    }
    let (_, page) = get(&api, &format!("{ROUTES}?&limit=2"))?;
    assert_eq!(page.pointer("/items/1/metadata/name"), Some(&json!("b")));
    assert_eq!(page.pointer("/items/0/spec/parentRefs/0/kind"), Some(&json!("Gateway")));
    let next = page
        .pointer("/metadata/continue")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (_, page) = get(&api, &format!("{ROUTES}?limit=2&continue={next}"))?;
    assert_eq!(page.pointer("/items/0/metadata/name"), Some(&json!("c")));
    assert_eq!(page.pointer("/metadata/continue"), Some(&json!("")));
    Ok(())
}

#[test]
fn a_watch_tells_what_came_after_its_version() -> Result<()> {
    let api = Api::with_gateway_api()?;
    api.apply(route("a", "/"))?;
    let (_, list) = get(&api, ROUTES)?;
    let version = list
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    api.apply(route("a", "/x"))?;
    api.apply(route("a", "/x"))?;
    api.delete("HTTPRoute", "shop", "a")?;
    let events = watch(&api, &format!("timeoutSeconds=0&resourceVersion={version}"))?;
    assert_eq!(kinds(&events), ["MODIFIED", "DELETED"]);
    Ok(())
}

#[test]
fn initial_events_end_with_a_bookmark() -> Result<()> {
    let api = Api::with_gateway_api()?;
    api.apply(route("a", "/"))?;
    let events = watch(&api, "timeoutSeconds=0&allowWatchBookmarks=true&sendInitialEvents=true")?;
    assert_eq!(kinds(&events), ["ADDED", "BOOKMARK"]);
    let end = events[1].pointer("/object/metadata/annotations/k8s.io~1initial-events-end");
    assert_eq!(end, Some(&json!("true")));
    Ok(())
}

#[test]
fn forgotten_history_expires_a_watch() -> Result<()> {
    let api = Api::with_gateway_api()?;
    api.apply(route("a", "/"))?;
    api.forget_history();
    let events = watch(&api, "resourceVersion=1000")?;
    assert_eq!(kinds(&events), ["ERROR"]);
    assert_eq!(events[0].pointer("/object/code"), Some(&json!(410)));
    Ok(())
}

#[test]
fn a_status_write_needs_the_newest_version_and_keeps_the_generation() -> Result<()> {
    let api = Api::with_gateway_api()?;
    api.apply(route("a", "/"))?;
    let target = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/a";
    let (_, mut object) = get(&api, target)?;
    object["status"] = json!({"parents": []});
    let status = format!("{target}/status");
    let (code, written) = send(&api, "PUT", &status, &object.to_string())?;
    assert_eq!((code, written.pointer("/metadata/generation")), (200, Some(&json!(1))));
    let (same, _) = send(&api, "PUT", &status, &written.to_string())?;
    let (stale, _) = send(&api, "PUT", &status, &object.to_string())?;
    assert_eq!((same, stale), (200, 409));
    let changed = route("a", "/other");
    api.apply(changed)?;
    let now = api.get("HTTPRoute", "shop", "a").unwrap_or_default();
    assert_eq!(now.pointer("/metadata/generation"), Some(&json!(2)));
    assert_eq!(now.pointer("/status/parents"), Some(&json!([])));
    Ok(())
}

#[test]
fn faults_come_as_often_as_planned() -> Result<()> {
    let api = Api::with_gateway_api()?;
    api.fail("httproutes", Verb::List, Fault::Refuse(429, Some(1)), 1);
    let (head, _) = ask(&api, "GET", ROUTES, "")?;
    assert_eq!((head.start[1].as_str(), head.header("retry-after")), ("429", Some("1")));
    assert_eq!(get(&api, ROUTES)?.0, 200);
    let watching = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&api, "resourceVersion=1010"));
        std::thread::sleep(Duration::from_millis(100));
        api.break_watches("httproutes", Break::Expire);
        watching.join()
    });
    let events = watching.map_err(|_| anyhow::anyhow!("the watch panicked"))??;
    assert_eq!(kinds(&events), ["ERROR"]);
    Ok(())
}

#[test]
fn selectors_choose() -> Result<()> {
    let api = Api::start()?;
    for (name, node) in [("a", "one"), ("b", "two")] {
        api.apply(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}}, "spec": {"nodeName": node},
        }))?;
    }
    let (_, list) = get(&api, "/api/v1/pods?fieldSelector=spec.nodeName%3Dtwo")?;
    assert_eq!(list.pointer("/items/0/metadata/name"), Some(&json!("b")));
    let (_, list) = get(&api, "/api/v1/pods?labelSelector=app%21%3Db")?;
    assert_eq!(list.pointer("/items/0/metadata/name"), Some(&json!("a")));
    assert_eq!(list.pointer("/items/1"), None);
    Ok(())
}

#[test]
fn merge_patches_change_what_they_name() -> Result<()> {
    let api = Api::start()?;
    let events = "/apis/events.k8s.io/v1/namespaces/shop/events";
    let event = json!({"metadata": {"name": "e", "namespace": "shop"}, "note": "n", "reason": "r"});
    assert_eq!(send(&api, "POST", events, &event.to_string())?.0, 201);
    let patch = json!({"series": {"count": 2}, "reason": null});
    let (code, patched) = send(&api, "PATCH", &format!("{events}/e"), &patch.to_string())?;
    assert_eq!(
        (code, &patched["series"]["count"], &patched["note"]),
        (200, &json!(2), &json!("n"))
    );
    assert_eq!(patched.get("reason"), None);
    assert_eq!(api.all("Event").len(), 1);
    assert_eq!(send(&api, "PATCH", &format!("{events}/other"), "{}")?.0, 404);
    Ok(())
}

#[test]
fn what_is_forbidden_is_refused_and_reviews_say_so() -> Result<()> {
    let api = Api::start()?;
    api.forbid(&["list"], "", "secrets");
    assert_eq!(get(&api, "/api/v1/secrets")?.0, 403);
    let allowed = |verb: &str| -> Result<bool> {
        let target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let review = json!({"spec": {"resourceAttributes": {"verb": verb, "group": "", "resource": "secrets"}}});
        let (code, answer) = send(&api, "POST", target, &review.to_string())?;
        assert_eq!(code, 201);
        Ok(answer["status"]["allowed"] == json!(true))
    };
    assert!(!allowed("list")? && allowed("watch")?);
    api.allow(&["list"], "", "secrets");
    assert_eq!(get(&api, "/api/v1/secrets")?.0, 200);
    Ok(())
}
