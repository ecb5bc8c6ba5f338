//! Regular expressions: invalid ones, those whose meaning depends on the gateway's dialect, and those that look as if
//! they were meant to match a part of the value. The spec leaves the dialect to the implementation
//! (`PathMatchRegularExpression`); whatever the dialect, gwobs takes the whole value to be matched.

use regex_syntax::hir::{Hir, HirKind};

use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::world::World;
use crate::lint::{Code, field};
use crate::model::{Match, PathMatch, StringMatch};

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    for route in world.routes() {
        let object = ObjectRef::route(route);
        for (rule, own) in route.rules.iter().enumerate() {
            for (matched, one) in own.matches.iter().enumerate() {
                for expression in expressions(one, &field::matched(rule, matched)) {
                    check_one(&expression, &object, out);
                }
            }
        }
    }
}

/// An expression and where it stands.
struct Expression<'a> {
    at: String,
    source: &'a str,
    is_path: bool,
}

fn expressions<'a>(one: &'a Match, at: &str) -> Vec<Expression<'a>> {
    let mut found = Vec::new();
    let mut add = |at: String, source: &'a str, is_path| found.push(Expression { at, source, is_path });
    if let PathMatch::Regex(source) = &one.path {
        add(format!("{at}.path"), source, true);
    }
    let grpc = one
        .grpc
        .iter()
        .flat_map(|grpc| [("service", &grpc.service), ("method", &grpc.method)]);
    for (name, part) in grpc {
        if let Some(StringMatch::Regex(source)) = part {
            add(format!("{at}.method.{name}"), source, false);
        }
    }
    for (list, values) in [("headers", &one.headers), ("queryParams", &one.query)] {
        for (index, value) in values.iter().enumerate() {
            if let StringMatch::Regex(source) = &value.value {
                add(format!("{at}.{list}[{index}]"), source, false);
            }
        }
    }
    found
}

fn check_one(expression: &Expression<'_>, object: &ObjectRef, out: &mut Findings) {
    let Expression { at, source, is_path } = expression;
    match classify(source) {
        Syntax::Invalid(message) => {
            let why = format!("no dialect takes this expression ({message}): gateways refuse it or match nothing");
            out.add(Code::RegexInvalid, object, at, why, "correct the expression");
        }
        Syntax::Dialect(what) => {
            let why = format!("{what}: RE2 (Envoy, Traefik) and PCRE (NGINX, HAProxy) differ here");
            out.add(
                Code::RegexDialect,
                object,
                at,
                why,
                "write it so that it means the same in both",
            );
        }
        Syntax::Common(hir) if *is_path && never_matches_a_path(&hir) => {
            let why =
                "the path is what comes before `?` and begins with `/`: this expression cannot match it as a whole";
            let mend = "begin the expression with `/`, and match the query with queryParams";
            out.add(Code::RegexNeverMatches, object, at, why, mend);
        }
        Syntax::Common(hir) => check_meaning(&hir, expression, object, out),
    }
}

fn check_meaning(hir: &Hir, expression: &Expression<'_>, object: &ObjectRef, out: &mut Findings) {
    let Expression { at, source, is_path } = expression;
    if matches!(hir.kind(), HirKind::Literal(_)) {
        let why = format!(
            "the expression has nothing variable: only the whole value {source:?} matches, not one that contains it"
        );
        let mend = if *is_path {
            "use Exact, or PathPrefix for what is below it"
        } else {
            "use Exact, or `.*` around it"
        };
        out.add(Code::RegexUnanchored, object, at, why, mend);
    } else if let Some(missing) = half_anchored(source) {
        let why = format!("the expression has one anchor and not the other, as if it could match a part; {missing}");
        out.add(
            Code::RegexUnanchored,
            object,
            at,
            why,
            "write `.*` where anything may follow or precede",
        );
    } else if let Some(prefix) = prefix_only(source).filter(|_| *is_path) {
        let why =
            format!("this is nearly the prefix {prefix}, but its rank among other matches depends on the gateway");
        let mend = format!("use PathPrefix {prefix}, which matches whole path elements");
        out.add(Code::RegexNeedless, object, at, why, mend);
    }
}

