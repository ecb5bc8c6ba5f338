//! The CORS filter (GEP-1767): preflights are answered by the gateway, other responses get headers.

use crate::model::Cors;
use crate::view::View;
use crate::{Inconclusive, ResponseHeaders};

/// A preflight's answer.
pub(super) struct Preflight {
    pub(super) status: u16,
    pub(super) doubt: Option<Inconclusive>,
}

/// Adds the response headers of the filter; the answer if the request is a preflight (Fetch, "CORS-preflight request").
pub(super) fn apply(cors: &Cors, view: &View<'_>, headers: &mut ResponseHeaders) -> Option<Preflight> {
    let origin = view.header("origin").next()?;
    let method = view.header("access-control-request-method").next();
    let preflight = method.filter(|_| view.request.method == "OPTIONS");
    let allowed = cors.allow_origins.iter().any(|pattern| covers(pattern, origin));
    if !allowed {
        // 200, 204 and 403 are all in use, and some gateways forward.
        let doubt = Some(Inconclusive::ImplementationDefined);
        return preflight.map(|_| Preflight { status: 204, doubt });
    }
    set(headers, "access-control-allow-origin", origin);
    if cors.allow_credentials {
        set(headers, "access-control-allow-credentials", "true");
    }
    if !cors.expose_headers.is_empty() {
        set(
            headers,
            "access-control-expose-headers",
            &cors.expose_headers.join(", "),
        );
    }
    let method = preflight?;
    let wanted = view.header("access-control-request-headers").next();
    answer(cors, method, wanted, headers);
    Some(Preflight {
        status: 204,
        doubt: None,
    })
}

fn answer(cors: &Cors, method: &str, wanted: Option<&str>, headers: &mut ResponseHeaders) {
    let any = |list: &[std::sync::Arc<str>]| list.iter().any(|item| &**item == "*");
    let methods = if any(&cors.allow_methods) {
        method.to_owned()
    } else {
        cors.allow_methods.join(", ")
    };
    let names = match any(&cors.allow_headers) {
        true => wanted.unwrap_or("*").to_owned(),
        false => cors.allow_headers.join(", "),
    };
    for (name, value) in [
        ("access-control-allow-methods", methods),
        ("access-control-allow-headers", names),
    ] {
        if !value.is_empty() {
            set(headers, name, &value);
        }
    }
    set(headers, "access-control-max-age", &cors.max_age.to_string());
}

fn set(headers: &mut ResponseHeaders, name: &str, value: &str) {
    headers.set.push((name.into(), value.to_owned()));
}

/// An origin is allowed by `*`, by itself, or by a pattern whose host begins with `*.`, for any number of labels.
fn covers(pattern: &str, origin: &str) -> bool {
    if pattern == "*" || pattern.eq_ignore_ascii_case(origin) {
        return true;
    }
    let Some((scheme, suffix)) = pattern.split_once("*") else {
        return false;
    };
    let rest = origin
        .get(..scheme.len())
        .filter(|own| own.eq_ignore_ascii_case(scheme));
    let label = rest
        .and_then(|_| origin.get(scheme.len()..))
        .and_then(|host| host.strip_suffix(suffix));
    label.is_some_and(|label| !label.is_empty() && !label.contains(['/', ':']))
}
