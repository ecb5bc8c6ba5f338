//! Watches a cluster on a thread of its own, and tells what is new.

mod item;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gwobs_route::ObjectName;
use gwobs_route::lint::CrossReference;
use gwobs_route::profile::Profile;
use kube::Client;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use self::item::{Item, definition, pod, service, spec};
use super::client::{Access, ConnectError};
use super::collection::Collection;
use super::definitions::Definitions;
use super::discovery::{Served, discover_for_ever};
use super::events::{Occasion, Publisher};
use super::kinds::{CONFIG_MAP, DEFINITION, POD, SECRET, WatchedKind};
use super::local::concerns;
use super::news::News;
use super::reflector::{Delta, Reflector, Report};
use super::state::{Keeper, State, cut_off};
use crate::certificates::{self, Certificates, Due, due};
use crate::dataplanes::{Extra, Plane, Roster};
use crate::event::Timestamp;
use crate::notice::{Notice, Reason};
use crate::output::{Redaction, boottime};
use crate::specs::{Index, SourceId, Spec, Standing, Whose};

/// Deltas on their way; a reflector waits when there are more.
const DELTAS: usize = 1024;
/// News on their way.
const NEWS: usize = 64;
/// Notices on their way.
const NOTICES: usize = 64;
/// How long changes gather before a snapshot is taken of them: well below the hold, so that a change is known before anybody
/// is accused; and long enough that the snapshots of a convergence window, of which so many are kept, stay few while
/// endpoints come and go all the time.
const GATHER: Duration = Duration::from_millis(250);
/// Secrets and ConfigMaps that are watched, at most: each takes a watch of its own. Certificates of further listeners are
/// assumed to be fine.
const NAMED: usize = 512;

/// What to watch.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which cluster.
    pub access: Access,
    /// The data plane, `None` to tell it from each Gateway's class.
    pub profile: Option<Profile>,
    /// The node whose pods are wanted; none without it.
    pub node: Option<String>,
    /// Pods that are data planes although their labels do not say so.
    pub extras: Vec<Extra>,
    /// No Secret is read: all that are named are assumed to be as they should.
    pub without_secrets: bool,
    /// How to look at the certificates that the pods serve; not at all without it.
    pub handshakes: Option<certificates::Settings>,
    /// Notices about objects become Kubernetes Events.
    pub events: bool,
}

/// A watched cluster. Watching ends with it.
#[derive(Debug)]
pub struct Feed {
    news: Receiver<News>,
    state: Arc<ArcSwap<State>>,
    certificates: Arc<ArcSwap<Certificates>>,
    notices: Sender<Notice>,
}

impl Feed {
    /// Takes notices, which become Kubernetes Events if that is wanted.
    #[must_use]
    pub fn notices(&self) -> Sender<Notice> {
        self.notices.clone()
    }

    /// What the cluster is like as a whole, renewed as it changes; empty until all of it is known.
    #[must_use]
    pub fn state(&self) -> Arc<ArcSwap<State>> {
        Arc::clone(&self.state)
    }

    /// What is known of the certificates that this node's gateways serve, renewed as it changes.
    #[must_use]
    pub fn certificates(&self) -> Arc<ArcSwap<Certificates>> {
        Arc::clone(&self.certificates)
    }

    /// Waits for news; `None` if watching broke, which it does only by a defect. Cancel safe.
    pub async fn next(&mut self) -> Option<News> {
        self.news.recv().await
    }
}

