//! Dashboards, alerts and metrics with a real Prometheus: every query is understood and finds something where there is
//! something to find.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use xtask::testbed::client::wire;
use xtask::testbed::cluster::incidents::{self, Incident};
use xtask::testbed::cluster::{Cluster, assert_exact, page_as};
use xtask::testbed::exposition::samples;
use xtask::testbed::http::Connection;
use xtask::testbed::prometheus::{Prometheus, promtool};
use xtask::testbed::traffic::get;
use xtask::workspace;

/// How long Prometheus may take to see what happened.
const FOLLOW: Duration = Duration::from_secs(20);
/// How often to look meanwhile.
const LOOK: Duration = Duration::from_millis(200);

/// Alerts that the incidents bring about.
const RAISED: [&str; 9] = [
    "GatewayMisroutesRequests",
    "GatewayFeatureUnsupported",
    "GatewayReferencesUnresolved",
    "ReferenceGrantDeletionBreaksTraffic",
    "TrafficWithoutReferenceGrant",
    "TrafficDeniedWithoutReferenceGrant",
    "BackendWeightsDoNotHold",
    "ListenerServesStaleCertificate",
    "CertificateExpiresSoon",
];
/// Alerts that must not be raised in the end, although what they ask about is there.
const QUIET: [&str; 2] = ["GatewayRoutingUnseen", "GatewayAgentBlind"];
/// The alert that is raised once the agent is gone.
const GONE: &str = "GatewayAgentMissing";

fn deploy(path: &str) -> PathBuf {
    workspace::root().join("deploy").join(path)
}

#[test]
fn rules_are_right_and_do_what_their_tests_say() -> Result<()> {
    let directory = deploy("prometheus");
    let checked = promtool(&["check", "rules", "gwobs.rules.yaml"], &directory)?;
    ensure!(checked.contains("SUCCESS"), "{checked}");
    let tested = promtool(&["test", "rules", "gwobs.rules.test.yaml"], &directory)?;
    ensure!(tested.contains("SUCCESS"), "{tested}");
    Ok(())
}

#[test]
fn dashboards_and_alerts_find_what_goes_wrong() -> Result<()> {
    let cluster = Cluster::start(&incidents::BACKENDS)?;
    incidents::prepare(&cluster)?;
    let agent = cluster.agent_with(&incidents::AGENT)?;
    let rules = deploy("prometheus/gwobs.rules.yaml");
    let target = cluster.metrics_address();
    let prometheus = Prometheus::start(cluster.spare_address(), target, &rules, &cluster.directory)?;

    let mut exchanges = Vec::new();
    for incident in Incident::ALL {
        leave_early(&cluster)?;
        exchanges.extend(incident.bring_about(&cluster)?);
    }
    let asked = asked(&rules)?;
    until("raised", &RAISED, || prometheus.alerts_so_far())?;
    wait_for_data(&prometheus, &asked)?;
    assert_exported(&cluster, &asked)?;
    check_metrics(&cluster)?;
    // For a moment only the clients that left had been there, so that nothing could be judged.
    let now = prometheus.alerts_now()?;
    ensure!(!QUIET.iter().any(|name| now.contains(*name)), "{now:?}");

    assert_exact(&exchanges, &agent.stop()?)?;
    until("raised when the agent is gone", &[GONE], || prometheus.alerts_so_far())
}

