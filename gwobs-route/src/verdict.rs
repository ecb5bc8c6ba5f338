//! Whether the gateway was right.

use crate::RouteRef;

/// The three values of a verdict: `Mismatch` needs proof, in doubt it is `Inconclusive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The gateway did what the specs say.
    Match,
    /// It provably did not.
    Mismatch(Mismatch),
    /// Not settled, with the reason.
    Inconclusive(Inconclusive),
}

/// A verdict with what stands around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The verdict with the reason that comes first in the order of the enum.
    pub verdict: Verdict,
    /// Further reasons, in order, by their public names.
    pub also: Vec<&'static str>,
    /// On a mismatch, the rule that would explain what the gateway did.
    pub observed_route: Option<RouteRef>,
}

/// Reasons of a mismatch, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mismatch {
    /// A reference to another namespace was followed without a ReferenceGrant.
    NoReferenceGrant,
    /// A backend of weight 0 got the request.
    ZeroWeightBackend,
    /// An address that has left the expected Service got the request.
    StaleEndpoint,
    /// A backend of some other rule or Service got the request.
    WrongBackend,
    /// An address of no known Service got the request, while the expected backend's addresses are fully known.
    UnknownUpstream,
    /// A redirect or a local reply was due, and the request was forwarded.
    UnexpectedForward,
    /// A forward was due, and the gateway answered 404, or 500 without any attempt.
    UnexpectedReply,
    /// The redirect leads elsewhere.
    WrongRedirect,
    /// The status differs.
    WrongStatus,
    /// A rewrite or header change is missing or wrong.
    FilterNotApplied,
    /// A mirror is missing or wrong.
    WrongMirror,
}

impl Mismatch {
    /// The public name, as in JSONL and metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoReferenceGrant => "no_reference_grant",
            Self::ZeroWeightBackend => "zero_weight_backend",
            Self::StaleEndpoint => "stale_endpoint",
            Self::WrongBackend => "wrong_backend",
            Self::UnknownUpstream => "unknown_upstream",
            Self::UnexpectedForward => "unexpected_forward",
            Self::UnexpectedReply => "unexpected_reply",
            Self::WrongRedirect => "wrong_redirect",
            Self::WrongStatus => "wrong_status",
            Self::FilterNotApplied => "filter_not_applied",
            Self::WrongMirror => "wrong_mirror",
        }
    }
}

/// Reasons of an inconclusive verdict, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Inconclusive {
    /// Downstream and upstream could not be tied together beyond doubt.
    Unpaired,
    /// A head was longer than what is captured.
    Truncated,
    /// The bytes are encrypted.
    Encrypted,
    /// Events were lost.
    LostEvents,
    /// The connection was joined in the middle of a message.
    JoinedMidstream,
    /// Client or gateway gave up.
    Aborted,
    /// The gateway answered for reasons other than routing.
    GatewayReply,
    /// Not HTTP, or a version of it that is not understood.
    UnsupportedProtocol,
    /// The specs were changing.
    ConfigInFlux,
    /// The spec leaves it to the implementation, and no profile says what this one does.
    ImplementationDefined,
    /// The specs use something that is not understood.
    UnsupportedSpec,
}

impl Inconclusive {
    /// The public name, as in JSONL and metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unpaired => "unpaired",
            Self::Truncated => "truncated",
            Self::Encrypted => "encrypted",
            Self::LostEvents => "lost_events",
            Self::JoinedMidstream => "joined_midstream",
            Self::Aborted => "aborted",
            Self::GatewayReply => "gateway_reply",
            Self::UnsupportedProtocol => "unsupported_protocol",
            Self::ConfigInFlux => "config_in_flux",
            Self::ImplementationDefined => "implementation_defined",
            Self::UnsupportedSpec => "unsupported_spec",
        }
    }
}
