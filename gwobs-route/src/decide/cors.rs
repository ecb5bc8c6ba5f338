//! The CORS filter (GEP-1767): preflights are answered by the gateway, other responses get headers.

use std::sync::Arc;

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
    // `*` must not be given to requests with credentials; what stands in its place is not said.
    let withheld = cors.allow_credentials && is_any(&cors.expose_headers);
    if !cors.expose_headers.is_empty() && !withheld {
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
    let methods = if is_any(&cors.allow_methods) {
        method.to_owned()
    } else {
        cors.allow_methods.join(", ")
    };
    let names = match (is_any(&cors.allow_headers), wanted) {
        (true, Some(wanted)) => wanted.to_owned(),
        // With credentials the header must be left out.
        (true, None) if cors.allow_credentials => String::new(),
        (true, None) => "*".to_owned(),
        (false, _) => cors.allow_headers.join(", "),
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

fn is_any(list: &[Arc<str>]) -> bool {
    list.iter().any(|item| &**item == "*")
}

fn set(headers: &mut ResponseHeaders, name: &str, value: &str) {
    headers.set.push((name.into(), value.to_owned()));
}

/// An origin is allowed by `*`, by itself, or by a pattern whose host begins with `*.`, for any number of labels.
fn covers(pattern: &str, origin: &str) -> bool {
    let (pattern, origin) = (without_default_port(pattern), without_default_port(origin));
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

/// Port 80 of `http` and 443 of `https` go without saying.
fn without_default_port(origin: &str) -> &str {
    let port = match origin.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => ":80",
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => ":443",
        _ => return origin,
    };
    origin.strip_suffix(port).unwrap_or(origin)
}

#[cfg(test)]
mod tests;
