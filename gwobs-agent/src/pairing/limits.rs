//! The bounds of pairing, each with its reason.

use std::time::Duration;

use crate::event::Timestamp;

/// How much later than a call on another thread a send may be logged although it happened before: a send event is made
/// after the send, and the thread may lose its processor in between. A few scheduler slices.
pub(super) const SEND_TOLERANCE: Duration = Duration::from_millis(20);

/// How far the times of events of several processors may be out of the order in which they are logged.
pub(super) const LOG_TOLERANCE: Duration = Duration::from_millis(1);

/// How long after its end a request waits for events of other threads that belong to it; more than [`SEND_TOLERANCE`].
pub(super) const SETTLE_DELAY: Duration = Duration::from_millis(50);

/// When a request that is in doubt is looked at again, counted from its end. The last one is its deadline: the
/// interface promises a decision within one second.
pub(super) const RETRIES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(450),
    Duration::from_millis(800),
];

/// How long after its last bytes a connection that cannot be read may still have a request outstanding.
pub(super) const UNSEEN_MEMORY: Duration = Duration::from_secs(30);

/// How long after a loss of events a request may be under way that nobody saw coming.
pub(super) const LOSS_MEMORY: Duration = Duration::from_secs(10);

/// Requests and calls that one process may have in pairing, each. One takes a few KiB, so this bounds memory to some
/// hundreds of MiB in the worst case; gateways refuse connections long before.
pub(super) const MAX_NODES: usize = 65_536;

/// Connections of one process that cannot be read and are remembered singly; beyond it, the process as a whole is
/// treated as having one that is always alive.
pub(super) const MAX_UNREADABLE: usize = 4_096;

/// Requests, and calls, of a component that are looked at together, exactly; beyond it they are a crowd. The cost grows
/// with the square.
pub(super) const MAX_COMPONENT: usize = 48;

/// Calls that a crowd may have: as many as begin in a second, which is how long its requests wait at most, and room for
/// those of requests that take longer.
pub(super) const MAX_CROWD: usize = 32_768;

/// Steps of the search for all readings of a component: some milliseconds.
pub(super) const MAX_STEPS: usize = 20_000;

/// Requests answered on the thread that read them, while another thread was active, after which a process counts as
/// one that never moves a request between threads. A scheduler that moved them at random, even one time in four,
/// would pass this test once in 10^8 runs.
pub(super) const THREAD_CONFIRMATIONS: u32 = 64;

/// The duration in nanoseconds, as timestamps count.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The time that long after `time`.
pub(super) fn after(time: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(time.0.saturating_add(nanoseconds(duration)))
}
