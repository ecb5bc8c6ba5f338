//! One misroute told in sentences, from what the decision says and the rules it names.

use crate::say::{Style, paint};
use crate::testbed::Testbed;
use crate::testbed::client::Client;
use crate::testbed::gwobs::decision::Decision;
use crate::testbed::rule::{Match, Path, Route};
use crate::testbed::traffic::{Body, Due, Request, get};
use anyhow::{Context as _, Result};

/// A rule's condition as a decision names it, with its place.
struct Named<'a> {
    place: String,
    condition: &'a Match,
}

/// The lines of the story.
pub(super) fn tell(decision: &Decision, routes: &[Route], bed: &Testbed) -> Result<Vec<String>> {
    let due = named(decision, "/expected/route", routes).context("the decision names no expected rule")?;
    let backend = paint(Style::Green, decision.text("/expected/backends/0/backend"));
    let actual = paint(Style::Red, decision.text("/upstreams/0/backend"));
    let status = decision.number("/response/status").unwrap_or_default();
    let request = format!("{} {}", decision.text("/request/method"), decision.path());
    let mut lines = vec![
        format!("{} got {status} from {actual}.", paint(Style::Bold, &request)),
        format!("By the specs it belongs to {backend}: {} matches, with", due.place),
        format!(
            "`{}`{}.",
            due.condition,
            why(due.condition, rival(decision, routes).as_ref())
        ),
    ];
    lines.extend(explain_observed(decision, routes));
    lines.extend(reproduce(decision, bed)?);
    Ok(lines)
}

/// The rule that explains what happened, if gwobs found one.
fn rival<'a>(decision: &Decision, routes: &'a [Route]) -> Option<Named<'a>> {
    named(decision, "/observed_route", routes)
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
        place: format!("rule {rule} of HTTPRoute {name}"),
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
    format!(", and {over}")
}

fn explain_observed(decision: &Decision, routes: &[Route]) -> Vec<String> {
    match rival(decision, routes) {
        Some(rival) => vec![format!(
            "What happened is what {} says: `{}`.",
            rival.place, rival.condition
        )],
        None => vec!["No rule that matches this request leads to where it went.".to_owned()],
    }
}

/// The same request by hand, and who answers it now.
fn reproduce(decision: &Decision, bed: &Testbed) -> Result<Vec<String>> {
    let path = decision.path();
    let request = Request {
        method: decision.text("/request/method").to_owned(),
        ..get(path)
    };
    let request = Request {
        body: if request.method == "POST" {
            Body::Length(0)
        } else {
            Body::None
        },
        ..request
    };
    let case = crate::testbed::traffic::Case {
        request,
        due: Due::Gateway(0),
    };
    let exchanges = Client::new(bed.address()).run(&[case])?;
    let answer = exchanges.first().and_then(|exchange| exchange.answer.as_ref().ok());
    let who = answer.and_then(|answer| answer.backend.as_deref()).unwrap_or("nobody");
    let method = decision.text("/request/method");
    let option = if method == "GET" {
        String::new()
    } else {
        format!(" -X {method}")
    };
    Ok(vec![
        "To see it again, as the demo just did:".to_owned(),
        format!(
            "  curl -i{option} -H 'Host: {}' 'http://{}{path}'",
            decision.text("/request/authority"),
            bed.address()
        ),
        format!("  x-backend: {who}"),
    ])
}
