//! `gwobs_events_total` and `gwobs_events_lost_total`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::event::Direction;
use crate::event::{EventKind, KernelEvent};

/// Kernel events and losses.
#[derive(Debug)]
pub struct Events {
    taken: Family<Kind, Counter>,
    lost: Family<Reason, Counter>,
}

/// Losses that are exported before there are any: a counter that is born with its first loss hides it from `rate()`.
const ALWAYS_THERE: [&str; 3] = ["ring_buffer_full", "table_full", "malformed"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl Events {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (taken, lost) = (Family::default(), Family::default());
        registry.register("events", "Kernel events that were read", Family::clone(&taken));
        registry.register(
            "events_lost",
            "What could not be seen or told, by reason",
            Family::clone(&lost),
        );
        for reason in ALWAYS_THERE {
            lost.get_or_create_owned(&Reason { reason });
        }
        Self { taken, lost }
    }

    /// An event was read.
    pub fn taken(&self, event: &KernelEvent) {
        self.taken
            .get_or_create(&Kind {
                kind: kind(&event.kind),
            })
            .inc();
    }

    /// Something was lost.
    pub fn lost(&self, reason: &'static str, count: u64) {
        self.lost.get_or_create(&Reason { reason }).inc_by(count);
    }
}

fn kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Data(data) => match data.direction {
            Direction::Receive => "receive",
            Direction::Send => "send",
        },
        EventKind::Ciphertext(_) => "ciphertext",
        EventKind::Plaintext(plaintext) => match plaintext.data.direction {
            Direction::Receive => "receive_plaintext",
            Direction::Send => "send_plaintext",
        },
        EventKind::Handshake { .. } => "handshake",
        EventKind::Opened(_) => "opened",
        EventKind::Connecting { .. } => "connecting",
        EventKind::ConnectFailed { .. } => "connect_failed",
        EventKind::HalfClosed { .. } => "half_closed",
        EventKind::Closed { .. } => "closed",
        EventKind::ProcessStarted { .. } => "process_started",
        EventKind::ProcessExited => "process_exited",
        EventKind::Unread(_) => "unread",
        EventKind::Lost(_) => "lost",
    }
}
