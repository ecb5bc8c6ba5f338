//! Filters.

use gwobs_route::model::{
    AuthProtocol, Cors, ExternalAuth, Filter, HeaderModifier, HeaderValue, Mirror, MirrorShare, PathModifier, Redirect,
    Rewrite,
};

use super::backend::{backend_ref, reference, texts};
use super::scalar;
use crate::specs::notes::{At, Notes};
use crate::specs::wire;

/// Most filters of one rule or backend.
const MAX_FILTERS: usize = 16;

/// `filters`
pub(super) fn filters(wire: Option<Vec<wire::Filter>>, at: &At<'_>, notes: &mut Notes) -> Vec<Filter> {
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_FILTERS, at, notes);
    wire.into_iter()
        .enumerate()
        .map(|(i, filter)| one(filter, &at.index(i), notes))
        .collect()
}

/// A filter whose type is not known, or whose settings are missing, is kept as unknown: its effect cannot be told.
fn one(wire: wire::Filter, at: &At<'_>, notes: &mut Notes) -> Filter {
    let kind = wire.kind.clone();
    let known = match kind.as_str() {
        "RequestHeaderModifier" => wire
            .request_header_modifier
            .map(|m| Filter::RequestHeaders(header_modifier(m, &at.field("requestHeaderModifier"), notes))),
        "ResponseHeaderModifier" => wire
            .response_header_modifier
            .map(|m| Filter::ResponseHeaders(header_modifier(m, &at.field("responseHeaderModifier"), notes))),
        "RequestRedirect" => wire
            .request_redirect
            .map(|r| Filter::Redirect(redirect(r, &at.field("requestRedirect"), notes))),
        "URLRewrite" => wire
            .url_rewrite
            .map(|r| Filter::Rewrite(rewrite(r, &at.field("urlRewrite"), notes))),
        "RequestMirror" => wire
            .request_mirror
            .map(|m| Filter::Mirror(Box::new(mirror(m, &at.field("requestMirror"), notes)))),
        "CORS" => wire.cors.map(|c| Filter::Cors(cors(c, &at.field("cors"), notes))),
        "ExternalAuth" => wire
            .external_auth
            .and_then(|a| external_auth(a, &at.field("externalAuth"), notes))
            .map(|auth| Filter::ExternalAuth(Box::new(auth))),
        "ExtensionRef" => wire
            .extension_ref
            .map(|r| Filter::Extension(reference(&r, ("", ""), &at.field("extensionRef"), notes))),
        _ => {
            notes.not_understood(&at.field("type"));
            return Filter::Unknown(kind.into());
        }
    };
    known.unwrap_or_else(|| {
        notes.meaningless(at, format!("a filter of type {kind} needs the settings of that type"));
        Filter::Unknown(kind.into())
    })
}

fn header_modifier(wire: wire::HeaderModifier, at: &At<'_>, notes: &mut Notes) -> HeaderModifier {
    let set = header_values(wire.set, &at.field("set"), notes);
    let add = header_values(wire.add, &at.field("add"), notes);
    let remove = wire.remove.unwrap_or_default();
    scalar::at_most(remove.len(), MAX_FILTERS, &at.field("remove"), notes);
    HeaderModifier {
        set,
        add,
        remove: remove.iter().map(|name| name.to_ascii_lowercase().into()).collect(),
    }
}

fn header_values(wire: Option<Vec<wire::HeaderChange>>, at: &At<'_>, notes: &mut Notes) -> Vec<HeaderValue> {
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_FILTERS, at, notes);
    wire.into_iter()
        .enumerate()
        .map(|(i, change)| HeaderValue {
            name: scalar::header_name(&change.name, &at.index(i).field("name"), notes),
            value: change.value.into(),
        })
        .collect()
}

fn redirect(wire: wire::Redirect, at: &At<'_>, notes: &mut Notes) -> Redirect {
    let scheme = wire.scheme.map(|scheme| scheme.to_ascii_lowercase());
    if scheme
        .as_deref()
        .is_some_and(|scheme| !matches!(scheme, "http" | "https"))
    {
        notes.invalid(&at.field("scheme"), "must be http or https");
    }
    let status = wire.status_code.unwrap_or(302);
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        notes.meaningless(
            &at.field("statusCode"),
            format!("must be 301, 302, 303, 307 or 308, not {status}"),
        );
    }
    Redirect {
        scheme: scheme.map(Into::into),
        hostname: wire
            .hostname
            .map(|host| scalar::precise_hostname(&host, &at.field("hostname"), notes)),
        path: wire.path.and_then(|path| path_modifier(path, &at.field("path"), notes)),
        port: scalar::optional_port(wire.port, &at.field("port"), notes),
        status: u16::try_from(status).unwrap_or(302),
    }
}

