//! The agent behind the `gwobs` binary: loads probes, reads events, pairs, watches specs, judges, serves.
//!
//! All I/O of the project lives in this crate; from [`event::KernelEvent`] to [`finished::Finished`] it is
//! synchronous and deterministic, with time as an argument.

pub mod certificates;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod connections;
pub mod dataplanes;
pub mod event;
pub mod exchange;
pub mod finished;
pub mod metrics;
pub mod misroutes;
pub mod notice;
pub mod output;
pub mod pairing;
pub mod pipeline;
pub mod probes;
pub mod processes;
pub mod recording;
pub mod specs;
pub mod tls;
pub mod weighed;
