//! Where a redirect leads (`HTTPRequestRedirectFilter`).

use crate::RedirectTarget;
use crate::model::{PathModifier, Redirect};
use crate::path_rewrite::with_prefix_replaced;
use crate::view::split_query;

/// What of the request and its listener a redirect starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base<'a> {
    pub(crate) scheme: &'a str,
    /// Without port.
    pub(crate) host: &'a str,
    /// Of the listener.
    pub(crate) port: u16,
    /// With query.
    pub(crate) path: &'a str,
    /// The prefix that the request matched.
    pub(crate) prefix: Option<&'a str>,
}

/// > If no port is specified, the redirect port MUST be derived using the following rules:
/// > * If redirect scheme is not-empty, the redirect port MUST be the well-known port associated with the redirect scheme.
/// >   […] If the redirect scheme does not have a well-known port, the port of the listener SHOULD be used.
/// > * If redirect scheme is empty, the redirect port MUST be the Gateway Listener port.
/// >
/// > Implementations SHOULD NOT add the port number in the 'Location' header in the following cases:
/// > * A Location header that will use HTTP […] and use port 80.
/// > * A Location header that will use HTTPS […] and use port 443.
pub(crate) fn target(redirect: &Redirect, base: &Base<'_>) -> RedirectTarget {
    let scheme = redirect.scheme.as_deref().unwrap_or(base.scheme);
    let of_scheme = || redirect.scheme.as_deref().and_then(well_known);
    let port = redirect.port.or_else(of_scheme).unwrap_or(base.port);
    RedirectTarget {
        status: redirect.status,
        scheme: scheme.into(),
        host: redirect.hostname.as_deref().unwrap_or(base.host).into(),
        port: Some(port).filter(|&port| well_known(scheme) != Some(port)),
        path: path(redirect.path.as_ref(), base.path, base.prefix),
    }
}

/// The port that a scheme implies.
pub(crate) fn well_known(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The path after a modifier, with the query of the request.
pub(crate) fn path(modifier: Option<&PathModifier>, target: &str, prefix: Option<&str>) -> String {
    let (path, query) = split_query(target);
    let changed = match modifier {
        Some(PathModifier::Full(full)) => full.to_string(),
        Some(PathModifier::Prefix(replacement)) => prefix
            .and_then(|prefix| with_prefix_replaced(path, prefix, replacement))
            .unwrap_or_else(|| path.to_owned()),
        None => path.to_owned(),
    };
    match query {
        Some(query) => format!("{changed}?{query}"),
        None => changed,
    }
}
