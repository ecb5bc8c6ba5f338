//! gwobs end to end with every data plane: what must hold whichever it is. Clients know which backend answered every
//! request; each test compares that, request by request, with what `gwobs observe` said.
//!
//! These tests need root and fail without it.

#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod connections;
mod rewrites;
mod routing;

use std::collections::HashMap;
use xtask::testbed::plane::DataPlane;
use xtask::testbed::shop;
use xtask::testbed::trial::{observe, observe_exactly};

/// The data plane that a scenario runs with.
type Plane = &'static dyn DataPlane;

/// How often each text occurs.
fn tally<'a>(texts: impl IntoIterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    for text in texts {
        *counts.entry(text).or_insert(0) += 1;
    }
    counts
}
