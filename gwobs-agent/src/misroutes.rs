//! What is remembered of mismatches, for whoever is on call: groups of those that are alike, each with a few examples and the
//! proof of each.
//!
//! ```text
//! Finished ─► Store: groups, bounded ─► /api/v1/misroutes, to this host only ─► gwobs misroutes
//! ```
//!
//! **Invariant.** Nothing is kept of a request that the JSONL would not show: values are redacted before they come here.

mod api;
mod condition;
mod key;
mod mend;
mod proof;
mod store;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use api::{PATH, router};
pub use store::Misroutes;
pub use wire::{Considered, Example, Group, Listing, Proof, Route};
