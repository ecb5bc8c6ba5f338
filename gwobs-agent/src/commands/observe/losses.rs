//! Counting what could not be seen, for `lost` and `summary`.

use crate::event::{EventKind, KernelEvent, LeftOut, LostReason, Plaintext, Timestamp, Transport, Unread};
use crate::output::{LostCounts, LostReport};

/// Shortest time between two `lost` lines.
const INTERVAL: u64 = 1_000_000_000;

/// What could not be seen, since the last report and since the start.
#[derive(Debug, Default)]
pub(super) struct Losses {
    since: Timestamp,
    recent: LostCounts,
    total: LostCounts,
}

impl Losses {
    pub(super) fn start(&mut self, now: Timestamp) {
        self.since = now;
    }

    pub(super) fn add(&mut self, reason: &'static str, count: u64) {
        *self.recent.entry(reason).or_default() += count;
        *self.total.entry(reason).or_default() += count;
    }

    /// What was lost since the last report, at most once a second.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<LostReport> {
        (now.0.saturating_sub(self.since.0) >= INTERVAL)
            .then(|| self.report(now))
            .flatten()
    }

    /// What was lost since the last report.
    pub(super) fn report(&mut self, now: Timestamp) -> Option<LostReport> {
        let since = std::mem::replace(&mut self.since, now);
        let counts = std::mem::take(&mut self.recent);
        (!counts.is_empty()).then_some(LostReport {
            since,
            time: now,
            counts,
        })
    }

    pub(super) fn total(&self) -> &LostCounts {
        &self.total
    }
}

/// What an event says about things that were not seen. Bytes that were left out on purpose (bodies) do not count, nor do
/// those that have no buffer (sendfile): they are bodies too, and if they are not, verdicts tell.
pub(super) fn lost_by(event: &KernelEvent) -> Option<(&'static str, u64)> {
    match &event.kind {
        EventKind::Lost(lost) => Some((reason(lost.reason), lost.count)),
        EventKind::Data(data) | EventKind::Plaintext(Plaintext { data, .. }) => match data.left_out? {
            LeftOut::NotThisSocket => Some(("not_this_socket", 1)),
            LeftOut::Fault => Some(("fault", 1)),
            LeftOut::Skipped | LeftOut::Window | LeftOut::NoBuffer | LeftOut::FrameData => None,
        },
        EventKind::Unread(unread) => Some((transport(unread), 1)),
        _ => None,
    }
}

fn transport(unread: &Unread) -> &'static str {
    match unread.transport {
        Transport::Unix => "unix_socket",
        Transport::MultipathTcp => "multipath_tcp",
    }
}

fn reason(reason: LostReason) -> &'static str {
    match reason {
        LostReason::RingBufferFull => "ring_buffer_full",
        LostReason::TableFull => "table_full",
        LostReason::Malformed => "malformed",
    }
}