/// A few clients that leave before they are answered: there is no verdict about their requests.
fn leave_early(cluster: &Cluster) -> Result<()> {
    for _ in 0..3 {
        let mut connection = Connection::open(cluster.address())?;
        connection.write(&wire(&get("/cart/1").asking("delay-ms=300")))?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A query of a panel, a variable or a rule.
struct Query {
    place: String,
    text: String,
}

/// Every query of the dashboard, with its variables at their defaults, and of the rules: comparisons give 0 or 1, so that
/// what is compared has to be there.
fn asked(rules: &Path) -> Result<Vec<Query>> {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(deploy("grafana/gwobs-routing.json"))?)?;
    let mut queries = Vec::new();
    for panel in list(&dashboard, "/panels") {
        for target in list(panel, "/targets") {
            queries.push(Query {
                place: format!("panel {}", panel["title"]),
                text: with_defaults(target["expr"].as_str().context("a panel's query")?),
            });
        }
    }
    for variable in list(&dashboard, "/templating/list") {
        if let Some(definition) = variable["definition"].as_str() {
            queries.push(Query {
                place: format!("variable {}", variable["name"]),
                text: selector_of(&with_defaults(definition))?,
            });
        }
    }
    queries.extend(rules_of(rules)?);
    ensure!(queries.len() > 30, "{}", queries.len());
    Ok(queries)
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// As Grafana asks, with all values of all variables.
fn with_defaults(query: &str) -> String {
    let variables = ["$gateway_namespace", "$route_namespace", "$gateway"];
    let all = variables
        .iter()
        .fold(query.to_owned(), |query, name| query.replace(name, ".*"));
    all.replace("$__rate_interval", "2m").replace("$__range", "1h")
}

/// The selector of `label_values(SELECTOR, LABEL)`, by those series that have the label.
fn selector_of(definition: &str) -> Result<String> {
    let inner = definition
        .strip_prefix("label_values(")
        .and_then(|rest| rest.strip_suffix(')'));
    let (selector, label) = inner.and_then(|inner| inner.rsplit_once(", ")).context("a variable")?;
    Ok(format!("count by ({label}) ({selector})"))
}

/// The expressions of all rules; promtool has them read, in the form that it prints.
fn rules_of(file: &Path) -> Result<Vec<Query>> {
    let text = std::fs::read_to_string(file)?;
    let mut known: BTreeSet<&str> = [RAISED.as_slice(), &QUIET, &[GONE]].concat().into_iter().collect();
    let mut queries = Vec::new();
    for (name, expression) in expressions(&text) {
        ensure!(
            known.remove(name.as_str()) || name.starts_with("gwobs:"),
            "no incident is known to raise the alert {name}, or not to"
        );
        let compared = expression.replace(" > ", " > bool ").replace(" < ", " < bool ");
        let is_there = if name == GONE {
            compared.replace("absent(", "count(")
        } else {
            compared
        };
        queries.push(Query {
            place: format!("rule {name}"),
            text: is_there,
        });
    }
    ensure!(known.is_empty(), "no rules: {known:?}");
    Ok(queries)
}

/// Names and expressions in the project's own rule file: `expr:` with the text behind it, or folded in the lines below it.
fn expressions(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut folding = None;
    for line in text.lines() {
        let (indent, line) = (line.len() - line.trim_start().len(), line.trim());
        if let (Some(least), Some((_, expression))) = (folding, found.last_mut()) {
            if indent > least {
                expression.push_str(line);
                expression.push(' ');
                continue;
            }
            folding = None;
        }
        let name = ["- alert: ", "- record: "]
            .iter()
            .find_map(|key| line.strip_prefix(key));
        if let Some(name) = name {
            found.push((name.to_owned(), String::new()));
        } else if line == "expr: >-" {
            folding = Some(indent);
        } else if let (Some(text), Some((_, expression))) = (line.strip_prefix("expr: "), found.last_mut()) {
            text.clone_into(expression);
        }
    }
    found
}

/// Waits until every query gives a number.
fn wait_for_data(prometheus: &Prometheus, asked: &[Query]) -> Result<()> {
    let deadline = Instant::now() + FOLLOW;
    let mut silent: Vec<&Query> = asked.iter().collect();
    loop {
        let mut still = Vec::new();
        for query in silent {
            if !has_data(prometheus, query)? {
                still.push(query);
            }
        }
        silent = still;
        let places: Vec<String> = silent
            .iter()
            .map(|query| format!("{}: {}", query.place, query.text))
            .collect();
        if places.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "these show nothing:\n{}", places.join("\n"));
        std::thread::sleep(LOOK);
    }
}

fn has_data(prometheus: &Prometheus, query: &Query) -> Result<bool> {
    let series = prometheus.query(&query.text).with_context(|| query.place.clone())?;
    let mut values = series.iter().filter_map(|one| one.pointer("/value/1")?.as_str());
    Ok(values.any(|value| value != "NaN"))
}

/// Waits until all these names are among those.
fn until(what: &str, names: &[&str], now: impl Fn() -> Result<BTreeSet<String>>) -> Result<()> {
    let deadline = Instant::now() + FOLLOW;
    loop {
        let there = now()?;
        if names.iter().all(|name| there.contains(*name)) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not all of {names:?} are {what}: {there:?}");
        std::thread::sleep(LOOK);
    }
}

/// Every metric that is asked for is one that the agent exports, by its whole name.
fn assert_exported(cluster: &Cluster, asked: &[Query]) -> Result<()> {
    let samples = samples(&cluster.metrics()?)?;
    let exported: BTreeSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    for Query { place, text } in asked {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':'));
        for name in words.filter(|word| word.starts_with("gwobs_")) {
            ensure!(
                exported.contains(name),
                "{place} asks for {name}, which the agent does not export"
            );
        }
    }
    Ok(())
}

/// promtool finds nothing wrong with names, types and help of the agent's metrics.
fn check_metrics(cluster: &Cluster) -> Result<()> {
    let (_, text) = page_as(cluster.metrics_address(), "/metrics", "text/plain;version=0.0.4")?;
    let file = cluster.directory.path().join("metrics.txt");
    std::fs::write(&file, text)?;
    let mut promtool = Command::new("promtool");
    let checked = promtool.args(["check", "metrics"]).stdin(File::open(&file)?).output()?;
    let said = [checked.stdout, checked.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    ensure!(checked.status.success() && said.is_empty(), "{said}");
    Ok(())
}
