//! The server over HTTP: one thread a connection.

use super::super::http::{Connection, Framing};
use super::fault::{Fault, Faults, Verb};
use super::query::{self, Place, Query, Target};
use super::rights::Rights;
use super::status::failure;
use super::store::{Key, Refused, Store};
use super::{defaults, resource};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

mod forward;
mod watch;

/// What the threads share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Something in the state changed.
    pub(super) changed: Condvar,
    pub(super) stopped: AtomicBool,
}

/// What changes.
#[derive(Default)]
pub(super) struct State {
    pub(super) store: Store,
    pub(super) faults: Faults,
    pub(super) rights: Rights,
    /// Where the server of a pod (`namespace/name`) really listens.
    pub(super) forwards: HashMap<String, SocketAddr>,
    /// The targets of all requests so far.
    pub(super) requests: Vec<String>,
}

/// An answer.
enum Answer {
    Json(u16, Value),
    /// A watch, which writes for itself.
    Watch(Place, Query),
    /// A WebSocket that leads to a port of a pod.
    Forward(u16, SocketAddr),
    /// None at all.
    HangUp,
}

/// Accepts connections until it is stopped.
pub(super) fn start(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    std::thread::Builder::new()
        .name("api".to_owned())
        .spawn(move || accept(&listener, &shared))
        .map(drop)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::Relaxed) {
            return;
        }
        let (Ok(stream), shared) = (stream, Arc::clone(shared)) else {
            continue;
        };
        // A client that hangs up, or a thread that cannot be had, ends this connection and nothing else.
        let _ = std::thread::Builder::new().spawn(move || drop(serve(stream, &shared)));
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut connection = Connection::over(stream)?;
    while let Some(head) = connection.next_head()? {
        let body = connection.read_body(Framing::of_request(&head))?;
        let [method, target, _] = &head.start;
        if shared.stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        match shared.answer(method, target, &body) {
            Answer::Json(code, value) => connection.write(&message(code, &value))?,
            Answer::Watch(place, query) => {
                let client = head.header("user-agent").unwrap_or_default();
                if !watch::serve(&mut connection, shared, &place, &query, client)? {
                    return Ok(());
                }
            }
            Answer::Forward(port, to) => return forward::serve(connection, &head, port, to),
            Answer::HangUp => return Ok(()),
        }
    }
    Ok(())
}

fn message(code: u16, value: &Value) -> Vec<u8> {
    let body = value.to_string();
    let retry = value.pointer("/details/retryAfterSeconds").and_then(Value::as_u64);
    let retry = retry.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
    let length = body.len() + 1;
    format!("HTTP/1.1 {code} Api\r\ncontent-type: application/json\r\n{retry}content-length: {length}\r\n\r\n{body}\n")
        .into_bytes()
}

impl Shared {
    fn answer(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.lock().requests.push(target.to_owned());
        if self.lock().faults.down {
            return Answer::HangUp;
        }
        let (target, query) = query::parse(target);
        let not_found = || {
            Answer::Json(
                404,
                failure(404, "the server could not find the requested resource", None),
            )
        };
        if let Some(denied) = self.denied(method, target.as_ref(), &query) {
            return denied;
        }
        match (method, target) {
            ("POST", Some(Target::Review)) => self.review(body),
            ("PATCH", Some(Target::Object(place, name, None))) if self.serves(&place) => {
                self.patch(&place, &name, body)
            }
            ("GET", Some(Target::Group(group))) => self.group(&group).map_or_else(not_found, ok),
            ("GET", Some(Target::Version(group, version))) => self.version(&group, &version).map_or_else(not_found, ok),
            ("GET", Some(Target::Collection(place))) if self.serves(&place) => self.collection(place, query),
            ("POST", Some(Target::Collection(place))) if self.serves(&place) => self.create(&place, body),
            ("GET", Some(Target::Object(place, name, None))) if self.serves(&place) => {
                let state = self.lock();
                state.store.get(&place.key(&name)).cloned().map_or_else(not_found, ok)
            }
            ("GET", Some(Target::Object(place, name, Some(part)))) if part == "portforward" => {
                self.forward(&place, &name, &query).unwrap_or_else(not_found)
            }
            ("PUT", Some(Target::Object(place, name, Some(part)))) if part == "status" && self.serves(&place) => {
                self.put_status(&place, &name, body)
            }
            _ => not_found(),
        }
    }