/// What the dialects make of an expression.
enum Syntax {
    /// The same in all.
    Common(Hir),
    /// Not the same; why.
    Dialect(&'static str),
    /// Nothing; the parser's message.
    Invalid(String),
}

/// Size of a compiled expression beyond which it counts as invalid, in bytes; as for decisions.
const MAX_COMPILED: usize = 1 << 20;

fn classify(source: &str) -> Syntax {
    if source.contains(r"\Q") {
        return Syntax::Dialect("it quotes text with \\Q…\\E");
    }
    if has_possessive(source) {
        return Syntax::Dialect("it has a possessive quantifier");
    }
    match regex_syntax::parse(source) {
        Ok(hir)
            if regex::RegexBuilder::new(source)
                .size_limit(MAX_COMPILED)
                .build()
                .is_ok() =>
        {
            Syntax::Common(hir)
        }
        Ok(_) => Syntax::Invalid("it is too large".to_owned()),
        Err(_) if fancy_regex::Regex::new(source).is_ok() => {
            Syntax::Dialect("it uses what only PCRE has (look-around, back-references, atomic groups)")
        }
        Err(error) => Syntax::Invalid(last_line(&error.to_string())),
    }
}

/// The parser draws the expression and puts the reason last.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// `a*+`, `a++`, `a?+`, `a{2}+`: possessive in PCRE, refused by RE2, something else again in others.
fn has_possessive(source: &str) -> bool {
    let (mut in_class, mut quantified) = (false, false);
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        if character == '+' && quantified && !in_class {
            return true;
        }
        match character {
            '\\' => drop(characters.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        quantified = !in_class && !quantified && matches!(character, '*' | '+' | '?' | '}');
    }
    false
}

/// True if it is certain that no path matches: paths begin with `/` (or are `*`, or empty for CONNECT) and have no `?`.
fn never_matches_a_path(hir: &Hir) -> bool {
    needs(hir, b'?') || first_bytes(hir).is_some_and(|first| !first.contains(&b'/') && !first.contains(&b'*'))
}

/// True if every match has this byte.
fn needs(hir: &Hir, byte: u8) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.contains(&byte),
        HirKind::Capture(capture) => needs(&capture.sub, byte),
        HirKind::Repetition(repetition) => repetition.min > 0 && needs(&repetition.sub, byte),
        HirKind::Concat(parts) => parts.iter().any(|part| needs(part, byte)),
        HirKind::Alternation(parts) => parts.iter().all(|part| needs(part, byte)),
        HirKind::Class(_) | HirKind::Empty | HirKind::Look(_) => false,
    }
}

/// The bytes with which a match can begin, where these are literal; `None` if it can be empty or anything else.
fn first_bytes(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.first().map(|&byte| vec![byte]),
        HirKind::Capture(capture) => first_bytes(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => first_bytes(&repetition.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .find(|part| !matches!(part.kind(), HirKind::Look(_)))
            .and_then(first_bytes),
        HirKind::Alternation(parts) => parts
            .iter()
            .map(first_bytes)
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat()),
        HirKind::Repetition(_) | HirKind::Class(_) | HirKind::Empty | HirKind::Look(_) => None,
    }
}

/// One anchor without the other, outside of alternatives.
fn half_anchored(source: &str) -> Option<&'static str> {
    let begins = source.starts_with('^');
    let ends = source.ends_with('$') && !source.ends_with(r"\$");
    let open_end = source.ends_with(".*") || source.ends_with(".+");
    let open_start = source.starts_with(".*") || source.starts_with(".+");
    match (begins, ends) {
        _ if source.contains('|') => None,
        (true, false) if !open_end => Some("nothing may follow"),
        (false, true) if !open_start && !source.starts_with('/') => Some("nothing may precede"),
        _ => None,
    }
}

/// The literal part of `/foo.*` or `/foo/.*`.
fn prefix_only(source: &str) -> Option<&str> {
    let source = source.strip_prefix('^').unwrap_or(source);
    let source = source.strip_suffix('$').unwrap_or(source);
    let prefix = source.strip_suffix(".*").or_else(|| source.strip_suffix("(/.*)?"))?;
    let plain = prefix.starts_with('/') && prefix.len() > 1 && is_literal(prefix);
    plain.then(|| prefix.strip_suffix('/').unwrap_or(prefix))
}

/// The literal part of `.*foo.*`.
pub(super) fn contains_only(source: &str) -> Option<&str> {
    let source = source.strip_prefix('^').unwrap_or(source);
    let source = source.strip_suffix('$').unwrap_or(source);
    let part = source.strip_prefix(".*")?.strip_suffix(".*")?;
    (!part.is_empty() && is_literal(part)).then_some(part)
}

/// True if the text means itself. `-`, `#`, `&` and `~` are special in classes or modes only.
fn is_literal(text: &str) -> bool {
    !text.contains(['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'])
}
