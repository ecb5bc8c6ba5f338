//! What the BPF programs and the agent share: event layouts, limits and counter ids.
#![no_std]
