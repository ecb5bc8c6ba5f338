//! Whatever field of whatever object does not fit its type: decisions stay as they were, or are in doubt.

use gwobs_route::{
    Action, Arrival, Decision, Endpoints, HeaderField, Inconclusive, ObjectName, Objects, Request, WireProtocol, decide,
};
use serde_json::{Value, json};

use super::hostile::places;
use crate::specs::load::{Loaded, load_text};

const WORLD: &str = include_str!("world.yaml");

fn objects() -> Vec<Value> {
    serde_saphyr::from_multiple::<Value>(WORLD).expect("YAML")
}

fn load(objects: &[Value]) -> Loaded {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    load_text("world.json", &list.to_string()).expect("JSON")
}

/// What happens to a handful of requests that between them touch every object.
fn decisions(loaded: &Loaded) -> Vec<Decision> {
    let mut all = Objects::new(None);
    loaded.objects.iter().for_each(|object| all.apply(object.clone(), 0));
    let snapshot = all.snapshot();
    let name = |namespace: &str, name: &str| ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    };
    let gateway = Arrival::at_gateway(&name("infra", "web"), 80, WireProtocol::Http);
    let mesh = Arrival::at_service(&name("shop", "v1"), &"shop".into(), 80, WireProtocol::Http);
    let headers = [HeaderField {
        name: "x-v",
        value: "2",
    }];
    let asked = [
        (&gateway, "shop.example", "/api/x?q=1"),
        (&gateway, "shop.example", "/old"),
        (&gateway, "shop.example", "/far"),
        (&gateway, "shop.example", "/import"),
        (&gateway, "shop.example", "/"),
        (&gateway, "grpc.example", "/a.B/C"),
        (&gateway, "grpc.example", "/x"),
        (&gateway, "set.example", "/"),
        (&gateway, "other.example", "/"),
        (&mesh, "v1", "/new/x"),
        (&mesh, "v1", "/"),
    ];
    let ask = |(arrival, host, path): (&Arrival, &str, &str)| {
        let request = Request {
            method: "GET",
            authority: Some(host),
            path: Some(path),
            headers: &headers,
            sni: None,
        };
        decide(&snapshot, arrival, &request)
    };
    asked.into_iter().map(ask).collect()
}

#[test]
fn the_world_is_understood_and_every_request_has_its_own_fate() {
    let loaded = load(&objects());
    assert_eq!(loaded.findings, []);
    let decisions = decisions(&loaded);
    let doubtful: Vec<_> = decisions.iter().filter(|one| !one.caveats.is_empty()).collect();
    assert!(doubtful.is_empty(), "{doubtful:?}");
}

#[test]
fn an_object_that_does_not_fit_its_type_leaves_doubt_and_never_a_wrong_expectation() {
    let intact = objects();
    let due = decisions(&load(&intact));
    let mut changed = 0;
    for (index, object) in intact.iter().enumerate() {
        let mut fields = Vec::new();
        places(object, "", &mut fields);
        for field in fields.iter().filter(|field| !is_identity(field)) {
            let mut objects = intact.clone();
            *objects[index].pointer_mut(field).expect("a field") = json!({"odd": [{"er": {}}]});
            let loaded = load(&objects);
            if loaded.refused.is_empty() {
                continue;
            }
            changed += 1;
            let kind = &object["kind"];
            for (one, intact) in decisions(&loaded).iter().zip(&due) {
                let same = (&one.route, &one.action) == (&intact.route, &intact.action);
                let doubted = one.caveats.contains(&Inconclusive::UnsupportedSpec);
                let open = one.route == intact.route && leaves_endpoints_open(one);
                assert!(
                    same || doubted || open,
                    "{kind} {index} {field}:\n{one:?}\nwas\n{intact:?}"
                );
            }
        }
    }
    assert!(changed > 150, "{changed}");
}

/// True if it is not known whether a backend has endpoints, so that neither a forward nor a 503 is wrong.
fn leaves_endpoints_open(decision: &Decision) -> bool {
    match &decision.action {
        Action::Forward { backends, .. } => backends.iter().any(|one| one.endpoints == Endpoints::Unknown),
        _ => false,
    }
}

/// What says which object it is: without it there is no object.
fn is_identity(field: &str) -> bool {
    [
        "",
        "/apiVersion",
        "/kind",
        "/metadata",
        "/metadata/name",
        "/metadata/namespace",
    ]
    .contains(&field)
}
