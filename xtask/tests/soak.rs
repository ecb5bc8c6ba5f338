//! A short version of `cargo xtask soak`: the same figures within the same bounds, about a minute for all data planes.
//!
//! These tests need root and fail without it.

use anyhow::{Result, ensure};
use xtask::soak::{Figures, Size, exact, idle, overload, worst};
use xtask::testbed::plane::DataPlane;

xtask::on_every_plane!(
    mixed_requests_a_few_misrouted,
    idle_connections,
    a_ring_buffer_that_is_too_small,
    hundreds_of_requests_that_nothing_tells_apart,
);

fn assert_within_bounds(figures: &impl Figures) -> Result<()> {
    let faults = figures.faults();
    ensure!(faults.is_empty(), "{figures}\n{}", faults.join("\n"));
    Ok(())
}

fn mixed_requests_a_few_misrouted(plane: &'static dyn DataPlane) -> Result<()> {
    let size = Size {
        requests: 6_000,
        concurrency: 64,
        one_in: 200,
    };
    assert_within_bounds(&exact::measure(plane, size)?)
}

fn idle_connections(plane: &'static dyn DataPlane) -> Result<()> {
    assert_within_bounds(&idle::measure(plane, 2_000)?)
}

fn a_ring_buffer_that_is_too_small(plane: &'static dyn DataPlane) -> Result<()> {
    assert_within_bounds(&overload::measure(plane, 3_000)?)
}

fn hundreds_of_requests_that_nothing_tells_apart(plane: &'static dyn DataPlane) -> Result<()> {
    assert_within_bounds(&worst::measure(plane, 3_000)?)
}