/// Begins to watch. Nothing is asked of the cluster before this returns: whether it answers is told by the news.
///
/// # Errors
///
/// If there is no way to the cluster, or no thread to be had.
pub fn watch(settings: Settings) -> Result<Feed, ConnectError> {
    let (news, receiver) = channel(NEWS);
    let (started, start) = std::sync::mpsc::channel();
    let keeper = Keeper::new();
    let state = keeper.out();
    let certificates = Arc::<ArcSwap<Certificates>>::default();
    let out = Arc::clone(&certificates);
    let (notices, noticed) = channel(NOTICES);
    let failed = |error: io::Error| ConnectError::Client(kube::Error::ReadEvents(error));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let run = move || {
        runtime.block_on(async move {
            let client = settings.access.client().await;
            let (client, told) = match client {
                Ok(client) => (Some(client), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // Whoever started this waits for it.
            let _ = started.send(told);
            if let Some(client) = client {
                Watcher::new(client, settings, keeper, news).run(out, noticed).await;
            }
        });
    };
    std::thread::Builder::new()
        .name("cluster".to_owned())
        .spawn(run)
        .map_err(failed)?;
    start
        .recv()
        .unwrap_or_else(|_| Err(failed(io::Error::other("the thread that watches ended"))))?;
    Ok(Feed {
        news: receiver,
        state,
        certificates,
        notices,
    })
}

struct Watcher {
    client: Client,
    settings: Settings,
    index: Index,
    roster: Roster,
    definitions: Definitions,
    keeper: Keeper,
    news: Sender<News>,
    reports: (Sender<Report<Item>>, Receiver<Report<Item>>),
    tasks: BTreeMap<SourceId, AbortHandle>,
    publisher: Option<Publisher>,
    /// The certificates that are due at this node.
    due: watch::Sender<Vec<Due>>,
    served: Served,
    /// Asks for discovery.
    changed: Arc<Notify>,
    told: Told,
}

/// What was told last.
#[derive(Default)]
struct Told {
    in_flux: Option<Timestamp>,
    /// `None` before the first time: that there are none is news too.
    planes: Option<Vec<Plane>>,
    /// Whether the planes can have changed since.
    planes_due: bool,
    specs: bool,
}

/// Nobody wants to hear more.
struct Closed;

/// Stands for the question which kinds are served, which must be answered too before the index is complete.
fn discovery() -> SourceId {
    source("discovery")
}

fn source(plural: &'static str) -> SourceId {
    SourceId { plural, only: None }
}

impl Watcher {
    fn new(client: Client, settings: Settings, keeper: Keeper, news: Sender<News>) -> Self {
        let mut index = Index::new(settings.profile);
        index.add_source(discovery());
        if settings.node.is_some() {
            // Whose Secrets are read depends on them.
            index.add_source(source(POD.plural));
        }
        Self {
            client,
            index,
            roster: Roster::new(settings.extras.clone()),
            settings,
            definitions: Definitions::default(),
            keeper,
            news,
            reports: channel(DELTAS),
            tasks: BTreeMap::new(),
            publisher: None,
            due: watch::Sender::default(),
            served: Served::default(),
            changed: Arc::default(),
            told: Told {
                in_flux: Some(Timestamp::default()),
                ..Told::default()
            },
        }
    }

    /// Runs until nobody listens.
    async fn run(mut self, certificates: Arc<ArcSwap<Certificates>>, mut notices: Receiver<Notice>) {
        let (found, mut served) = channel(1);
        if let Some(settings) = self.settings.handshakes {
            // Ends with the one who says what is due.
            tokio::spawn(certificates::probe(settings, self.due.subscribe(), certificates));
        }
        if self.settings.events {
            self.publisher = Some(Publisher::start(&self.client, self.settings.node.as_deref()));
        }
        let discovering = discover_for_ever(self.client.clone(), Arc::clone(&self.changed), found);
        let discovering = tokio::spawn(discovering).abort_handle();
        self.start(
            source(DEFINITION.plural),
            Collection::all(&DEFINITION, "v1").metadata_only(),
            definition,
        );
        if let Some(node) = &self.settings.node {
            let pods = Collection::all(&POD, "v1").with_fields(format!("spec.nodeName={node}"));
            self.start(source(POD.plural), pods, pod);
        }
        let mut ticks = interval(GATHER);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                Some(served) = served.recv() => { self.serve(served); Ok(()) }
                Some((source, delta)) = self.reports.1.recv() => { self.take(&source, delta); Ok(()) }
                Some(notice) = notices.recv() => { self.announce(notice); Ok(()) }
                _ = ticks.tick() => self.tell().await,
                () = self.news.closed() => Err(Closed),
            };
            if told.is_err() {
                break;
            }
        }
        discovering.abort();
        self.tasks.values().for_each(AbortHandle::abort);
    }

    fn start(&mut self, source: SourceId, collection: Collection, read: fn(Value) -> Item) {
        let reflector = Reflector {
            client: self.client.clone(),
            source: source.clone(),
            collection,
            read,
            out: self.reports.0.clone(),
        };
        let task = tokio::spawn(reflector.run()).abort_handle();
        if let Some(before) = self.tasks.insert(source, task) {
            before.abort();
        }
    }

    fn stop(&mut self, source: &SourceId) {
        if let Some(task) = self.tasks.remove(source) {
            task.abort();
        }
        self.index.remove_source(source, boottime().0);
    }

    /// These kinds are served now: watches those that are new, in the version that is best now.
    fn serve(&mut self, served: Served) {
        let before = std::mem::take(&mut self.served);
        for (kind, version) in &before.kinds {
            if served.kinds.get(kind) != Some(version) {
                tracing::info!("{} {version} is no longer watched", kind.kind);
                self.stop(&source(kind.plural));
            }
        }
        for (kind, version) in &served.kinds {
            if before.kinds.get(kind) != Some(version) {
                tracing::debug!("watching {} {version}", kind.kind);
                self.index.add_source(source(kind.plural));
                let read = if kind.kind == "Service" { service } else { spec };
                self.start(source(kind.plural), Collection::all(kind, version), read);
            }
        }
        self.served = served;
        self.index.replace(&discovery(), Vec::new(), boottime().0);
    }

    fn take(&mut self, source: &SourceId, delta: Delta<Item>) {
        match source.plural {
            "pods" => self.take_pods(delta),
            "customresourcedefinitions" => self.take_definitions(delta),
            _ => self.take_specs(source, delta),
        }
    }

    fn take_pods(&mut self, delta: Delta<Item>) {
        let pod = |item| match item {
            Item::Pod(pod) => pod,
            _ => None,
        };
        match delta {
            Delta::Replaced(items) => {
                let kept: Vec<_> = items.iter().map(|(name, _)| name.clone()).collect();
                for gone in self.roster.pods().iter().filter(|name| !kept.contains(name)) {
                    self.told.planes_due |= self.roster.pod(gone, None);
                }
                for (name, item) in items {
                    self.told.planes_due |= self.roster.pod(&name, pod(item));
                }
                self.index.replace(&source(POD.plural), Vec::new(), boottime().0);
            }
            Delta::Applied(name, item) => self.told.planes_due |= self.roster.pod(&name, pod(item)),
            Delta::Deleted(name) => self.told.planes_due |= self.roster.pod(&name, None),
            Delta::Unreadable(why) => self.index.unreadable(&source(POD.plural), why, boottime().0),
            // Pods that were known go on being watched; their processes tell of their own end.
            Delta::Lost(_) | Delta::InStep => {}
        }
    }

    fn take_definitions(&mut self, delta: Delta<Item>) {
        let definition = |item| match item {
            Item::Definition(definition) => Some(definition),
            _ => None,
        };
        let changed = match delta {
            Delta::Replaced(items) => self.definitions.replace(
                items
                    .into_iter()
                    .filter_map(|(name, item)| Some((name.name, definition(item)?))),
            ),
            Delta::Applied(name, item) => definition(item).is_some_and(|new| self.definitions.apply(name.name, new)),
            Delta::Deleted(name) => self.definitions.delete(&name.name),
            Delta::Lost(_) | Delta::InStep | Delta::Unreadable(_) => false,
        };
        if changed {
            self.keeper.note(false);
            self.changed.notify_one();
        }
    }

    fn take_specs(&mut self, source: &SourceId, delta: Delta<Item>) {
        let now = boottime().0;
        match delta {
            Delta::Replaced(items) => {
                if source.plural == "services" {
                    self.forget_services(&items);
                }
                let specs = items
                    .into_iter()
                    .filter_map(|(name, item)| Some((name.clone(), self.spec(&name, item)?)));
                let specs = specs.collect::<Vec<_>>();
                self.index.replace(source, specs, now);
            }
            Delta::Applied(name, item) => {
                if let Some(spec) = self.spec(&name, item) {
                    self.index.apply(source, name, spec, now);
                }
            }
            Delta::Deleted(name) => {
                if source.plural == "services" {
                    self.told.planes_due |= self.roster.service(&name, None);
                }
                self.index.delete(source, &name, now);
            }
            Delta::Unreadable(why) => self.index.unreadable(source, why, now),
            Delta::Lost(since) => self.index.lose(source, since.0),
            Delta::InStep => self.index.regain(source),
        }
    }

    /// The spec of an item; what else there is to a Service is put where it belongs.
    fn spec(&mut self, name: &ObjectName, item: Item) -> Option<Spec> {
        match item {
            Item::Spec(spec) => Some(*spec),
            Item::Service(spec, ports) => {
                self.told.planes_due |= self.roster.service(name, ports);
                Some(*spec)
            }
            Item::Pod(_) | Item::Definition(_) => None,
        }
    }

    fn forget_services(&mut self, kept: &[(ObjectName, Item)]) {
        let kept: BTreeSet<&ObjectName> = kept.iter().map(|(name, _)| name).collect();
        for gone in self.roster.services() {
            if !kept.contains(&gone) {
                self.told.planes_due |= self.roster.service(&gone, None);
            }
        }
    }

    /// Tells what is new since it was told the last time. The specs come before the word that they are complete.
    async fn tell(&mut self) -> Result<(), Closed> {
        let touched = self.index.touched();
        if touched || self.told.planes_due {
            self.watch_named();
        }
        if touched {
            self.keeper.note(false);
        }
        let standing = self.index.standing();
        if standing != Standing::Incomplete {
            self.tell_specs().await?;
            self.tell_planes().await?;
            let revoked = self.keeper.keep(&mut self.index, &self.definitions);
            self.announce_revoked(&revoked);
        }
        let in_flux = match standing {
            Standing::InStep => None,
            Standing::LostSince(since) => Some(Timestamp(since)),
            Standing::Incomplete => Some(self.told.in_flux.unwrap_or_else(boottime)),
        };
        match (self.told.in_flux, in_flux) {
            (before, now) if before == now => return Ok(()),
            (_, Some(since)) => self.send(News::InFlux(since)).await?,
            (Some(_), None) => self.send(News::InStep).await?,
            (None, None) => {}
        }
        self.told.in_flux = in_flux;
        Ok(())
    }

    async fn tell_specs(&mut self) -> Result<(), Closed> {
        let first = !std::mem::replace(&mut self.told.specs, true);
        let changed = self.index.changed();
        let Some(snapshot) = changed.or_else(|| first.then(|| self.index.now().1)) else {
            return Ok(());
        };
        if self.index.restructured() {
            self.keeper.note(true);
        }
        self.told.planes_due = true;
        let redaction = Redaction::of_routes(self.index.objects().routes().map(|route| &**route));
        self.send(News::Specs { snapshot, redaction }).await
    }

    async fn tell_planes(&mut self) -> Result<(), Closed> {
        if self.settings.node.is_none() || !std::mem::take(&mut self.told.planes_due) {
            return Ok(());
        }
        let (objects, snapshot) = self.index.now();
        let planes = self.roster.planes(objects, &snapshot);
        let certificates = due(&planes, objects, &snapshot);
        self.due
            .send_if_modified(|told| std::mem::replace(told, certificates) != *told);
        if self.told.planes.as_ref() == Some(&planes) {
            return Ok(());
        }
        self.told.planes = Some(planes.clone());
        self.send(News::Planes(planes)).await
    }

    /// Watches the Secrets and ConfigMaps that are named now, and no others: of Secrets those of this node's Gateways.
    fn watch_named(&mut self) {
        let local = self.roster.gateways(self.index.objects());
        let whose = match &self.settings {
            settings if settings.without_secrets => Whose::Nobodys,
            settings if settings.node.is_some() => Whose::Of(&local),
            _ => Whose::Everybodys,
        };
        let wanted = self.index.wanted(whose);
        self.watch_only(&SECRET, wanted.secrets, wanted.assumed);
        self.watch_only(&CONFIG_MAP, wanted.config_maps, BTreeSet::new());
    }

    /// Of the objects of a kind, watches these, assumes that those are as they should, and forgets all others.
    fn watch_only(&mut self, kind: &WatchedKind, mut read: BTreeSet<ObjectName>, mut assumed: BTreeSet<ObjectName>) {
        if let Some(first) = read.iter().nth(NAMED).cloned() {
            tracing::warn!("{} {} are named, {NAMED} are watched", read.len(), kind.plural);
            assumed.append(&mut read.split_off(&first));
        }
        let known = self.index.named_sources(kind.plural);
        for gone in known
            .iter()
            .filter(|name| !read.contains(*name) && !assumed.contains(*name))
        {
            self.stop(&named(kind, gone));
        }
        for name in assumed {
            let source = named(kind, &name);
            let watched = self.tasks.remove(&source);
            if watched.is_some() || !known.contains(&name) {
                self.index.assume(&source, boottime().0);
            }
            watched.iter().for_each(AbortHandle::abort);
        }
        for name in read {
            let source = named(kind, &name);
            if !self.tasks.contains_key(&source) {
                self.index.add_source(source.clone());
                self.start(source, Collection::one(kind, "v1", &name), spec);
            }
        }
    }

    /// Grants that traffic of this node's Gateways depended on.
    fn announce_revoked(&self, revoked: &[CrossReference]) {
        if revoked.is_empty() {
            return;
        }
        let gateways = self.roster.gateways(self.index.objects());
        for reference in revoked {
            if concerns(&reference.from, &gateways, self.index.objects()) {
                self.announce(Notice {
                    reason: Reason::ReferenceGrantRevoked,
                    regarding: reference.from.clone(),
                    text: cut_off(reference),
                });
            }
        }
    }

    /// Makes an Event of a notice, if that is wanted.
    fn announce(&self, notice: Notice) {
        let mut kinds = self.served.kinds.iter();
        let served = kinds.find(|(kind, _)| kind.is(notice.regarding.kind));
        if let (Some(publisher), Some((kind, version))) = (&self.publisher, served) {
            let (kind, version) = (*kind, *version);
            publisher.offer(Occasion { notice, kind, version });
        }
    }

    async fn send(&self, news: News) -> Result<(), Closed> {
        self.news.send(news).await.map_err(|_| Closed)
    }
}

fn named(kind: &WatchedKind, name: &ObjectName) -> SourceId {
    SourceId {
        plural: kind.plural,
        only: Some(name.clone()),
    }
}
