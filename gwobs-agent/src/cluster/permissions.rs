//! What the API lets the agent do, asked of the API itself.

use futures::future::try_join_all;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::core::params::PostParams;
use kube::{Api, Client};

use super::client::{Access, ConnectError};
use super::error::Fault;
use super::kinds::{BUILT_IN, CONFIG_MAP, CUSTOM, DEFINITION, POD, SECRET, WatchedKind};

/// What a right is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Without it decisions are wrong or none.
    Decisions,
    /// Without it certificates are assumed to be fine.
    Certificates,
    /// Without it notices stand in the log only.
    Events,
}

/// The rights to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `plural.group`, or the plural alone in the core group.
    pub resource: String,
    /// What is wanted of it.
    pub verbs: &'static [&'static str],
    /// What of that is not permitted.
    pub denied: Vec<&'static str>,
    /// What it is for.
    pub purpose: Purpose,
}

/// Why the API did not say.
#[derive(Debug, thiserror::Error)]
pub enum PermissionError {
    /// There is no way to it.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It does not answer, or not this.
    #[error("the API server does not say what is permitted: {0}")]
    Review(String),
}

const READ: &[&str] = &["list", "watch"];
const WRITE: &[&str] = &["create", "patch"];

/// Asks for every right that the agent uses (SelfSubjectAccessReview). Must be called within a tokio runtime.
///
/// # Errors
///
/// If there is no way to the cluster, or it does not answer.
pub async fn permissions(access: &Access) -> Result<Vec<Permission>, PermissionError> {
    let client = access.client().await?;
    let decisions = BUILT_IN.into_iter().chain(CUSTOM).chain([POD, DEFINITION]);
    let decisions = decisions.map(|kind| (kind.group, kind.plural, READ, Purpose::Decisions));
    let certificates =
        [SECRET, CONFIG_MAP].map(|kind: WatchedKind| (kind.group, kind.plural, READ, Purpose::Certificates));
    let events = ("events.k8s.io", "events", WRITE, Purpose::Events);
    let all = decisions.chain(certificates).chain([events]);
    let asked = all.map(|(group, plural, verbs, purpose)| permission(&client, group, plural, verbs, purpose));
    let answered = try_join_all(asked).await;
    answered.map_err(|fault| PermissionError::Review(fault.to_string()))
}

async fn permission(
    client: &Client,
    group: &'static str,
    plural: &'static str,
    verbs: &'static [&'static str],
    purpose: Purpose,
) -> Result<Permission, Fault> {
    let asked = verbs.iter().map(|verb| may(client, group, plural, verb));
    let answers = try_join_all(asked).await?;
    let denied = verbs.iter().zip(answers).filter(|(_, may)| !may);
    Ok(Permission {
        resource: match group {
            "" => plural.to_owned(),
            group => format!("{plural}.{group}"),
        },
        denied: denied.map(|(verb, _)| *verb).collect(),
        verbs,
        purpose,
    })
}

async fn may(client: &Client, group: &str, plural: &str, verb: &str) -> Result<bool, Fault> {
    let attributes = ResourceAttributes {
        group: Some(group.to_owned()),
        resource: Some(plural.to_owned()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