    /// The answer to a request that nobody may make.
    fn denied(&self, method: &str, target: Option<&Target>, query: &Query) -> Option<Answer> {
        let (place, verb) = match (method, target?) {
            ("GET", Target::Collection(place)) if query.is_set("watch") => (place, "watch"),
            ("GET", Target::Collection(place)) => (place, "list"),
            ("POST", Target::Collection(place)) => (place, "create"),
            ("GET", Target::Object(place, ..)) => (place, "get"),
            ("PUT", Target::Object(place, ..)) => (place, "update"),
            ("PATCH", Target::Object(place, ..)) => (place, "patch"),
            _ => return None,
        };
        let (group, plural) = (place.resource.group, place.resource.plural);
        let permitted = self.lock().rights.permits(verb, group, plural);
        let message = || format!("{plural}.{group} is forbidden: the user cannot {verb} it");
        (!permitted).then(|| Answer::Json(403, failure(403, &message(), None)))
    }

    fn review(&self, body: &[u8]) -> Answer {
        match serde_json::from_slice(body) {
            Ok(review) => Answer::Json(201, self.lock().rights.review(review)),
            Err(_) => Answer::Json(400, failure(400, "not JSON", None)),
        }
    }

    fn forward(&self, place: &Place, name: &str, query: &Query) -> Option<Answer> {
        let pod = format!("{}/{name}", place.namespace.as_deref()?);
        let to = self.lock().forwards.get(&pod).copied()?;
        Some(Answer::Forward(u16::try_from(query.number("ports")?).ok()?, to))
    }

    fn serves(&self, place: &Place) -> bool {
        self.lock().store.serves_version(place.resource, &place.version)
    }

    /// Applies a planned fault; `Some` if that is the answer.
    fn fault(&self, place: &Place, verb: Verb) -> Option<Answer> {
        let fault = self.lock().faults.take(place.resource.plural, verb)?;
        match fault {
            Fault::Refuse(code, retry) => Some(Answer::Json(code, failure(code, "as the test wants it", retry))),
            Fault::HangUp => Some(Answer::HangUp),
            Fault::Late(by) => {
                std::thread::sleep(by);
                None
            }
        }
    }

    fn collection(&self, place: Place, query: Query) -> Answer {
        if query.is_set("watch") {
            return self.fault(&place, Verb::Watch).unwrap_or(Answer::Watch(place, query));
        }
        self.fault(&place, Verb::List)
            .unwrap_or_else(|| ok(self.list(&place, &query)))
    }

