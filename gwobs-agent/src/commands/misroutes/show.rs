//! The proof of a group, for people.

use std::fmt::Write;

use serde_json::Value;

use super::table::place;
use crate::commands::explain::why;
use crate::misroutes::{Considered, Example, Group, Proof};
use crate::output::printable;

/// What stands in place of a value that was not to be shown.
const REDACTED: &str = "[redacted]";

/// The whole proof. What comes from requests is made printable line by line.
pub(super) fn text(proof: &Proof) -> String {
    let mut lines = summary(&proof.group);
    // The latest example that says what came into question, else the latest.
    let told = |example: &&Example| !example.considered.is_empty();
    let example = proof.examples.iter().rev().find(told).or(proof.examples.last());
    match example {
        Some(example) => lines.extend(proven(example)),
        None => lines.push("\nIts requests were too long to be kept.".to_owned()),
    }
    let mut text = String::new();
    for line in lines.iter().flat_map(|line| line.split('\n')) {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", printable(line));
    }
    text
}

fn summary(group: &Group) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}", group.id, group.reason),
        format!("  at        {}", place(group)),
        format!("  due       {}", group.expected),
        format!("  went to   {}", group.observed),
        format!(
            "  requests  {}, the first at {}, the last at {}",
            group.count, group.first, group.last
        ),
    ];
    let since = group.specs_since.as_ref();
    lines.extend(since.map(|since| format!("  specs     in force since {since}")));
    lines
}

fn proven(example: &Example) -> Vec<String> {
    let decision = &example.decision;
    let mut lines = vec![format!("\none of them ({})", text_at(decision, "/id"))];
    lines.extend(request(decision));
    lines.push(format!("  answered  {}", answered(decision)));
    lines.push(format!("  tied by   {}", evidence(decision)));
    lines.extend(rules(&example.considered));
    lines.extend(again(decision));
    lines.extend(objects(decision));
    if !example.mend.is_empty() {
        lines.push("\nwhat to do".to_owned());
        lines.extend(example.mend.iter().map(|line| format!("  {line}")));
    }
    lines
}

fn request(decision: &Value) -> Vec<String> {
    let peer = text_at(decision, "/downstream/peer");
    let target = [
        text_at(decision, "/request/method"),
        " ",
        text_at(decision, "/request/authority"),
        text_at(decision, "/request/path"),
    ]
    .concat();
    let mut lines = vec![
        format!("  time      {}, from {peer}", text_at(decision, "/time")),
        format!("  request   {target}"),
    ];
    let shown = headers(decision).filter(|(_, value)| *value != REDACTED);
    lines.extend(shown.map(|(name, value)| format!("            {name}: {value}")));
    lines
}

/// Who answered, with what, as if by which rule.
fn answered(decision: &Value) -> String {
    let status = decision.pointer("/response/status").and_then(Value::as_u64);
    let status = status.map_or_else(|| "nothing".to_owned(), |status| format!("{status}"));
    let calls = decision.pointer("/upstreams").and_then(Value::as_array);
    let forward = |call: &&Value| matches!(text_at(call, "/purpose"), "forward" | "retry");
    let by = match calls.and_then(|calls| calls.iter().rev().find(forward)) {
        Some(call) => format!("{} at {}", text_at(call, "/backend"), text_at(call, "/address")),
        None => "the gateway itself".to_owned(),
    };
    let rule = decision.pointer("/observed_route").filter(|route| !route.is_null());
    let rule = rule.map(|route| {
        let number = |name| route.get(name).and_then(Value::as_u64).unwrap_or_default();
        format!(
            ", as if by {} {}/{} rule {} match {}",
            text_at(route, "/kind"),
            text_at(route, "/namespace"),
            text_at(route, "/name"),
            number("rule"),
            number("match")
        )
    });
    format!("{status} by {by}{}", rule.unwrap_or_default())
}

