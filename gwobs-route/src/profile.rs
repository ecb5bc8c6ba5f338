//! Data-plane profiles: what a gateway does where the spec leaves it to the implementation. A profile never excuses what
//! the spec forbids.

mod known;

/// The data planes whose free choices are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "each variant is a product's name, as `as_str` writes it")]
pub enum Profile {
    /// Nothing is known: whatever depends on a free choice is `implementation_defined`.
    #[default]
    Generic,
    EnvoyGateway,
    Istio,
    Contour,
    NginxGatewayFabric,
    Haproxy,
    Traefik,
    Cilium,
    Kgateway,
}

/// The free choices; `None` or several readings where a choice is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// Regular-expression dialect.
    pub dialect: Option<Dialect>,
    /// Where regular-expression paths stand.
    pub regex_rank: Option<RegexRank>,
    /// Of several regular expressions the one with the longer text comes first; else the spec's further criteria decide.
    pub regex_longest_first: Option<bool>,
    /// `GatewayHTTPListenerIsolation`: a request sees only the routes of the most specific listener of its port.
    pub listener_isolation: Option<bool>,
    /// True if a request that no rule of the most specific hostname matches goes on to less specific hostnames.
    pub hostname_fallthrough: Option<bool>,
    /// How a header that the request repeats is matched.
    pub repeated_headers: Option<RepeatedHeader>,
    /// What may happen to the path before matching; the likeliest first, never empty.
    pub paths: &'static [PathReading],
}

/// Dialect of regular expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// RE2 and its kin (Go `regexp`): no look-around, no back-references.
    Re2,
    /// PCRE and its kin.
    Pcre,
}

/// Where regular-expression paths stand among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegexRank {
    /// After exact paths, before prefixes.
    BeforePrefix,
    /// After prefixes.
    AfterPrefix,
}

/// How a header that the request repeats is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RepeatedHeader {
    /// By its values joined with `,`.
    Joined,
    /// By its first value.
    First,
    /// By any of its values.
    Any,
}

/// What a gateway does to a path before it matches routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PathReading {
    /// Percent-encoded characters are decoded, except an encoded `/`.
    pub decode: bool,
    /// `//` becomes `/`.
    pub merge_slashes: bool,
    /// `.` and `..` segments are resolved (RFC 3986 section 5.2.4).
    pub dot_segments: bool,
}

impl PathReading {
    /// As it came.
    pub const RAW: Self = Self {
        decode: false,
        merge_slashes: false,
        dot_segments: false,
    };
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 9] = [
        Self::Generic,
        Self::EnvoyGateway,
        Self::Istio,
        Self::Contour,
        Self::NginxGatewayFabric,
        Self::Haproxy,
        Self::Traefik,
        Self::Cilium,
        Self::Kgateway,
    ];

    /// The name used on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::EnvoyGateway => "envoy-gateway",
            Self::Istio => "istio",
            Self::Contour => "contour",
            Self::NginxGatewayFabric => "nginx-gateway-fabric",
            Self::Haproxy => "haproxy",
            Self::Traefik => "traefik",
            Self::Cilium => "cilium",
            Self::Kgateway => "kgateway",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }

    /// The profile of a GatewayClass's `controllerName`; generic if it is not known.
    #[must_use]
    pub fn of_controller(controller: &str) -> Self {
        let known = known::CONTROLLERS
            .iter()
            .find(|(prefix, _)| controller.starts_with(prefix));
        known.map_or(Self::Generic, |&(_, profile)| profile)
    }

    /// What this data plane does.
    #[must_use]
    pub fn behaviour(self) -> &'static Behaviour {
        known::behaviour(self)
    }
}
