//! A small Kubernetes API server in memory: as much of the API as a Gateway API controller and gwobs use, with faults on
//! demand. Real Traefik and kube-rs run against it.
//!
//! ```text
//! test ─► Api::apply, delete ─► Store ─► lists and watches over HTTP ─► controller, gwobs
//!                                 ▲                                        │
//!                                 └──────── status, Events ◄───────────────┘
//! ```
//!
//! What a real server does and this one leaves out: validation, admission, protobuf, patches other than merge patches; who may
//! do what is a table of what a test forbids ([`Api::forbid`]). Kinds of CRDs are there when their CRD is ([`Api::install`]).

mod defaults;
mod fault;
mod query;
mod resource;
mod rights;
mod selector;
mod server;
mod status;
mod store;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

pub use fault::{Break, Fault, Verb};
use resource::Resource;
use server::Shared;
use store::{Key, Store};

/// A running server; ends with the value.
pub struct Api {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Api {
    /// Starts a server without objects, and without the kinds of the Gateway API.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen for the API server")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        server::start(listener, Arc::clone(&shared))?;
        Ok(Self { shared, address })
    }

    /// Starts a server with all kinds of the Gateway API in the versions of the given release.
    pub fn with_gateway_api() -> Result<Self> {
        let api = Self::start()?;
        for name in resource::GATEWAY_API {
            api.install(name, "v1.4.0", "standard")?;
        }
        Ok(api)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a kubeconfig file that leads here.
    pub fn kubeconfig(&self, path: &Path) -> Result<()> {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "testbed",
            "clusters": [{"name": "testbed", "cluster": {"server": self.url()}}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "nobody"}}],
            "users": [{"name": "nobody", "user": {}}],
        });
        std::fs::write(path, config.to_string()).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Adds the CRD of a kind, named `plural.group`, in the versions that the API knows for it; objects of it can be
    /// stored from now on.
    pub fn install(&self, name: &str, bundle: &str, channel: &str) -> Result<()> {
        let resource = resource::named(name).with_context(|| format!("no kind {name} is known"))?;
        self.apply(resource.definition(bundle, channel))
    }

    /// Creates or replaces an object, with the defaults that a server fills in.
    pub fn apply(&self, mut object: Value) -> Result<()> {
        let (resource, key) = self.key(&object)?;
        defaults::fill(resource.kind, &mut object);
        self.store(|store| store.put(key, object, false));
        Ok(())
    }

    /// Stores an object as it is, however odd.
    pub fn apply_raw(&self, object: Value) -> Result<()> {
        let (_, key) = self.key(&object)?;
        self.store(|store| store.put(key, object, false));
        Ok(())
    }

    /// Deletes an object; fails if it is not there.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<()> {
        let key = Self::named(kind, namespace, name)?;
        self.store(|store| store.delete(&key))
            .with_context(|| format!("there is no {kind} {namespace}/{name}"))
    }

    /// An object as it is now.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = Self::named(kind, namespace, name).ok()?;
        self.store(|store| store.get(&key).cloned())
    }

    /// Every object of a kind.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        let Some(resource) = resource::of_kind(kind) else {
            return Vec::new();
        };
        self.store(|store| store.of(resource).map(|(_, object)| object.clone()).collect())
    }

    /// Waits until an object is as wanted; gives it.
    pub fn wait_for(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        within: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let deadline = Instant::now() + within;
        loop {
            let object = self.get(kind, namespace, name);
            if let Some(object) = object.as_ref().filter(|object| wanted(object)) {
                return Ok(object.clone());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{kind} {namespace}/{name} is not as wanted within {within:?}: {object:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// From now on nobody may do this with a resource, named by its group and plural: requests get 403, and reviews say so.
    pub fn forbid(&self, verbs: &[&str], group: &str, plural: &str) {
        let rights = &mut self.shared.lock().rights;
        verbs.iter().for_each(|verb| rights.forbid(verb, group, plural));
    }

    /// Takes [`Self::forbid`] back.
    pub fn allow(&self, verbs: &[&str], group: &str, plural: &str) {
        let rights = &mut self.shared.lock().rights;
        verbs.iter().for_each(|verb| rights.allow(verb, group, plural));
    }

    /// The next so many requests of this kind for this resource (its plural) go wrong.
    pub fn fail(&self, plural: &str, verb: Verb, fault: Fault, times: usize) {
        self.shared.lock().faults.plan(plural, verb, fault, times);
    }

    /// Ends all watches of a resource (its plural) that are open now.
    pub fn break_watches(&self, plural: &str, how: Break) {
        self.shared.lock().faults.break_watches(plural, how);
        self.shared.changed.notify_all();
    }

    /// From now on a client's watches of a resource (its plural) stay open and tell nothing, as over a connection whose
    /// other end is gone. The client is known by a part of its User-Agent.
    pub fn stall_watches(&self, plural: &str, client: &str) {
        self.shared.lock().faults.stall(plural, client);
    }

    /// Watches of this resource that were stalled tell what they have not told, and go on.
    pub fn resume_watches(&self, plural: &str) {
        self.shared.lock().faults.resume(plural);
        self.shared.changed.notify_all();
    }

    /// Ports that are forwarded to this pod lead here.
    pub fn forward_ports(&self, namespace: &str, pod: &str, to: SocketAddr) {
        self.shared.lock().forwards.insert(format!("{namespace}/{pod}"), to);
    }

    /// Forgets the history: whoever watches from an earlier version, and is not watching now, gets 410.
    pub fn forget_history(&self) {
        self.store(Store::forget);
    }

    /// While down, connections end without an answer.
    pub fn set_down(&self, down: bool) {
        self.shared.lock().faults.down = down;
        self.shared.changed.notify_all();
    }

    /// Requests so far for paths that contain this text.
    pub fn requests(&self, part: &str) -> usize {
        let state = self.shared.lock();
        state.requests.iter().filter(|target| target.contains(part)).count()
    }

    fn key(&self, object: &Value) -> Result<(&'static Resource, Key)> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("/apiVersion"), text("/kind"));
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        let resource = resource::of(group, kind).with_context(|| format!("no kind {version} {kind} is known"))?;
        let key = Key::new(resource, text("/metadata/namespace"), text("/metadata/name"));
        let served = self.store(|store| store.serves(resource));
        anyhow::ensure!(served, "the CRD of {kind} is not installed");
        Ok((resource, key))
    }

    fn named(kind: &str, namespace: &str, name: &str) -> Result<Key> {
        let resource = resource::of_kind(kind).with_context(|| format!("no kind {kind} is known"))?;
        Ok(Key::new(resource, namespace, name))
    }

    fn store<R>(&self, work: impl FnOnce(&mut Store) -> R) -> R {
        let result = work(&mut self.shared.lock().store);
        self.shared.changed.notify_all();
        result
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
        // Wakes the thread in accept, which then sees that it is over.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(200));
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, server::State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
