//! The commands that need no kernel and no traffic, as scripts use them: explain, lint, status, replay.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::path::PathBuf;
use xtask::testbed::directory::Directory;
use xtask::testbed::gwobs;

/// A Gateway with two rules, of which the second can never win where it stands twice, and a Service with a route of its own.
const MANIFESTS: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: infra}
spec:
  gatewayClassName: any
  listeners:
    - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: web, namespace: infra}]
  hostnames: [shop.test]
  rules:
    - matches: [{path: {value: /cart}}]
      backendRefs: [{name: cart, port: 80}]
    - backendRefs: [{name: web, port: 80}]
    - matches: [{path: {value: /cart}}]
      backendRefs: [{name: web, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: for-web, namespace: other}
spec:
  parentRefs: [{group: '', kind: Service, name: web, namespace: shop}]
  rules:
    - backendRefs: [{name: cart, namespace: shop, port: 80}]
---
{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop}, spec: {ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [{port: 80}]}}
";

/// A directory with the manifests and room for other files.
struct Specs(Directory);

impl Specs {
    fn create() -> Result<Self> {
        let specs = Self(Directory::create()?);
        specs.write("manifests.yaml", MANIFESTS)?;
        Ok(specs)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Runs a command with the manifests.
    fn gwobs(&self, command: &[&str]) -> Result<(i32, String, String)> {
        let manifests = self.0.path().join("manifests.yaml");
        let manifests = manifests.to_str().context("the target directory is not UTF-8")?;
        gwobs::run(&[command, &["--manifests", manifests]].concat())
    }
}

fn lines(text: &str) -> Result<Vec<Value>> {
    text.lines()
        .map(|line| serde_json::from_str(line).context("a line is not JSON"))
        .collect()
}

#[test]
fn one_request_is_explained_to_people_and_to_scripts() -> Result<()> {
    let specs = Specs::create()?;
    let asked = ["explain", "--gateway", "infra/web", "http://shop.test/cart/1"];
    let (code, table, _) = specs.gwobs(&asked)?;
    assert_eq!(code, 0);
    for text in ["shop/cart:80", "HTTPRoute shop/shop rule 0", "rule_order"] {
        assert!(table.contains(text), "{text:?} is not in:\n{table}");
    }
    let (_, json, _) = specs.gwobs(&[&asked[..], &["-o", "json"]].concat())?;
    let answer: Value = serde_json::from_str(&json)?;
    assert_eq!(answer["backends"][0]["backend"], "shop/cart:80");
    assert_eq!(answer["route"]["rule"], 0);
    Ok(())
}

#[test]
fn in_a_mesh_the_namespace_of_the_client_decides() -> Result<()> {
    let specs = Specs::create()?;
    let backend = |client: &[&str]| -> Result<Value> {
        let asked = ["explain", "--service", "shop/web", "-o", "json", "http://web.shop/"];
        let (code, json, log) = specs.gwobs(&[&asked[..], client].concat())?;
        assert_eq!(code, 0, "{log}");
        let answer: Value = serde_json::from_str(&json)?;
        Ok(answer["backends"][0]["backend"].clone())
    };
    assert_eq!(backend(&["--client", "other"])?, "shop/cart:80");
    assert_eq!(backend(&["--client", "third"])?, "shop/web:80");
    assert_eq!(backend(&[])?, "shop/web:80");
    Ok(())
}

#[test]
fn many_requests_are_answered_in_their_order() -> Result<()> {
    let specs = Specs::create()?;
    let questions = [
        json!({"id": 1, "gateway": "infra/web", "host": "shop.test", "path": "/cart"}),
        json!({"id": "two", "gateway": "infra/web", "host": "other.test"}),
        json!({"id": 3, "service": "shop/web", "client": {"namespace": "other", "app": "x"}, "path": "/"}),
    ];
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let file = specs.write("requests.jsonl", &text)?;
    let file = file.to_str().context("the target directory is not UTF-8")?;
    let (code, out, log) = specs.gwobs(&["explain", "--requests", file, "-o", "jsonl"])?;
    assert_eq!(code, 0, "{log}");
    let answers = lines(&out)?;
    let told: Vec<_> = answers
        .iter()
        .map(|one| (&one["id"], &one["action"], &one["status"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(1), &json!("forward"), &Value::Null),
            (&json!("two"), &json!("respond"), &json!(404)),
            (&json!(3), &json!("forward"), &Value::Null),
        ]
    );
    Ok(())
}

#[test]
fn what_cannot_be_asked_is_named() -> Result<()> {
    let specs = Specs::create()?;
    let file = specs.write(
        "requests.jsonl",
        "{\"gateway\":\"infra/web\"}\n{\"service\":\"shop/gone\"}\n",
    )?;
    let file = file.to_str().context("the target directory is not UTF-8")?;
    let cases = [
        (
            &["explain", "--requests", file][..],
            1,
            "requests.jsonl:2: service: Service shop/gone",
        ),
        (&["explain", "--gateway", "infra/wbe", "http://a/"], 1, "infra/web"),
        (&["explain", "--service", "shop/gone", "http://a/"], 1, "shop/gone"),
        (&["explain", "http://a/"], 2, "--gateway"),
        (
            &[
                "explain",
                "--gateway",
                "infra/web",
                "--service",
                "shop/web",
                "http://a/",
            ],
            2,
            "cannot be used with",
        ),
        (
            &["explain", "--gateway", "infra/web", "--client", "shop", "http://a/"],
            2,
            "cannot be used with",
        ),
    ];
    for (command, code, said) in cases {
        let (ended, _, log) = specs.gwobs(command)?;
        assert_eq!(ended, code, "{command:?}: {log}");
        assert!(log.contains(said), "{said:?} is not in:\n{log}");
    }
    Ok(())
}

#[test]
fn lint_finds_what_can_never_match_and_says_so_by_its_exit_code() -> Result<()> {
    let specs = Specs::create()?;
    let (code, out, _) = specs.gwobs(&["lint", "-o", "jsonl"])?;
    assert_eq!(code, 3);
    let findings = lines(&out)?;
    let shadowed = findings
        .iter()
        .find(|one| one["code"] == "shadowed-rule")
        .context("nothing is shadowed")?;
    assert_eq!(
        (&shadowed["name"], &shadowed["field"]),
        (&json!("shop"), &json!("spec.rules[2]"))
    );
    let (code, _, _) = specs.gwobs(&["lint", "--fail-on", "error"])?;
    assert_eq!(code, 0);
    Ok(())
}

#[test]
fn status_is_predicted_towards_gateways_and_services() -> Result<()> {
    let specs = Specs::create()?;
    let (code, out, _) = specs.gwobs(&["status", "-o", "jsonl"])?;
    assert_eq!(code, 0);
    let rows = lines(&out)?;
    let towards = |parent: &str| {
        rows.iter()
            .find(|row| row["parent"] == parent && row["kind"] == "HTTPRoute")
    };
    for parent in ["infra/web", "shop/web"] {
        let row = towards(parent).with_context(|| format!("nothing towards {parent}"))?;
        assert_eq!(row["conditions"]["Accepted"]["expected"], json!(["True", "Accepted"]));
        assert_eq!(
            row["conditions"]["ResolvedRefs"]["expected"],
            json!(["True", "ResolvedRefs"])
        );
    }
    Ok(())
}

/// A decision as `observe` writes it: this path went to this backend.
fn recorded(path: &str, backend: &str) -> Value {
    json!({
        "type": "decision", "id": path, "time": "2026-01-01T00:00:00Z", "gateway": "infra/web", "listener": "http",
        "downstream": {"peer": "127.0.0.1:4000", "local": "127.0.0.1:80", "protocol": "http/1.1", "tls": false},
        "request": {"method": "GET", "authority": "shop.test", "path": path, "headers": []},
        "upstreams": [{"address": "127.0.0.1:9000", "backend": backend, "purpose": "forward", "status": 200}],
        "response": {"status": 200, "origin": "upstream"}, "expected": null, "verdict": null
    })
}

#[test]
fn replay_tells_which_real_requests_would_go_elsewhere() -> Result<()> {
    let specs = Specs::create()?;
    let replay = |records: &[Value]| {
        let text: String = records.iter().map(|record| format!("{record}\n")).collect();
        let file = specs.write("decisions.jsonl", &text)?;
        let file = file.to_str().context("the target directory is not UTF-8")?;
        let (code, out, log) = specs.gwobs(&["replay", file, "-o", "jsonl"])?;
        let summary = lines(&out)?.pop().with_context(|| format!("no summary: {log}"))?;
        anyhow::Ok((code, summary))
    };
    let same = recorded("/", "shop/web:80");
    let (code, summary) = replay(std::slice::from_ref(&same))?;
    assert_eq!((code, &summary["same"]), (0, &json!(1)), "{summary}");
    let (code, summary) = replay(&[same, recorded("/cart", "shop/web:80")])?;
    assert_eq!(
        (code, &summary["same"], &summary["elsewhere"]),
        (3, &json!(1), &json!(1)),
        "{summary}"
    );
    Ok(())
}
