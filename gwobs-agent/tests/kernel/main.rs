//! The probes against a real kernel and real sockets. Needs root (or `CAP_BPF` and `CAP_PERFMON`): without them every test
//! fails, none is skipped.
//!
//! The "gateway" is a process forked from the test, which does exactly the system calls that the test is about; its peer
//! is the test itself, which is not followed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

mod calls;
mod chunks;
mod connections;
mod frames;
mod gateway;
mod io_uring;
mod observer;
mod processes;
mod streams;
mod tls;
mod unread;
mod unreadable;
mod window;
