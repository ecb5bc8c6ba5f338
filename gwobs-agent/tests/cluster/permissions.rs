//! What the API permits.

use anyhow::Result;
use gwobs_agent::cluster::{Purpose, permissions};
use xtask::testbed::api::Api;

use crate::access;

#[test]
fn what_is_denied_is_named_with_its_verbs() -> Result<()> {
    let api = Api::start()?;
    api.forbid(&["watch"], "gateway.networking.k8s.io", "httproutes");
    api.forbid(&["list", "watch"], "", "secrets");
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = runtime.block_on(permissions(&access(&api, &directory)?))?;
    let denied: Vec<_> = all
        .iter()
        .filter(|one| !one.denied.is_empty())
        .map(|one| (&*one.resource, &*one.denied, one.purpose))
        .collect();
    let (routes, secrets): (&[&str], &[&str]) = (&["watch"], &["list", "watch"]);
    assert_eq!(
        denied,
        [
            ("httproutes.gateway.networking.k8s.io", routes, Purpose::Decisions),
            ("secrets", secrets, Purpose::Certificates),
        ]
    );
    for resource in ["pods", "endpointslices.discovery.k8s.io", "events.events.k8s.io"] {
        assert!(all.iter().any(|one| one.resource == resource), "{resource}");
    }
    api.set_down(true);
    assert!(runtime.block_on(permissions(&access(&api, &directory)?)).is_err());
    Ok(())
}
