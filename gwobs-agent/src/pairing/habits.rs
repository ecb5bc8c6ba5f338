//! What a gateway is known never to do, because it never did it where it could be seen for sure.

/// Requests that were answered 2xx or 3xx and surely had a call, after which a gateway counts as one that makes no such
/// answers itself. One that answered a tenth of them from a cache would pass once in 10^11 runs.
const RELAY_CONFIRMATIONS: u32 = 256;

/// What is known of one process.
#[derive(Debug, Default)]
pub(super) struct Habits {
    relayed: u32,
    answered_itself: bool,
}

impl Habits {
    /// True if 2xx and 3xx always come from an upstream, as far as has been seen. It holds where a forward is due: direct
    /// responses and redirects are the specs' own.
    pub(super) fn relays(&self) -> bool {
        !self.answered_itself && self.relayed >= RELAY_CONFIRMATIONS
    }

    /// A request that was answered 2xx or 3xx surely had a call.
    pub(super) fn relayed(&mut self) {
        self.relayed = self.relayed.saturating_add(1);
    }

    /// A request for which a forward was due was answered 2xx or 3xx without any call.
    pub(super) fn answered_itself(&mut self) {
        self.answered_itself = true;
    }
}
