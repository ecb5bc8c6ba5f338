//! Requests of which a part could not be read: HTTP/2 names header fields by reference, and what they refer to may have
//! been sent before anybody looked.
//!
//! A gateway passes on what no filter names. So an unknown part is taken from what it sent upstream, where no rule,
//! right or wrong, can have put it there in place of another. If that cannot be excluded, or nothing was sent, the
//! request stays undecided, unless nothing that routing looks at is unknown.

use std::borrow::Cow;

use gwobs_http::{RequestHead, Unknown};
use gwobs_route::{Kept, Purpose, kept, looks_at_headers};

use super::catalogue::Door;
use super::judging::{Call, Judging};
use super::live::Live;
use super::request::{Fields, Target};
use crate::exchange::Half;
use crate::pairing::Attempt;

impl Judging<'_> {
    /// The head of a request with all that routing looks at; `None` if a part of that stays unknown.
    pub(super) fn completed<'a>(
        &self,
        downstream: &Half,
        head: &'a RequestHead,
        calls: &[Call<'_>],
    ) -> Option<Cow<'a, RequestHead>> {
        if head.unknown.is_nothing() {
            return Some(Cow::Borrowed(head));
        }
        let needed = self.needed(downstream, head.unknown);
        if needed.is_nothing() {
            return Some(Cow::Borrowed(head));
        }
        let sent = calls.iter().find_map(sent)?;
        let kept = self.kept(downstream, sent);
        let authority = !needed.authority || kept.authority && !sent.unknown.authority;
        let path = !needed.path || kept.path && !sent.unknown.path;
        let headers = needed.fields == 0 || kept.headers && sent.unknown.fields == 0;
        (authority && path && headers).then(|| Cow::Owned(filled(head, needed, sent)))
    }

    /// The head with all that the gateway leaves as it is taken from what it sent upstream; `None` if it sent nothing.
    pub(super) fn as_sent(&self, downstream: &Half, head: &RequestHead, calls: &[Call<'_>]) -> Option<RequestHead> {
        let sent = calls.iter().find_map(sent)?;
        let kept = self.kept(downstream, sent);
        let taken = Unknown {
            authority: kept.authority && !sent.unknown.authority,
            path: kept.path && !sent.unknown.path,
            fields: usize::from(kept.headers && sent.unknown.fields == 0),
        };
        Some(filled(head, taken, sent))
    }

    /// What of the unknown parts routing looks at.
    fn needed(&self, downstream: &Half, unknown: Unknown) -> Unknown {
        let looks = |(live, door): (&Live, &Door)| looks_at_headers(&live.snapshot, &door.gateway, door.port);
        let headers = unknown.fields > 0 && self.ports_in_force(downstream).any(looks);
        Unknown {
            fields: if headers { unknown.fields } else { 0 },
            ..unknown
        }
    }

    /// What every port that the request may have come in by leaves as it is.
    fn kept(&self, downstream: &Half, sent: &RequestHead) -> Kept {
        let (target, fields) = (Target::of(sent), Fields::of(&sent.headers));
        let headers = fields.borrowed();
        let sent = target.with(&headers);
        let all = Kept {
            authority: true,
            path: true,
            headers: true,
        };
        let by_port = self
            .ports_in_force(downstream)
            .map(|(live, door)| kept(&live.snapshot, &door.gateway, door.port, &sent));
        by_port.fold(all, |all, one| Kept {
            authority: all.authority && one.authority,
            path: all.path && one.path,
            headers: all.headers && one.headers,
        })
    }
}

/// What an attempt to forward the request sent.
fn sent<'a>(call: &Call<'a>) -> Option<&'a RequestHead> {
    match (call.attempt, call.purpose) {
        (Attempt::Sent(half), Purpose::Forward | Purpose::Retry) => half.request.head.as_deref(),
        _ => None,
    }
}

/// The head with what was unknown taken from `sent`.
fn filled(head: &RequestHead, unknown: Unknown, sent: &RequestHead) -> RequestHead {
    let mut filled = head.clone();
    if unknown.authority {
        filled.authority.clone_from(&sent.authority);
    }
    if unknown.path {
        filled.path.clone_from(&sent.path);
    }
    if unknown.fields > 0 {
        filled.headers.clone_from(&sent.headers);
    }
    filled
}