fn rewrite(wire: wire::Rewrite, at: &At<'_>, notes: &mut Notes) -> Rewrite {
    Rewrite {
        hostname: wire
            .hostname
            .map(|host| scalar::precise_hostname(&host, &at.field("hostname"), notes)),
        path: wire.path.and_then(|path| path_modifier(path, &at.field("path"), notes)),
    }
}

fn path_modifier(wire: wire::PathChange, at: &At<'_>, notes: &mut Notes) -> Option<PathModifier> {
    match wire.kind.as_str() {
        "ReplaceFullPath" => {
            if let Some(path) = wire.replace_full_path {
                return Some(PathModifier::Full(path.into()));
            }
            notes.meaningless(at, "the type ReplaceFullPath needs replaceFullPath");
        }
        "ReplacePrefixMatch" => {
            if let Some(path) = wire.replace_prefix_match {
                return Some(PathModifier::Prefix(path.into()));
            }
            notes.meaningless(at, "the type ReplacePrefixMatch needs replacePrefixMatch");
        }
        _ => notes.not_understood(&at.field("type")),
    }
    None
}

fn mirror(wire: wire::Mirror, at: &At<'_>, notes: &mut Notes) -> Mirror {
    if wire.percent.is_some() && wire.fraction.is_some() {
        notes.invalid(at, "percent and fraction must not be given together");
    }
    let share = match (wire.percent, wire.fraction) {
        (Some(percent), _) => MirrorShare {
            numerator: scalar::ranged(percent, 0..=100, &at.field("percent"), notes),
            denominator: 100,
        },
        (None, Some(fraction)) => mirror_fraction(&fraction, &at.field("fraction"), notes),
        (None, None) => MirrorShare::ALL,
    };
    Mirror {
        backend: backend_ref(wire.backend_ref, &at.field("backendRef"), notes),
        share,
    }
}

fn mirror_fraction(wire: &wire::Fraction, at: &At<'_>, notes: &mut Notes) -> MirrorShare {
    let denominator = wire.denominator.unwrap_or(100);
    let most = i64::from(u32::MAX);
    if wire.numerator > denominator {
        notes.invalid(at, "the numerator must not be greater than the denominator");
    }
    MirrorShare {
        numerator: scalar::ranged(wire.numerator, 0..=most, &at.field("numerator"), notes),
        denominator: scalar::ranged(denominator, 1..=most, &at.field("denominator"), notes),
    }
}

fn cors(wire: wire::Cors, at: &At<'_>, notes: &mut Notes) -> Cors {
    /// Seconds for which a client may keep the answer to a preflight, unless the filter says otherwise.
    const DEFAULT_MAX_AGE: i64 = 5;
    let max_age = wire.max_age.unwrap_or(DEFAULT_MAX_AGE);
    Cors {
        allow_origins: texts(wire.allow_origins),
        allow_credentials: wire.allow_credentials.unwrap_or(false),
        allow_methods: texts(wire.allow_methods),
        allow_headers: texts(wire.allow_headers),
        expose_headers: texts(wire.expose_headers),
        max_age: scalar::ranged(max_age, 1..=i64::from(i32::MAX), &at.field("maxAge"), notes),
    }
}

fn external_auth(wire: wire::Auth, at: &At<'_>, notes: &mut Notes) -> Option<ExternalAuth> {
    let protocol = match wire.protocol.as_str() {
        "HTTP" => AuthProtocol::Http,
        "GRPC" => AuthProtocol::Grpc,
        _ => {
            notes.not_understood(&at.field("protocol"));
            return None;
        }
    };
    let http = wire.http;
    let headers = http
        .as_ref()
        .and_then(|http| http.allowed_response_headers.clone())
        .unwrap_or_default();
    Some(ExternalAuth {
        protocol,
        backend: backend_ref(wire.backend_ref, &at.field("backendRef"), notes),
        path: http.and_then(|http| http.path).map(Into::into),
        allowed_response_headers: headers.iter().map(|name| name.to_ascii_lowercase().into()).collect(),
    })
}