    /// One page; the continue token is the number of objects that came before.
    fn list(&self, place: &Place, query: &Query) -> Value {
        let state = self.lock();
        let matching: Vec<&Value> = place.matching(&state.store, query).collect();
        let from = query
            .number("continue")
            .and_then(|from| usize::try_from(from).ok())
            .unwrap_or(0);
        let limit = query
            .number("limit")
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX);
        let page = matching.iter().skip(from).take(limit);
        let page: Vec<Value> = page.map(|object| place.as_version((*object).clone())).collect();
        let left = matching.len().saturating_sub(from.saturating_add(page.len()));
        let next = if left > 0 {
            (from + page.len()).to_string()
        } else {
            String::new()
        };
        json!({
            "apiVersion": place.resource.api_version(&place.version),
            "kind": format!("{}List", place.resource.kind),
            "metadata": {"resourceVersion": state.store.version().to_string(), "continue": next},
            "items": page,
        })
    }

    fn create(&self, place: &Place, body: &[u8]) -> Answer {
        let Ok(mut object) = serde_json::from_slice::<Value>(body) else {
            return Answer::Json(400, failure(400, "not JSON", None));
        };
        let given = object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let mut state = self.lock();
        let name = given.unwrap_or_else(|| {
            let prefix = object
                .pointer("/metadata/generateName")
                .and_then(Value::as_str)
                .unwrap_or_default();
            format!("{prefix}{}", state.store.version())
        });
        if let Some(metadata) = object.get_mut("metadata") {
            super::super::object::set(metadata, "name", json!(name));
        }
        defaults::fill(place.resource.kind, &mut object);
        let stored = state.store.put(place.key(&name), object, false);
        drop(state);
        self.changed.notify_all();
        Answer::Json(201, stored)
    }

    /// A merge patch (RFC 7386).
    fn patch(&self, place: &Place, name: &str, body: &[u8]) -> Answer {
        let Ok(patch) = serde_json::from_slice::<Value>(body) else {
            return Answer::Json(400, failure(400, "not JSON", None));
        };
        let mut state = self.lock();
        let Some(mut object) = state.store.get(&place.key(name)).cloned() else {
            return Answer::Json(404, failure(404, "not found", None));
        };
        super::super::object::merge(&mut object, &patch);
        let stored = state.store.put(place.key(name), object, false);
        drop(state);
        self.changed.notify_all();
        ok(place.as_version(stored))
    }

    fn put_status(&self, place: &Place, name: &str, body: &[u8]) -> Answer {
        if let Some(answer) = self.fault(place, Verb::Status) {
            return answer;
        }
        let Ok(object) = serde_json::from_slice::<Value>(body) else {
            return Answer::Json(400, failure(400, "not JSON", None));
        };
        let written = self.lock().store.put_status(&place.key(name), &object);
        self.changed.notify_all();
        match written {
            Ok(object) => ok(place.as_version(object)),
            Err(Refused::NotFound) => Answer::Json(404, failure(404, "not found", None)),
            Err(Refused::Conflict) => Answer::Json(409, failure(409, "the object has been modified", None)),
        }
    }

    fn group(&self, group: &str) -> Option<Value> {
        let state = self.lock();
        let of_group = || resource::all().iter().filter(|own| own.group == group);
        let mut versions: Vec<&str> = of_group()
            .flat_map(|own| {
                own.versions
                    .iter()
                    .filter(|version| state.store.serves_version(own, version))
            })
            .copied()
            .collect();
        versions.sort_unstable();
        versions.dedup();
        let entry = |version: &&str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
        let versions: Vec<Value> = versions.iter().map(entry).collect();
        let preferred = versions.first()?.clone();
        Some(json!({
            "apiVersion": "v1", "kind": "APIGroup", "name": group,
            "versions": versions, "preferredVersion": preferred,
        }))
    }

    fn version(&self, group: &str, version: &str) -> Option<Value> {
        let state = self.lock();
        let resources: Vec<Value> = resource::all()
            .iter()
            .filter(|own| own.group == group && state.store.serves_version(own, version))
            .map(|own| {
                json!({
                    "name": own.plural, "singularName": "", "namespaced": own.namespaced, "kind": own.kind,
                    "verbs": ["get", "list", "watch"],
                })
            })
            .collect();
        let group_version = if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        };
        (!resources.is_empty()).then(|| {
            json!({
                "apiVersion": "v1", "kind": "APIResourceList", "groupVersion": group_version,
                "resources": resources,
            })
        })
    }
}

impl Place {
    fn key(&self, name: &str) -> Key {
        Key::new(self.resource, self.namespace.as_deref().unwrap_or_default(), name)
    }

    /// An object in the version that was asked for.
    fn as_version(&self, mut object: Value) -> Value {
        super::super::object::set(
            &mut object,
            "apiVersion",
            json!(self.resource.api_version(&self.version)),
        );
        object
    }

    fn holds(&self, key: &Key) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|namespace| *namespace == key.namespace)
    }

    /// The objects that a query asks for.
    fn select<'a>(&'a self, store: &'a Store, query: &Query) -> impl Iterator<Item = Value> + use<'a> {
        self.matching(store, query)
            .map(|object| self.as_version(object.clone()))
    }

    /// The same as they are stored.
    fn matching<'a>(&'a self, store: &'a Store, query: &Query) -> impl Iterator<Item = &'a Value> + use<'a> {
        let (labels, fields) = query.selectors();
        store
            .of(self.resource)
            .filter(move |(key, object)| self.holds(key) && labels.labels(object) && fields.fields(object))
            .map(|(_, object)| object)
    }
}

fn ok(value: Value) -> Answer {
    Answer::Json(200, value)
}
