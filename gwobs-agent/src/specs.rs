//! Specs: Kubernetes objects from files or a cluster to the model of `gwobs-route`.
//!
//! ```text
//! files   ─► document (YAML, with places) ─► object (identity) ─► convert (wire types end here) ─► Loaded ─► InForce ─┐
//! cluster ─► deltas of values             ─► object            ─► convert                       ─► Index ─────────────┴─► Arc<Snapshot>
//! ```
//!
//! Nothing is dropped in silence: what is not understood becomes a [`Finding`] that names the file, the line, the object
//! and the field, and decisions that depend on it are not used to accuse a gateway.

mod certificate;
mod convert;
mod decode;
mod document;
mod files;
mod finding;
mod grant;
mod in_force;
mod index;
mod load;
mod notes;
mod object;
mod read;
mod report;
mod watch;
mod wire;
mod withhold;

pub use certificate::of_der as certificate_of_der;
pub(crate) use convert::GATEWAY_GROUP;
pub use decode::{Misfit, decode};
pub use document::{MAX_FILE_BYTES, Place, SyntaxError};
pub use files::FileError;
pub use finding::{Concern, Finding, ObjectId};
pub use grant::grant_manifest;
pub use in_force::{InForce, UnknownGateway};
pub use index::{Index, SourceId, Standing, Wanted, Whose};
pub use load::{LoadError, Loaded, ManifestFile, load, load_sources, load_text};
pub use read::Spec;
pub use report::Report;
pub use watch::{Broken, Manifests, POLL_INTERVAL, Poll};
