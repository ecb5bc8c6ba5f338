//! Header and query matches that come from annotation-era habits: lists, "contains", one name twice, cookies, and what
//! the spec has a field for. Names need no check: they are compared without regard to case (`HTTPHeaderName`).

use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::regex::contains_only;
use crate::lint::world::World;
use crate::lint::{Code, field};
use crate::model::{Match, StringMatch, ValueMatch};

/// Headers whose single values have commas of their own (RFC 9110 dates, lists that clients write).
const WITH_COMMAS: &[&str] = &[
    "accept",
    "user-agent",
    "date",
    "expires",
    "last-modified",
    "cache-control",
    "forwarded",
    "via",
];
/// Beginnings of such names.
const WITH_COMMAS_BEGIN: &[&str] = &["accept-", "if-", "access-control-", "x-forwarded-", "sec-"];

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    for route in world.routes() {
        let object = ObjectRef::route(route);
        for (rule, own) in route.rules.iter().enumerate() {
            for (matched, one) in own.matches.iter().enumerate() {
                check_match(one, &field::matched(rule, matched), &object, out);
            }
        }
    }
}

fn check_match(one: &Match, at: &str, object: &ObjectRef, out: &mut Findings) {
    for (index, header) in one.headers.iter().enumerate() {
        let at = format!("{at}.headers[{index}]");
        if let Some(first) = earlier(&one.headers, index) {
            let why = format!(
                "the header {} has a condition in headers[{first}] already: only that one counts",
                header.name
            );
            let mend = "for several values use one regular expression `a|b`, or one match for each";
            out.add(Code::HeaderRepeated, object, at, why, mend);
        } else {
            check_name(header, &at, object, out);
            check_value(header, &at, object, out);
        }
    }
    for (index, parameter) in one.query.iter().enumerate() {
        if let Some(first) = earlier(&one.query, index) {
            let why = format!(
                "the parameter {} has a condition in queryParams[{first}] already: only that one counts",
                parameter.name
            );
            let mend = "for several values use one regular expression `a|b`, or one match for each";
            out.add(
                Code::QueryRepeated,
                object,
                format!("{at}.queryParams[{index}]"),
                why,
                mend,
            );
        }
    }
}

fn earlier(list: &[ValueMatch], index: usize) -> Option<usize> {
    let name = &list.get(index)?.name;
    list.iter().take(index).position(|other| other.name == *name)
}

/// Headers for which the spec has a field of its own.
fn check_name(header: &ValueMatch, at: &str, object: &ObjectRef, out: &mut Findings) {
    let instead = match &*header.name {
        "host" | ":authority" => "spec.hostnames",
        ":path" => "matches[].path",
        ":method" => "matches[].method",
        _ => return,
    };
    let why = format!(
        "matching on {} as a header depends on the gateway, and hostname precedence does not see it",
        header.name
    );
    out.add(Code::HeaderPseudo, object, at, why, format!("use {instead}"));
}

fn check_value(header: &ValueMatch, at: &str, object: &ObjectRef, out: &mut Findings) {
    match &header.value {
        StringMatch::Exact(value) if &*header.name == "cookie" => {
            let why = format!(
                "the whole Cookie header must be {value:?}: a client that sends any other cookie does not match"
            );
            let mend = "use a regular expression like `(.*; )?name=value(;.*)?`";
            out.add(Code::HeaderCookie, object, at, why, mend);
        }
        StringMatch::Exact(value) if looks_like_list(&header.name, value) => {
            let why = format!("the header must have exactly the value {value:?}: its parts are no alternatives");
            let mend = "use one match for each value, or a regular expression `a|b`";
            out.add(Code::HeaderList, object, at, why, mend);
        }
        StringMatch::Regex(source) => {
            if let Some(part) = contains_only(source) {
                let why = format!(
                    "this only asks whether the value contains {part:?}: `{part}` in any other word matches too"
                );
                let mend = "match the whole value exactly if that is what is meant";
                out.add(Code::HeaderContains, object, at, why, mend);
            }
        }
        StringMatch::Exact(_) | StringMatch::Unknown(_) => {}
    }
}

fn looks_like_list(name: &str, value: &str) -> bool {
    let own_commas = WITH_COMMAS.contains(&name) || WITH_COMMAS_BEGIN.iter().any(|begin| name.starts_with(begin));
    value.contains('|') || (value.contains(',') && !own_commas)
}
