//! A Kubernetes cluster as a source of specs and of data planes: all that is asynchronous about it.
//!
//! ```text
//! API ─► discovery ─► which kinds are served, in which version
//!     ─► reflectors, one a collection: list, then watch ─► Delta ─► watcher ─► specs::Index ─► Arc<Snapshot> ─► News
//!                                                                          └─► dataplanes  ─► Plane          ─► News
//! ```
//!
//! One thread with its own runtime does all of it, so that a list of ten thousand routes never keeps the thread that reads
//! kernel events from doing so. What leaves it is immutable.
//!
//! **Invariant.** While it is not known that the index holds what the API holds (before the first lists are complete, after
//! a watch was lost), the news say so, and decisions are `config_in_flux`.
//!
//! What a node's agent does without, to stay small: Pods of other nodes; Secrets and ConfigMaps that no listener or policy
//! names, and of Secrets everything but their metadata and certificate; schemas of CRDs; `managedFields`; Events.

mod agents;
mod client;
mod collection;
mod definitions;
mod discovery;
mod error;
mod events;
mod kinds;
mod load;
mod local;
mod news;
mod permissions;
mod reflector;
mod state;
mod watcher;

pub use agents::{AgentPod, AgentsError, agents};
pub use client::{Access, ConnectError};
pub use definitions::Definition;
pub use load::{LoadClusterError, load};
pub use news::News;
pub use permissions::{Permission, PermissionError, Purpose, permissions};
pub use state::{CHANGES, GrantChanges, State};
pub use watcher::{Feed, Settings, watch};
