//! The kinds of findings.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing need be wrong.
    Info,
    /// Probably not what was meant.
    Warning,
    /// Requests fail, or the API server or gateway refuses the object.
    Error,
}

impl Severity {
    /// The public name, as in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $severity:ident,)+) => {
        /// What kind of finding it is. The names are stable: scripts and CI may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The public name, as in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// How bad such a finding is, unless its circumstances make it better or worse.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)+
                }
            }
        }
    };
}

codes! {
    /// A rule that can never win: for every request that it matches, another match comes first.
    ShadowedRule "shadowed-rule" Warning,
    /// A match that can never win, in a rule that can.
    ShadowedMatch "shadowed-match" Warning,
    /// The same match in two routes; the older route wins.
    IdenticalMatch "identical-match" Warning,
    /// Two matches overlap, and a known gateway orders them in another way than the spec.
    OrderDeparts "order-departs" Info,
    /// A prefix that is the beginning of another path without being a prefix of its path elements.
    PrefixNotElement "prefix-not-element" Info,
    /// Routes of several namespaces share a hostname at one listener.
    TenantHostname "tenant-hostname" Warning,
    /// Routes of two kinds claim one hostname at one listener, or one port of a Service: one of them is refused.
    RouteKindConflict "route-kind-conflict" Error,
    /// A hostname of a route that meets no listener, or stands in a route of a mesh.
    HostnameUnreachable "hostname-unreachable" Warning,
    /// Listeners that cannot share their port.
    ListenerConflict "listener-conflict" Error,
    /// A route without parents.
    ParentMissing "parent-missing" Warning,
    /// The parent does not exist.
    ParentNotFound "parent-not-found" Error,
    /// The parent has no listener (a Service: no port) of that section and port.
    ParentListenerNotFound "parent-listener-not-found" Error,
    /// No listener of the parent accepts the route, or the Service is none to be a parent.
    ParentRefuses "parent-refuses" Error,
    /// The Gateway's class does not exist.
    ClassNotFound "class-not-found" Error,
    /// A ListenerSet that its Gateway does not allow.
    ListenerSetNotAllowed "listener-set-not-allowed" Error,
    /// A reference to another namespace without a ReferenceGrant.
    GrantMissing "grant-missing" Error,
    /// A ReferenceGrant, or an entry of one, that permits nothing that is used.
    GrantUnused "grant-unused" Warning,
    /// The backend does not exist.
    BackendNotFound "backend-not-found" Error,
    /// The Service has no such port.
    BackendPortNotFound "backend-port-not-found" Error,
    /// A reference to a Service without port.
    BackendPortMissing "backend-port-missing" Error,
    /// A backend of a kind that is not known.
    BackendKindUnknown "backend-kind-unknown" Info,
    /// A rule without backends and without a filter that answers.
    NoBackends "no-backends" Error,
    /// All weights of a rule are 0.
    WeightsAllZero "weights-all-zero" Error,
    /// Weights that look like percentages and do not sum to 100.
    WeightsSum "weights-sum" Info,
    /// The weight of an only backend, which has no effect.
    WeightWithoutEffect "weight-without-effect" Info,
    /// The same backend twice in one rule.
    BackendRepeated "backend-repeated" Warning,
    /// A feature that the GatewayClass does not list.
    FeatureNotSupported "feature-not-supported" Warning,
    /// A regular expression that no dialect takes.
    RegexInvalid "regex-invalid" Error,
    /// A regular expression whose meaning depends on the gateway's dialect.
    RegexDialect "regex-dialect" Warning,
    /// A regular expression that looks as if it were meant to match a part of the value.
    RegexUnanchored "regex-unanchored" Warning,
    /// A regular expression on the path that cannot match any path.
    RegexNeverMatches "regex-never-matches" Error,
    /// A regular expression where an exact match or a prefix says the same.
    RegexNeedless "regex-needless" Info,
    /// Several conditions on one header; only the first counts.
    HeaderRepeated "header-repeated" Warning,
    /// Several conditions on one query parameter; only the first counts.
    QueryRepeated "query-repeated" Warning,
    /// A header value that looks like a list of alternatives.
    HeaderList "header-list" Warning,
    /// A regular expression that only asks whether a header contains something.
    HeaderContains "header-contains" Info,
    /// A whole Cookie header compared with one cookie.
    HeaderCookie "header-cookie" Warning,
    /// A header match on what the spec has a field for.
    HeaderPseudo "header-pseudo" Warning,
    /// A field that is not understood.
    FieldUnknown "field-unknown" Warning,
    /// Too much to compare: not everything was looked at.
    NotCompared "not-compared" Info,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
