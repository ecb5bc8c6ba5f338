//! What the BPF programs and the agent share: event layouts, limits, kernel tables and counter ids.
//!
//! Values cross as bytes in host order. The agent reads them field by field, never by transmuting.
#![no_std]

pub mod chunks;
pub mod counter;
pub mod frames;
pub mod limits;
pub mod offsets;
pub mod record;
pub mod table;
pub mod tls;
