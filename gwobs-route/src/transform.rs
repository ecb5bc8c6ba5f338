//! What the filters of a gateway can turn a request into: the facts that pairing relies on (`DESIGN.md`, decision 3).
//!
//! A gateway that routes wrongly applies the wrong rule's filters, so every rule counts, not only the right one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::compile::{CompiledMatch, CompiledRoute, PathTest};
use crate::judge::is_left_alone;
use crate::model::{AuthProtocol, BackendRef, ExternalAuth, Filter, PathModifier, Rule};
use crate::profile::{PathReading, Profile};
use crate::view::{View, host_of, is_plain, lower, normalise, split_query};
use crate::{ObjectName, Request, Snapshot};

/// Originals of one forwarded request that are told apart; a gateway where more rules rewrite to the same place leaves
/// the question open.
const MAX_ORIGINALS: usize = 32;

/// All rewrites of one port of a gateway, each once.
#[derive(Debug, Default)]
pub(crate) struct Transforms {
    /// Hosts that a rewrite may put in place of the authority, in lower case.
    hosts: HashSet<Box<str>>,
    /// Names of backends with their namespaces.
    backends: HashMap<Arc<str>, HashSet<Arc<str>>>,
    full_paths: HashSet<Box<str>>,
    /// Replacements with the prefixes they replace, all without trailing `/`.
    replacements: HashMap<Box<str>, HashSet<Box<str>>>,
    /// Headers that filters set, add or remove.
    changed_headers: HashSet<Arc<str>>,
    /// An authorization service may have set any header.
    any_header_changed: bool,
    /// A filter of unknown effect may have changed anything.
    opaque: bool,
    /// Query parameters, headers and cookies that a match, a filter or persistence looks at.
    looked_at: LookedAt,
}

#[derive(Debug, Default)]
struct LookedAt {
    headers: HashSet<Arc<str>>,
    query: HashSet<Arc<str>>,
    /// Rewrites and redirects carry the whole query along.
    whole_target: bool,
}

/// True if any rule attached to that port of the gateway, right or wrong, or none at all, can have turned `original` into
/// `forwarded`. Method, authority and path decide; headers exclude nothing. A filter of unknown effect can have done
/// anything but change the method.
#[must_use]
pub fn may_become(
    snapshot: &Snapshot,
    gateway: &ObjectName,
    port: u16,
    original: &Request<'_>,
    forwarded: &Request<'_>,
) -> bool {
    let ports = snapshot.port(gateway, false, port);
    ports.is_some_and(|(_, table)| table.transforms.may_become(original, forwarded))
}

/// True if nothing that decides over the two requests differs: method, authority, server name, path, and every header, query
/// parameter and cookie that a match, a filter or persistence of that port looks at.
#[must_use]
pub fn equal_for_routing(
    snapshot: &Snapshot,
    gateway: &ObjectName,
    port: u16,
    one: &Request<'_>,
    other: &Request<'_>,
) -> bool {
    let ports = snapshot.port(gateway, false, port);
    ports.is_some_and(|(_, table)| table.transforms.equal_for_routing(one, other))
}

/// Which parts of a request the client sent as the gateway passed them on, as far as routing looks at them: no rule can
/// have made them out of others, right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// The authority.
    pub authority: bool,
    /// The path.
    pub path: bool,
    /// Every header that a match, a filter or persistence looks at.
    pub headers: bool,
}

/// What of `forwarded` must be what the client sent, by the rules attached to that port of the gateway.
#[must_use]
pub fn kept(snapshot: &Snapshot, gateway: &ObjectName, port: u16, forwarded: &Request<'_>) -> Kept {
    let ports = snapshot.port(gateway, false, port);
    ports.map_or(Kept::default(), |(_, table)| table.transforms.kept(forwarded))
}

/// True if a match, a filter or persistence of that port looks at any header.
#[must_use]
pub fn looks_at_headers(snapshot: &Snapshot, gateway: &ObjectName, port: u16) -> bool {
    let ports = snapshot.port(gateway, false, port);
    ports.is_none_or(|(_, table)| !table.transforms.looked_at.headers.is_empty())
}

