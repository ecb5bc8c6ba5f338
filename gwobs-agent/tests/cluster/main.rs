//! Watching a cluster: kube-rs over HTTP against the testbed's API server, which goes wrong on demand.

mod discovery;
mod events;
mod faults;
mod loading;
mod permissions;
mod planes;
mod secrets;
mod watching;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use gwobs_agent::cluster::{Access, Feed, News, Settings, watch};
use gwobs_agent::dataplanes::Plane;
use gwobs_route::{Action, Arrival, ObjectName, Request, Snapshot, WireProtocol, decide};
use serde_json::{Value, json};
use std::sync::Arc;
use xtask::testbed::api::Api;

/// No news within this time fails the test; faults are retried within a few seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// An API server with a watcher of it, and what the watcher told last.
struct World {
    api: Api,
    feed: Feed,
    runtime: tokio::runtime::Runtime,
    snapshot: Option<Arc<Snapshot>>,
    in_step: bool,
    planes: Vec<Plane>,
    planes_told: bool,
    _directory: tempfile::TempDir,
}

impl World {
    fn watch(api: Api) -> Result<Self> {
        Self::watch_with(api, |_| {})
    }

    fn watch_with(api: Api, change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut settings = Settings {
            access: access(&api, &directory)?,
            node: Some("node-1".to_owned()),
            ..Settings::default()
        };
        change(&mut settings);
        let feed = watch(settings)?;
        Ok(Self {
            api,
            feed,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            snapshot: None,
            in_step: false,
            planes: Vec::new(),
            planes_told: false,
            _directory: directory,
        })
    }

    /// Takes news until the world is as wanted.
    fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !wanted(self) {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let next = self
                .runtime
                .block_on(async { tokio::time::timeout(left, self.feed.next()).await });
            match next
                .with_context(|| format!("no news of this: {what}"))?
                .context("watching ended")?
            {
                News::Specs { snapshot, .. } => self.snapshot = Some(snapshot),
                News::InFlux(_) => self.in_step = false,
                News::InStep => self.in_step = true,
                News::Planes(planes) => (self.planes, self.planes_told) = (planes, true),
            }
        }
        Ok(())
    }

    /// Takes news until everything is told that is there.
    fn until_in_step(&mut self) -> Result<()> {
        self.until("all is in step", |world| world.in_step && world.snapshot.is_some())
    }

    /// The backend that a GET of this path is due for.
    fn backend(&self, path: &str) -> Option<String> {
        backend(self.snapshot.as_deref()?, path)
    }

    fn until_backend(&mut self, path: &str, backend: &str) -> Result<()> {
        self.until(&format!("{path} is due for {backend}"), |world| {
            world.backend(path).as_deref() == Some(backend)
        })
    }

    fn generation(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.generation())
    }
}

fn access(api: &Api, directory: &tempfile::TempDir) -> Result<Access> {
    let kubeconfig = directory.path().join("kubeconfig");
    api.kubeconfig(&kubeconfig)?;
    Ok(Access {
        kubeconfig: Some(kubeconfig),
        context: None,
    })
}

/// The one backend that a GET of this path is due for.
fn backend(snapshot: &Snapshot, path: &str) -> Option<String> {
    let gateway = ObjectName {
        namespace: "shop".into(),
        name: "web".into(),
    };
    let request = Request {
        method: "GET",
        authority: Some("shop.test"),
        path: Some(path),
        headers: &[],
        sni: None,
    };
    let arrival = Arrival::at_gateway(&gateway, 80, WireProtocol::Http);
    match decide(snapshot, &arrival, &request).action {
        Action::Forward { backends, .. } => match backends.as_slice() {
            [only] => Some(only.backend.service.name.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// A class, a Gateway and two Services with endpoints.
fn shop() -> Result<Api> {
    let api = Api::with_gateway_api()?;
    fill(&api)?;
    Ok(api)
}

fn fill(api: &Api) -> Result<()> {
    api.apply(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "proxy"}, "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
    }))?;
    api.apply(gateway(&json!([{"name": "http", "port": 80, "protocol": "HTTP"}])))?;
    for (index, name) in ["cart", "catalog"].into_iter().enumerate() {
        api.apply(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"ports": [{"port": 80}]},
        }))?;
        api.apply(json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": name}},
            "endpoints": [{"addresses": [format!("10.0.0.{}", index + 1)]}], "ports": [{"port": 8080}],
        }))?;
    }
    api.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}))
}

fn gateway(listeners: &Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"gatewayClassName": "proxy", "listeners": listeners},
    })
}

fn route(name: &str, path: &str, backend: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "parentRefs": [{"name": "web"}],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": [{"name": backend, "port": 80}],
            }],
        },
    })
}

/// Fails unless a condition holds within some time; for what is seen from outside only.
fn eventually(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !holds() {
        if std::time::Instant::now() > deadline {
            bail!("{what}: not within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
