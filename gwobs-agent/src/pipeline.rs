//! From kernel events to judged requests: synchronous and deterministic, with time as an argument.
//!
//! ```text
//! Pipeline::new(settings) -> Pipeline
//! Pipeline::set_snapshot(&mut self, now: Timestamp, snapshot: Arc<gwobs_route::Snapshot>)
//! Pipeline::on_event(&mut self, now: Timestamp, event: KernelEvent, sink: &mut impl Sink)
//! Pipeline::on_tick(&mut self, now: Timestamp, sink: &mut impl Sink)      // every 50 ms or so
//! Pipeline::finish(&mut self, now: Timestamp, sink: &mut impl Sink)       // on SIGINT: judge what is held, drop what is open
//! Pipeline::drain_skips(&mut self) -> Vec<Skip>                           // for the kernel: bytes that are not needed
//! Pipeline::counts(&self) -> &Counts
//! ```

mod counts;
mod settings;
mod sink;

pub use counts::{Counts, PairingOutcome};
pub use settings::{PortMap, Settings};
pub use sink::Sink;