impl LookedAt {
    fn add_match(&mut self, one: &CompiledMatch) {
        for header in &one.headers {
            if !self.headers.contains(&header.name) {
                self.headers.insert(header.name.clone());
            }
        }
        for parameter in &one.query {
            if !self.query.contains(&parameter.name) {
                self.query.insert(parameter.name.clone());
            }
        }
    }
}

impl Transforms {
    /// Those of `routes`, which may come several times.
    pub(crate) fn of<'a>(routes: impl Iterator<Item = &'a Arc<CompiledRoute>>) -> Self {
        let mut transforms = Self::default();
        let mut seen = HashSet::new();
        for compiled in routes.filter(|route| seen.insert(Arc::as_ptr(route))) {
            for (rule, matches) in compiled.route.rules.iter().zip(&compiled.rules) {
                let prefixes = matches.iter().filter_map(|one| match &one.path {
                    PathTest::Prefix(prefix) => Some(&**prefix),
                    _ => None,
                });
                let prefixes: Vec<_> = prefixes.collect();
                transforms.add_rule(rule, &prefixes, &compiled.route.meta.name.namespace);
                matches.iter().for_each(|one| transforms.looked_at.add_match(one));
            }
            transforms.opaque |= !compiled.route.meta.unknown.is_empty();
        }
        transforms
    }

    fn add_rule(&mut self, rule: &Rule, prefixes: &[&str], namespace: &Arc<str>) {
        let of_backends = rule.backends.iter().flat_map(|backend| &backend.filters);
        for filter in rule.filters.iter().chain(of_backends) {
            self.add_filter(filter, prefixes);
        }
        for backend in &rule.backends {
            self.add_backend(backend, namespace);
        }
        if rule.session.is_some() {
            self.looked_at.headers.insert("cookie".into());
            let name = rule.session.as_ref().and_then(|session| session.name.as_ref());
            self.looked_at
                .headers
                .extend(name.map(|name| name.to_ascii_lowercase().into()));
        }
    }

    fn add_filter(&mut self, filter: &Filter, prefixes: &[&str]) {
        match filter {
            Filter::Rewrite(rewrite) => {
                self.hosts
                    .extend(rewrite.hostname.as_ref().map(|host| host.to_ascii_lowercase().into()));
                self.add_path(rewrite.path.as_ref(), prefixes);
            }
            Filter::Redirect(_) => self.looked_at.whole_target = true,
            Filter::Extension(_) | Filter::Unknown(_) => self.opaque = true,
            Filter::RequestHeaders(modifier) => {
                self.looked_at
                    .headers
                    .extend(modifier.add.iter().map(|header| header.name.clone()));
                let changed = modifier.set.iter().chain(&modifier.add).map(|header| &header.name);
                self.changed_headers.extend(changed.chain(&modifier.remove).cloned());
            }
            Filter::Cors(_) => self
                .looked_at
                .headers
                .extend(["origin", "access-control-request-method"].map(Into::into)),
            Filter::ExternalAuth(auth) => self.add_auth(auth),
            Filter::ResponseHeaders(_) | Filter::Mirror(_) => {}
        }
    }

    /// What the service answers may be copied into the request (`HTTPAuthConfig.allowedResponseHeaders`: without a list, all
    /// headers); over gRPC it sets what it likes.
    fn add_auth(&mut self, auth: &ExternalAuth) {
        self.any_header_changed |= auth.protocol == AuthProtocol::Grpc || auth.allowed_response_headers.is_empty();
        self.changed_headers
            .extend(auth.allowed_response_headers.iter().cloned());
    }

    fn add_path(&mut self, path: Option<&PathModifier>, prefixes: &[&str]) {
        self.looked_at.whole_target |= path.is_some();
        match path {
            Some(PathModifier::Full(path)) => {
                self.full_paths.insert((**path).into());
            }
            Some(PathModifier::Prefix(replacement)) => {
                let replacement = without_slash(replacement);
                let replaced = self.replacements.entry(replacement.into()).or_default();
                replaced.extend(prefixes.iter().map(|&prefix| Box::from(prefix)));
            }
            None => {}
        }
    }

    /// Gateways may send a backend its own name as the authority.
    fn add_backend(&mut self, backend: &BackendRef, namespace: &Arc<str>) {
        let namespace = backend.target.namespace.as_ref().unwrap_or(namespace);
        let known = self
            .backends
            .get(&*backend.target.name)
            .is_some_and(|known| known.contains(namespace));
        if !known {
            self.backends
                .entry(backend.target.name.clone())
                .or_default()
                .insert(namespace.clone());
        }
    }

    /// `service`, `service.namespace`, and anything after that, such as `.svc.cluster.local`.
    fn is_backend_name(&self, host: &str) -> bool {
        let (service, rest) = host.split_once('.').unwrap_or((host, ""));
        let namespace = rest.split('.').next().unwrap_or("");
        let namespaces = self.backends.get(service);
        namespaces.is_some_and(|known| namespace.is_empty() || known.contains(namespace))
    }

    /// See [`may_become`](crate::may_become).
    pub(crate) fn may_become(&self, original: &Request<'_>, forwarded: &Request<'_>) -> bool {
        original.method == forwarded.method
            && (self.opaque
                || (self.authority_may_become(original.authority, forwarded.authority)
                    && self.target_may_become(original, forwarded)))
    }

    fn authority_may_become(&self, original: Option<&str>, forwarded: Option<&str>) -> bool {
        let (Some(original), Some(forwarded)) = (original, forwarded) else {
            return true;
        };
        if original == forwarded {
            return true;
        }
        let (original, forwarded) = (host_of(original), host_of(forwarded));
        original.eq_ignore_ascii_case(forwarded)
            || forwarded.parse::<std::net::IpAddr>().is_ok()
            || self.hosts.contains(&*lower(forwarded))
            || self.is_backend_name(&lower(forwarded))
    }

    fn target_may_become(&self, original: &Request<'_>, forwarded: &Request<'_>) -> bool {
        match (original.path, forwarded.path) {
            (Some(original), Some(forwarded)) => original == forwarded || self.path_may_become(original, forwarded),
            (original, forwarded) => original == forwarded,
        }
    }

    fn path_may_become(&self, original: &str, forwarded: &str) -> bool {
        let (from, query) = split_query(original);
        let (to, forwarded_query) = split_query(forwarded);
        if self.full_paths.contains(to) {
            return true;
        }
        let same_query = query.unwrap_or("") == forwarded_query.unwrap_or("");
        same_query && (self.prefix_may_become(from, to) || self.same_when_normalised(from, to))
    }

    /// Where `to` is a replacement followed by a rest, `from` must end with that rest and begin with its prefix.
    fn prefix_may_become(&self, from: &str, to: &str) -> bool {
        if self.replacements.is_empty() {
            return false;
        }
        let mut cuts = to.match_indices('/').map(|(at, _)| at).chain([to.len()]);
        cuts.any(|cut| to.split_at_checked(cut).is_some_and(|(replacement, rest)| self.replaced(from, replacement, rest)))
            // A prefix that is all of the path leaves only the replacement.
            || self.replaced(without_slash(from), without_slash(to), "")
    }

    fn replaced(&self, from: &str, replacement: &str, rest: &str) -> bool {
        let prefixes = self.replacements.get(replacement);
        prefixes.is_some_and(|prefixes| from.strip_suffix(rest).is_some_and(|prefix| prefixes.contains(prefix)))
    }

    /// Rare: a path with encoded characters or doubled slashes, that the gateway normalised, and maybe rewrote.
    fn same_when_normalised(&self, from: &str, to: &str) -> bool {
        if is_plain(from) && is_plain(to) {
            return false;
        }
        let (from, to) = (normalised(from), normalised(to));
        from == to || self.prefix_may_become(&from, &to)
    }

    /// Every target that the client may have sent where the gateway sent `forwarded`, that very one first; `None` if they
    /// cannot be told: a host, a whole path or a header that decides may have been another, or there are too many.
    pub(crate) fn originals(&self, forwarded: &Request<'_>) -> Option<Vec<String>> {
        let target = forwarded.path?;
        let (path, query) = split_query(target);
        let kept = self.kept(forwarded);
        let told = kept.authority && kept.headers && !self.full_paths.contains(path);
        // Of a path that gateways read in several ways the part that was replaced is not certain either.
        if !told || !(kept.path || is_plain(path)) {
            return None;
        }
        let mut originals = vec![target.to_owned()];
        for path in self.unreplaced(path) {
            let original = with_query(path, query);
            if !originals.contains(&original) {
                originals.push(original);
            }
        }
        (originals.len() <= MAX_ORIGINALS).then_some(originals)
    }

    /// The paths of which a rewritten prefix can have made this one.
    fn unreplaced(&self, path: &str) -> Vec<String> {
        let cuts = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let halves = cuts.filter_map(|cut| path.split_at_checked(cut));
        let mut paths = Vec::new();
        for (replacement, rest) in halves.chain([(without_slash(path), "")]) {
            for prefix in self.replacements.get(replacement).into_iter().flatten() {
                let mut add = |rest: &str| {
                    let whole = format!("{prefix}{rest}");
                    paths.push(if whole.is_empty() { "/".to_owned() } else { whole });
                };
                add(rest);
                // A trailing `/` may go with the prefix.
                if rest.is_empty() {
                    add("/");
                }
            }
        }
        paths
    }

    /// See [`kept`](crate::kept).
    fn kept(&self, forwarded: &Request<'_>) -> Kept {
        let (path, _) = split_query(forwarded.path.unwrap_or(""));
        let mut cuts = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let rewritten = self.full_paths.contains(path)
            || cuts.any(|cut| {
                path.get(..cut)
                    .is_some_and(|start| self.replacements.contains_key(start))
            });
        let host = forwarded.authority.map(|authority| lower(host_of(authority)));
        let own_host = host.is_some_and(|host| {
            !self.hosts.contains(&*host) && !self.is_backend_name(&host) && host.parse::<std::net::IpAddr>().is_err()
        });
        let same =
            |name: &Arc<str>| !self.any_header_changed && !self.changed_headers.contains(name) && !is_left_alone(name);
        Kept {
            authority: !self.opaque && own_host,
            path: !self.opaque && !rewritten,
            headers: !self.opaque && self.looked_at.headers.iter().all(same),
        }
    }

    /// See [`equal_for_routing`](crate::equal_for_routing).
    pub(crate) fn equal_for_routing(&self, one: &Request<'_>, other: &Request<'_>) -> bool {
        let behaviour = Profile::Generic.behaviour();
        let (left, right) = (View::new(one, behaviour), View::new(other, behaviour));
        let query = |name: &Arc<str>| {
            let values = |view: &View<'_>| -> Vec<String> {
                let named = view.query_pairs().filter(|(own, _)| **own == **name);
                named.map(|(_, value)| value.to_owned()).collect()
            };
            values(&left) == values(&right)
        };
        one.method == other.method
            && one.authority == other.authority
            && one.sni == other.sni
            && left.path == right.path
            && (!self.looked_at.whole_target && !self.opaque || left.query == right.query)
            && self.looked_at.query.iter().all(query)
            && self
                .looked_at
                .headers
                .iter()
                .all(|name| left.header(name).eq(right.header(name)))
    }
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

fn with_query(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

fn normalised(path: &str) -> String {
    let reading = PathReading {
        decode: true,
        merge_slashes: true,
        dot_segments: true,
    };
    normalise(path, reading).unwrap_or_else(|| path.to_owned())
}
