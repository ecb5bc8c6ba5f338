use gwobs_route::ObjectName;
use serde_json::Value;

use super::report::{jsonl, table};
use super::row::Row;
use super::scope::Scope;
use super::{Level, findings};
use crate::specs::load_text;

const MANIFESTS: &str = r"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: infra}
spec:
  gatewayClassName: c
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: shop}
spec:
  parentRefs: [{name: web, namespace: infra}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    backendRefs: [{name: cart, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    backendRefs: [{name: new, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: odd, namespace: shop}
spec:
  parentRefs: [{name: elsewhere, namespace: infra}]
  rules:
  - matches: [{path: {type: PathPrefix, value: odd}, flavour: sweet}]
    backendRefs: [{name: cart, port: 80}]
";

fn all() -> Vec<Row> {
    findings(&load_text("m.yaml", MANIFESTS).unwrap(), None)
}

fn told(rows: &[Row]) -> Vec<String> {
    let line = |row: &Row| format!("{} {} {} {}", row.severity, row.code, row.object.name, row.field);
    rows.iter().map(line).collect()
}

#[test]
fn what_reading_found_and_what_the_engine_found_stand_together() {
    assert_eq!(
        told(&all()),
        [
            "warning shadowed-rule cart spec.rules[1]",
            "error parent-not-found odd spec.parentRefs[0]",
            "warning field-unknown odd spec.rules[0].matches[0].flavour",
            "error field-invalid odd spec.rules[0].matches[0].path.value",
        ]
    );
}

#[test]
fn only_what_concerns_a_gateway() {
    let loaded = load_text("m.yaml", MANIFESTS).unwrap();
    let name = |name: &str| ObjectName {
        namespace: "infra".into(),
        name: name.into(),
    };
    let scope = Scope::new(&[name("web")], &loaded.objects).unwrap();
    let rows: Vec<_> = all().into_iter().filter(|row| scope.holds(row)).collect();
    assert_eq!(told(&rows), ["warning shadowed-rule cart spec.rules[1]"]);
    assert!(Scope::new(&[name("other")], &loaded.objects).is_err());
}

#[test]
fn json_has_the_fields_that_scripts_rely_on() {
    let text = jsonl(&all()).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    for field in ["code", "severity", "kind", "namespace", "name", "field", "why", "mend"] {
        assert!(
            first[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field} in {first}"
        );
    }
    assert_eq!(first["related"], Value::Array(Vec::new()));
    assert_eq!(text.lines().count(), 4);
}

#[test]
fn the_table_groups_by_object_and_counts() {
    let text = table(&all(), 3);
    assert_eq!(text.matches("HTTPRoute shop/odd").count(), 1);
    assert!(text.ends_with("2 errors, 2 warnings in 3 objects.\n"), "{text}");
    assert_eq!(table(&[], 1), "Nothing found in 1 object.\n");
}

#[test]
fn levels_take_what_is_as_severe() {
    use gwobs_route::lint::Severity::{Error, Info, Warning};
    let taken = |level: Level| [Info, Warning, Error].map(|severity| level.takes(severity));
    assert_eq!(taken(Level::Info), [true, true, true]);
    assert_eq!(taken(Level::Warning), [false, true, true]);
    assert_eq!(taken(Level::Error), [false, false, true]);
    assert_eq!(taken(Level::Never), [false, false, false]);
}
