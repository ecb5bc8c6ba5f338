//! What goes wrong with a request, as far as it makes a difference what to do next.

use std::io;
use std::time::Duration;

/// Why a request gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The version to watch from is too old (410): list again.
    #[error("the resource version is too old")]
    Expired,
    /// There is no such collection (404): the CRD is not installed, or not in this version.
    #[error("there is no such resource")]
    Absent,
    /// We may not (401, 403).
    #[error("not permitted: {0}")]
    Denied(String),
    /// The server wants us to come again later (429, 503 with `Retry-After`).
    #[error("{message}")]
    Later {
        /// What it says.
        message: String,
        /// How long to wait at least.
        after: Duration,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Longest wait that a server can ask for: it may be wrong about it.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

impl Fault {
    /// How long the server wants us to wait.
    pub(super) fn retry_after(&self) -> Duration {
        match self {
            Self::Later { after, .. } => (*after).min(MAX_RETRY_AFTER),
            _ => Duration::ZERO,
        }
    }

    /// What a `Status` object says (an ERROR event of a watch, or the body of an error answer).
    pub(super) fn of_status(status: &kube::core::Status) -> Self {
        let after = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
        let message = if status.message.is_empty() {
            status.reason.clone()
        } else {
            status.message.clone()
        };
        match status.code {
            410 => Self::Expired,
            404 => Self::Absent,
            401 | 403 => Self::Denied(message),
            _ if after > 0 => Self::Later {
                message,
                after: Duration::from_secs(after.into()),
            },
            code => Self::Other(format!("{code}: {message}")),
        }
    }
}

impl From<kube::Error> for Fault {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(&status),
            other => Self::Other(with_sources(&other)),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(format!("the answer is not understood: {error}"))
    }
}

impl From<kube::core::request::Error> for Fault {
    fn from(error: kube::core::request::Error) -> Self {
        Self::Other(error.to_string())
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
