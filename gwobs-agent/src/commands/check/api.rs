//! Asking the API server what it permits.

use super::Need;
use crate::cluster::{Access, Permission, Purpose, permissions};

/// What the API permits, if there is a cluster to ask: the one that is named, or that of the pod we are in.
pub(super) fn needs(named: Option<Access>) -> std::io::Result<Vec<Need>> {
    let in_cluster = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    let Some(access) = named.or_else(|| in_cluster.then(Access::default)) else {
        return Ok(Vec::new());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let needs = match runtime.block_on(permissions(&access)) {
        Ok(permissions) => permissions.iter().map(need).collect(),
        Err(error) => vec![Need::new("Kubernetes API", Err(error.to_string()))],
    };
    Ok(needs)
}

/// A right as a need. One that the agent can do without is met in any case, with what follows.
pub(super) fn need(permission: &Permission) -> Need {
    let name = format!("API: {} {}", permission.verbs.join(" and "), permission.resource);
    let denied = permission.denied.join(" and ");
    let found = match (permission.denied.is_empty(), permission.purpose) {
        (true, _) => Ok(String::new()),
        (false, Purpose::Decisions) => Err(format!(
            "the API server does not permit to {denied}: extend the ClusterRole"
        )),
        (false, Purpose::Certificates) => Ok(format!(
            "may not {denied}: certificates that are named are assumed to be there and valid, unless a Role permits it in their namespace"
        )),
        (false, Purpose::Events) => Ok(format!("may not {denied}: notices stand in the log only")),
    };
    Need::new(name, found)
}