fn evidence(decision: &Value) -> String {
    let kinds = decision.pointer("/pairing/evidence").and_then(Value::as_array);
    let kinds: Vec<&str> = kinds.into_iter().flatten().filter_map(Value::as_str).collect();
    match kinds.is_empty() {
        true => "nothing: no upstream call was made".to_owned(),
        false => kinds.join(", "),
    }
}

fn rules(considered: &[Considered]) -> Vec<String> {
    let Some(width) = considered.iter().map(|one| named(one).chars().count()).max() else {
        return vec!["\nThe specs have changed since: `gwobs explain` says what they want now.".to_owned()];
    };
    let mut lines = vec!["\nwhat the rules say".to_owned()];
    for one in considered {
        let (mark, outcome) = match &one.lost_by {
            None => ("✔", "wins".to_owned()),
            Some(reason) => ("✘", why(reason)),
        };
        lines.push(format!("  {mark} {:<width$}  {outcome}", named(one)));
    }
    lines
}

fn named(one: &Considered) -> String {
    let route = &one.route;
    format!(
        "{} {}/{} rule {} match {}: {}",
        route.kind, route.namespace, route.name, route.rule, one.r#match, one.condition
    )
}

/// The request by hand, as far as it may be shown.
fn again(decision: &Value) -> Vec<String> {
    let local = text_at(decision, "/downstream/local");
    let path = text_at(decision, "/request/path");
    if local.is_empty() || path.is_empty() {
        return Vec::new();
    }
    let tls = decision
        .pointer("/downstream/tls")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let authority = text_at(decision, "/request/authority");
    let (scheme, how) = match (tls, text_at(decision, "/downstream/sni")) {
        (false, _) => ("http", format!("-H {}", quoted(&format!("Host: {authority}")))),
        (true, sni) => (
            "https",
            format!("--insecure --connect-to {}", quoted(&format!("{sni}::{local}"))),
        ),
    };
    let place = if tls { authority } else { local };
    let method = match text_at(decision, "/request/method") {
        "GET" => String::new(),
        method => format!(" -X {}", quoted(method)),
    };
    let shown = headers(decision).filter(|(name, value)| *value != REDACTED && !name.starts_with("content-"));
    let fields: String = shown
        .map(|(name, value)| format!(" -H {}", quoted(&format!("{name}: {value}"))))
        .collect();
    let mut lines = vec![
        "\nto see it again, where the gateway can be reached".to_owned(),
        format!(
            "  curl -i{method} {how}{fields} {}",
            quoted(&format!("{scheme}://{place}{path}"))
        ),
    ];
    if path.contains(REDACTED) {
        lines.push(format!("  {REDACTED} stands for values that no rule looks at"));
    }
    lines
}

/// The objects that it is about, as commands that show them.
fn objects(decision: &Value) -> Vec<String> {
    let mut lines = vec!["\nthe objects".to_owned()];
    let mut add = |kind: &str, namespace: &str, name: &str| {
        let line = format!(
            "  kubectl get {} -n {namespace} {name} -o yaml",
            kind.to_ascii_lowercase()
        );
        if !namespace.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
    };
    if let Some((namespace, name)) = text_at(decision, "/gateway").split_once('/') {
        add("gateway", namespace, name);
    }
    for route in ["/expected/route", "/observed_route"] {
        let part = |name| text_at(decision, &format!("{route}/{name}")).to_owned();
        add(&part("kind"), &part("namespace"), &part("name"));
    }
    let due = decision.pointer("/expected/backends").and_then(Value::as_array);
    let seen = decision.pointer("/upstreams").and_then(Value::as_array);
    for backend in due.into_iter().chain(seen).flatten() {
        let service = text_at(backend, "/backend")
            .rsplit_once(':')
            .map(|(service, _)| service);
        if let Some((namespace, name)) = service.and_then(|service| service.split_once('/')) {
            add("service", namespace, name);
        }
    }
    lines
}

fn headers(decision: &Value) -> impl Iterator<Item = (&str, &str)> {
    let headers = decision.pointer("/request/headers").and_then(Value::as_array);
    headers
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)))
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// In single quotation marks for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
