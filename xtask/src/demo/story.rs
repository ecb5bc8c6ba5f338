//! One misroute told in sentences, from what the decision says and the rules it names.

use crate::say::{Style, paint};
use crate::testbed::Testbed;
use crate::testbed::gwobs::decision::Decision;
use crate::testbed::rule::{Match, Path, Route};
use crate::testbed::traffic::{Body, Request, get};
use anyhow::{Context as _, Result};

/// A rule's condition as a decision names it, with its place.
struct Named<'a> {
    place: String,
    condition: &'a Match,
}

/// The lines of the story, none longer than an 80-column terminal takes for the demo's own requests.
pub(super) fn tell(decision: &Decision, routes: &[Route], bed: &Testbed) -> Result<Vec<String>> {
    let due = named(decision, "/expected/route", routes).context("the decision names no expected rule")?;
    let rival = named(decision, "/observed_route", routes);
    let backend = paint(Style::Green, decision.text("/expected/backends/0/backend"));
    let actual = paint(Style::Red, decision.text("/upstreams/0/backend"));
    let status = decision.number("/response/status").unwrap_or_default();
    let request = format!("{} {}", decision.text("/request/method"), decision.path());
    let mut lines = vec![
        paint(Style::Bold, &request),
        format!("was answered {status} by {actual}, but belongs to {backend}."),
        format!(
            "{} (`{}`) should have won{}.",
            due.place,
            due.condition,
            why(due.condition, rival.as_ref())
        ),
    ];
    lines.push(match rival {
        Some(rival) => format!("{} (`{}`) explains what happened.", rival.place, rival.condition),
        None => "No rule that matches this request leads to where it went.".to_owned(),
    });
    lines.extend(reproduce(decision, bed)?);
    Ok(lines)
}

fn named<'a>(decision: &Decision, pointer: &str, routes: &'a [Route]) -> Option<Named<'a>> {
    let name = decision.text(&format!("{pointer}/name"));
    let rule = decision.number(&format!("{pointer}/rule"))?;
    let index = decision.number(&format!("{pointer}/match")).unwrap_or(0);
    let route = routes.iter().find(|route| route.name == name)?;
    let condition = route
        .rules
        .get(usize::try_from(rule).ok()?)?
        .matches
        .get(usize::try_from(index).ok()?)?;
    Some(Named {
        place: format!("Rule {rule} of HTTPRoute {name}"),
        condition,
    })
}

/// Which line of the spec's precedence decides between two conditions that both match.
fn why(due: &Match, rival: Option<&Named<'_>>) -> String {
    let Some(rival) = rival.map(|named| named.condition) else {
        return String::new();
    };
    let over = match (&due.path, &rival.path) {
        (Path::Exact(_), Path::Prefix(_)) => "an exact path wins over a prefix",
        (Path::Prefix(due), Path::Prefix(rival)) if due.len() > rival.len() => "the longest prefix wins",
        _ if due.method.is_some() && rival.method.is_none() => "a match with a method wins",
        _ if due.headers.len() > rival.headers.len() => "the match with more headers wins",
        _ if due.query.len() > rival.query.len() => "the match with more query parameters wins",
        _ => return String::new(),
    };
    format!(": {over}")
}

/// The same request by hand, and who answers it now.
fn reproduce(decision: &Decision, bed: &Testbed) -> Result<Vec<String>> {
    let (method, path) = (decision.text("/request/method"), decision.path());
    let body = if method == "POST" { Body::Length(0) } else { Body::None };
    let case = Request {
        method: method.to_owned(),
        body,
        ..get(path)
    }
    .due_status(200);
    let answer = bed.client().open()?.send(&case);
    let who = answer
        .ok()
        .and_then(|answer| answer.backend)
        .unwrap_or_else(|| "nobody".to_owned());
    let (scheme, flags) = if decision.is_tls() {
        ("https", "-ik")
    } else {
        ("http", "-i")
    };
    let option = if method == "GET" {
        String::new()
    } else {
        format!(" -X {method}")
    };
    Ok(vec![
        "To see it again while this data plane runs, as the demo just did:".to_owned(),
        format!(
            "  curl {flags}{option} -H 'Host: {}' \\",
            decision.text("/request/authority")
        ),
        format!("    '{scheme}://{}{path}'", bed.address()),
        format!("  x-backend: {who}"),
    ])
}
