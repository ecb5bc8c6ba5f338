//! A request prepared for matching: host without port, path apart from query, one reading of what the spec leaves open.

use std::borrow::Cow;

use crate::Request;
use crate::profile::{Behaviour, PathReading};

mod path;

pub(crate) use path::{is_plain, normalise};

/// A request as matches look at it.
#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    pub(crate) request: &'a Request<'a>,
    /// In lower case, without port and without a trailing dot; `None` if the request has no authority.
    pub(crate) host: Option<Cow<'a, str>>,
    /// Without query; empty for CONNECT.
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Option<&'a str>,
    pub(crate) behaviour: &'static Behaviour,
}

impl<'a> View<'a> {
    pub(crate) fn new(request: &'a Request<'a>, behaviour: &'static Behaviour) -> Self {
        let (path, query) = split_query(request.path.unwrap_or(""));
        let host = request.authority.map(|authority| lower(host_of(authority)));
        Self {
            request,
            host,
            path: Cow::Borrowed(path),
            query,
            behaviour,
        }
    }

    /// The same request with its path read in another way; `None` if that changes nothing.
    pub(crate) fn reread(&self, reading: PathReading) -> Option<Self> {
        let path = normalise(&self.path, reading)?;
        Some(Self {
            path: Cow::Owned(path),
            ..self.clone()
        })
    }

    /// True if gateways may read this path in different ways.
    pub(crate) fn path_is_plain(&self) -> bool {
        is_plain(&self.path)
    }

    /// Every value of a header, in arrival order. `host` is the authority.
    pub(crate) fn header(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let authority = if name == "host" { self.request.authority } else { None };
        let fields = self
            .request
            .headers
            .iter()
            .filter(move |field| field.name == name)
            .map(|field| field.value);
        authority.into_iter().chain(fields)
    }

    /// Every pair of the query as it stands in the request, still encoded.
    pub(crate) fn query_pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.query.unwrap_or("").split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

/// Path and query of an origin-form target.
pub(crate) fn split_query(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The host of an authority: without port (RFC 3986 section 3.2) and trailing dot, brackets of an IPv6 address kept.
pub(crate) fn host_of(authority: &str) -> &str {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let colon = authority.get(after_bracket..).and_then(|rest| rest.find(':'));
    let host = colon
        .and_then(|at| authority.get(..after_bracket + at))
        .unwrap_or(authority);
    host.strip_suffix('.').unwrap_or(host)
}

/// The port of an authority, if it names one.
pub(crate) fn port_of(authority: &str) -> Option<u16> {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let (_, port) = authority.get(after_bracket..)?.split_once(':')?;
    port.parse().ok()
}

/// Lower case without copying what is lower case already.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// Percent-decoded text, `+` as a blank, as forms encode query parameters; invalid UTF-8 becomes U+FFFD.
pub(crate) fn decode_query(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let blanks = text.replace('+', " ");
    Cow::Owned(path::percent_decode(&blanks, |_| true))
}

#[cfg(test)]
mod tests;
