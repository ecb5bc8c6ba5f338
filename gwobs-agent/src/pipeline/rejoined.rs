//! Connections of which bytes were missed, and whether what was read after them is what it seems.
//!
//! Where a message begins is then found by its looks, at the start of a call. A body can be written to look like
//! messages, and its sender can have a call begin inside it. So what was read after such a place is believed when the
//! gateway is seen to agree: a request that was read on one side was sent on the other, and its answer was passed on.
//! Before that, a mismatch is left open. Who forges a whole conversation, and sends the same requests besides, can still
//! deceive, but only about a connection of his own.

use std::collections::HashSet;

use gwobs_route::{Inconclusive, Origin};

use super::judging::origin;
use crate::event::SocketCookie;
use crate::exchange::{Half, Missed};
use crate::pairing::{Attempt, SettledCall, SettledRequest, Tie};

/// Places that are remembered, at most twice as many: those that are asked for are kept. One takes some 20 bytes.
const MAX_PLACES: usize = 65_536;

/// A connection and how often bytes of it had been missed.
type Place = (SocketCookie, u32);

/// Places after which the gateway was seen to agree.
#[derive(Debug, Default)]
pub(super) struct Rejoined {
    recent: HashSet<Place>,
    older: HashSet<Place>,
}

impl Rejoined {
    /// Learns from a request, if it was read on both sides.
    pub(super) fn learn(&mut self, request: &SettledRequest) {
        if is_seen_on_both_sides(request) {
            let places: Vec<Place> = halves(request).filter_map(missed).map(|(place, _)| place).collect();
            places.into_iter().for_each(|place| self.remember(place));
        }
    }

    /// Learns from an upstream call whose request nobody could read: what follows its answer is believed, for the gateway
    /// frames what it sends.
    pub(super) fn learn_alone(&mut self, call: &Half) {
        if let Some((place, _)) = missed(call).filter(|_| call.response.started.is_some()) {
            self.remember(place);
        }
    }

    /// Why a mismatch of this request is not proven.
    pub(super) fn doubt(&self, request: &SettledRequest) -> Option<Inconclusive> {
        halves(request).find_map(|half| self.doubt_alone(half))
    }

    /// The same of an upstream call whose request nobody could read.
    pub(super) fn doubt_alone(&self, half: &Half) -> Option<Inconclusive> {
        let (place, missed) = missed(half)?;
        (!self.recent.contains(&place) && !self.older.contains(&place)).then_some(missed.why)
    }

    fn remember(&mut self, place: Place) {
        if self.recent.len() >= MAX_PLACES {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(place);
    }
}

fn missed(half: &Half) -> Option<(Place, Missed)> {
    let missed = half.connection.missed?;
    Some(((half.connection.socket, missed.times), missed))
}

/// Both sides of a request.
fn halves(request: &SettledRequest) -> impl Iterator<Item = &Half> {
    let sent = request.attempts.iter().filter_map(|attempt| match attempt {
        SettledCall::Sent(half) => Some(half),
        SettledCall::ConnectFailed { .. } => None,
    });
    let beside = request.beside.iter().map(|(half, _)| half);
    std::iter::once(&request.downstream).chain(sent).chain(beside)
}

/// True if the client got what its last call was answered.
fn is_seen_on_both_sides(request: &SettledRequest) -> bool {
    let Some(SettledCall::Sent(last)) = request.attempts.last() else {
        return false;
    };
    let is_tied = !matches!(request.tie, Tie::Unknown(_));
    is_tied && origin(&request.downstream, Some(&Attempt::Sent(last))) == Origin::Upstream
}
