//! What is known of each data plane, with the source of every entry. What has no source stays unknown.

use super::{Behaviour, Dialect, PathReading, Profile, RegexRank, RepeatedHeader};

/// Beginnings of `controllerName`, as each project documents its GatewayClass.
pub(super) const CONTROLLERS: &[(&str, Profile)] = &[
    ("gateway.envoyproxy.io/", Profile::EnvoyGateway),
    ("istio.io/", Profile::Istio),
    ("projectcontour.io/", Profile::Contour),
    ("gateway.nginx.org/", Profile::NginxGatewayFabric),
    ("haproxy-ingress.github.io/", Profile::Haproxy),
    ("gate.haproxy.org/", Profile::Haproxy),
    ("traefik.io/", Profile::Traefik),
    ("io.cilium/", Profile::Cilium),
    ("kgateway.dev/", Profile::Kgateway),
];

const DECODE: PathReading = PathReading {
    decode: true,
    ..PathReading::RAW
};
const MERGE: PathReading = PathReading {
    merge_slashes: true,
    ..PathReading::RAW
};
const DOTS: PathReading = PathReading {
    dot_segments: true,
    ..PathReading::RAW
};
const MERGE_DOTS: PathReading = PathReading {
    decode: false,
    merge_slashes: true,
    dot_segments: true,
};
const DECODE_DOTS: PathReading = PathReading {
    decode: true,
    merge_slashes: false,
    dot_segments: true,
};
const DECODE_MERGE: PathReading = PathReading {
    decode: true,
    merge_slashes: true,
    dot_segments: false,
};
const ALL: PathReading = PathReading {
    decode: true,
    merge_slashes: true,
    dot_segments: true,
};

/// Every reading is possible.
const GENERIC: Behaviour = Behaviour {
    dialect: None,
    regex_rank: None,
    regex_longest_first: None,
    listener_isolation: None,
    hostname_fallthrough: None,
    repeated_headers: None,
    paths: &[
        PathReading::RAW,
        MERGE_DOTS,
        ALL,
        DOTS,
        MERGE,
        DECODE,
        DECODE_DOTS,
        DECODE_MERGE,
    ],
};

/// What all control planes of Envoy have in common:
/// * `RegexMatcher` is RE2 (Envoy, `type.matcher.v3.RegexMatcher`);
/// * a virtual host is chosen by the most specific domain, and its routes alone are tried (Envoy,
///   `config.route.v3.VirtualHost.domains`: exact, longest suffix wildcard, `*`);
/// * a repeated header is matched by its values joined with `,` (Envoy, `source/common/http/header_utility.cc`,
///   `getAllOfHeaderAsString`).
const ENVOY: Behaviour = Behaviour {
    dialect: Some(Dialect::Re2),
    hostname_fallthrough: Some(false),
    repeated_headers: Some(RepeatedHeader::Joined),
    ..GENERIC
};

/// * Exact, then regular expressions, then prefixes, each by length (`internal/gatewayapi/sort.go` since
///   envoy-gateway#2579);
/// * claims `GatewayHTTPListenerIsolation` (its conformance reports of Gateway API v1.2 and later);
/// * normalises paths and merges slashes unless a ClientTrafficPolicy says otherwise (its docs, `PathSettings`). Whether
///   unreserved characters are decoded is not said.
const ENVOY_GATEWAY: Behaviour = Behaviour {
    regex_rank: Some(RegexRank::BeforePrefix),
    regex_longest_first: Some(true),
    listener_isolation: Some(true),
    paths: &[MERGE_DOTS, ALL],
    ..ENVOY
};

/// * Exact, then prefixes, then regular expressions, each by length (`pilot/pkg/config/kube/gateway/conversion.go`,
///   `sortHTTPRoutes`, `getURIRank`);
/// * paths by `pathNormalization`, by default `BASE`: dot segments and `\`, no merged slashes (MeshConfig reference).
const ISTIO: Behaviour = Behaviour {
    regex_rank: Some(RegexRank::AfterPrefix),
    regex_longest_first: Some(true),
    paths: &[DOTS, DECODE_DOTS],
    ..ENVOY
};

/// Regular expressions before prefixes (`internal/sorter/sorter.go` since contour#1283); among themselves by text in older
/// releases, by length in newer ones (contour#5752).
const CONTOUR: Behaviour = Behaviour {
    regex_rank: Some(RegexRank::BeforePrefix),
    ..ENVOY
};

/// Exact, then regular expressions, then prefixes, each by length (`operator/pkg/model/translation/envoy_virtual_host.go`,
/// `SortableRoute`).
const CILIUM: Behaviour = Behaviour {
    regex_rank: Some(RegexRank::BeforePrefix),
    regex_longest_first: Some(true),
    ..ENVOY
};

/// Exact, then regular expressions, then prefixes; whether longer expressions come first depends on the release
/// (`routeutils/sortable_route.go`, `routeWrapperLessFunc`).
const KGATEWAY: Behaviour = Behaviour {
    regex_rank: Some(RegexRank::BeforePrefix),
    ..ENVOY
};

/// * NGINX is built with PCRE, and chooses one server block by name (nginx.org, "Server names");
/// * locations match the path with `%XX` decoded, dot segments resolved and slashes merged (nginx.org,
///   `ngx_http_core_module`, `location`, `merge_slashes`);
/// * claims `GatewayHTTPListenerIsolation` (its conformance reports).
const NGINX_GATEWAY_FABRIC: Behaviour = Behaviour {
    dialect: Some(Dialect::Pcre),
    hostname_fallthrough: Some(false),
    listener_isolation: Some(true),
    paths: &[ALL, MERGE_DOTS],
    ..GENERIC
};

/// * Built with PCRE2 (its INSTALL); the unified gateway tries prefixes first;
/// * `normalize-uri` is off unless configured (HAProxy configuration manual, `http-request normalize-uri`).
const HAPROXY: Behaviour = Behaviour {
    dialect: Some(Dialect::Pcre),
    regex_rank: Some(RegexRank::AfterPrefix),
    paths: &[PathReading::RAW],
    ..GENERIC
};

/// * Go's `regexp` (Traefik documentation, "Rules": `PathRegexp`, `HeaderRegexp`);
/// * each match is a router of its own with a `Host` condition, so that a request goes on to other hostnames
///   (`pkg/provider/kubernetes/gateway/httproute.go`);
/// * requests are sanitised, so dot segments and doubled slashes go (documentation, `sanitizePath`).
const TRAEFIK: Behaviour = Behaviour {
    dialect: Some(Dialect::Re2),
    hostname_fallthrough: Some(true),
    repeated_headers: Some(RepeatedHeader::Any),
    paths: &[MERGE_DOTS, ALL],
    ..GENERIC
};

pub(super) fn behaviour(profile: Profile) -> &'static Behaviour {
    match profile {
        Profile::Generic => &GENERIC,
        Profile::EnvoyGateway => &ENVOY_GATEWAY,
        Profile::Istio => &ISTIO,
        Profile::Contour => &CONTOUR,
        Profile::NginxGatewayFabric => &NGINX_GATEWAY_FABRIC,
        Profile::Haproxy => &HAPROXY,
        Profile::Traefik => &TRAEFIK,
        Profile::Cilium => &CILIUM,
        Profile::Kgateway => &KGATEWAY,
    }
}
