//! The downstream side: requests come, are answered, and end.

use gwobs_http::Version;
use gwobs_route::Inconclusive;

use super::{Out, Process};
use crate::event::Timestamp;
use crate::exchange::{Half, Outcome, Stage};
use crate::pairing::limits::{MAX_NODES, SETTLE_DELAY, after};
use crate::pairing::node::{Request, flaw};
use crate::pairing::oracle::Oracle;

impl Process {
    pub(super) fn on_request(
        &mut self,
        now: Timestamp,
        stage: Stage,
        half: &Half,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) {
        if !self.requests.contains_key(&half.id) && !self.admit(half, out) {
            return;
        }
        if let Some(request) = self.requests.get_mut(&half.id) {
            request.half = half.clone();
        }
        if half.request.head.is_none() && stage != Stage::RequestStarted {
            self.note_unreadable(half);
        }
        match stage {
            Stage::RequestStarted => {}
            Stage::RequestHead => self.on_request_head(half, oracle),
            Stage::ResponseHead => self.on_answered(half),
            Stage::Ended => self.on_ended(now, half),
        }
    }

    /// Makes room for a request; false if there is none.
    fn admit(&mut self, half: &Half, out: &mut Out<'_>) -> bool {
        if self.requests.len() >= MAX_NODES {
            out.counts.overflowed += 1;
            // A request that is not followed may own calls.
            self.unseen.lose(half.request.started.time);
            return false;
        }
        let queue = self.queues.entry(half.connection.socket).or_default();
        let waiting = !queue.is_empty();
        queue.push_back(half.id);
        self.requests.insert(half.id, Request::new(half.clone(), waiting));
        self.open.insert(half.id);
        true
    }

    /// A request whose head cannot be read may own any call, like one that nobody saw. Not one that the client gave up
    /// before its head was complete: a gateway cannot route what it has not read.
    fn note_unreadable(&mut self, half: &Half) {
        let given_up = half.outcome == Outcome::Aborted && half.flaws.iter().all(|flaw| *flaw == Inconclusive::Aborted);
        if given_up {
            return;
        }
        for stamp in [Some(half.request.started), half.response.started, half.response.ended]
            .into_iter()
            .flatten()
        {
            self.unseen.note(&half.connection, stamp, flaw(half));
        }
    }

    /// From now on the request may own calls, unless HTTP/1 makes it wait for the one before it.
    fn on_request_head(&mut self, half: &Half, oracle: &impl Oracle) {
        let concurrent = half
            .request
            .head
            .as_ref()
            .is_some_and(|head| head.version == Version::H2);
        if let Some(request) = self.requests.get_mut(&half.id) {
            request.waiting &= !concurrent;
        }
        self.refresh(half.id);
        self.adopt(half.id, oracle);
    }

    fn on_answered(&mut self, half: &Half) {
        self.threads.answered(half);
        self.unseen.answered(half);
        self.rivals.answered(half.id, half.response.started);
        let steady = self.threads.steady();
        if let (Some(request), Some(read)) = (self.requests.get_mut(&half.id), half.request.head_ended) {
            request.unseen_call = self.unseen.call_since(read, steady);
        }
        self.review_request(half.id);
    }

    fn on_ended(&mut self, now: Timestamp, half: &Half) {
        if let Some(request) = self.requests.get_mut(&half.id) {
            request.ended = Some(now);
        }
        self.rivals.ended(half.id, now);
        self.due.insert((after(now, SETTLE_DELAY), half.id));
        self.open.remove(&half.id);
        self.hand_over(half);
        self.review_request(half.id);
    }

    /// The next request on the connection is handled from now on.
    fn hand_over(&mut self, half: &Half) {
        let Some(queue) = self.queues.get_mut(&half.connection.socket) else {
            return;
        };
        queue.retain(|id| *id != half.id);
        let next = queue.front().copied();
        if queue.is_empty() {
            self.queues.remove(&half.connection.socket);
        }
        if let Some(request) = next
            .and_then(|id| self.requests.get_mut(&id))
            .filter(|request| request.waiting)
        {
            request.waiting = false;
            request.turn = half.response.ended.map_or(self.latest, |stamp| stamp.order);
        }
        if let Some(next) = next {
            self.refresh(next);
        }
    }
}
