//! What goes wrong on demand.

use std::collections::HashMap;
use std::time::Duration;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A list.
    List,
    /// A watch.
    Watch,
    /// A write of a status.
    Status,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status, and `Retry-After` in seconds.
    Refuse(u16, Option<u32>),
    /// It is answered late.
    Late(Duration),
    /// The connection ends without an answer.
    HangUp,
}

/// How an open watch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The body ends as it does after `timeoutSeconds`.
    End,
    /// The connection is cut in the middle of a chunk.
    Cut,
    /// An ERROR event: 410, Expired.
    Expire,
}

/// What is planned.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Vec<Planned>,
    breaks: HashMap<String, (u64, Break)>,
    /// Resources and clients whose watches tell nothing.
    stalled: Vec<(String, String)>,
    count: u64,
    /// Whether nothing is answered at all.
    pub(super) down: bool,
}

#[derive(Debug)]
struct Planned {
    plural: String,
    verb: Verb,
    fault: Fault,
    left: usize,
}

impl Faults {
    pub(super) fn plan(&mut self, plural: &str, verb: Verb, fault: Fault, times: usize) {
        self.planned.push(Planned {
            plural: plural.to_owned(),
            verb,
            fault,
            left: times,
        });
    }

    /// What happens to this request, once.
    pub(super) fn take(&mut self, plural: &str, verb: Verb) -> Option<Fault> {
        let due = |planned: &&mut Planned| planned.plural == plural && planned.verb == verb && planned.left > 0;
        let planned = self.planned.iter_mut().find(due)?;
        planned.left -= 1;
        Some(planned.fault.clone())
    }

    pub(super) fn break_watches(&mut self, plural: &str, how: Break) {
        self.count += 1;
        self.breaks.insert(plural.to_owned(), (self.count, how));
    }

    pub(super) fn stall(&mut self, plural: &str, client: &str) {
        self.stalled.push((plural.to_owned(), client.to_owned()));
    }

    pub(super) fn resume(&mut self, plural: &str) {
        self.stalled.retain(|(stalled, _)| stalled != plural);
    }

    /// Whether a watch by the client of this name tells nothing.
    pub(super) fn is_stalled(&self, plural: &str, client: &str) -> bool {
        let of_this = |(stalled, name): &(String, String)| stalled == plural && client.contains(name);
        self.stalled.iter().any(of_this)
    }

    /// What a watch that begins now has to remember.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How a watch that began at this count ends now.
    pub(super) fn broken(&self, plural: &str, since: u64) -> Option<Break> {
        let (at, how) = self.breaks.get(plural)?;
        (*at > since).then_some(*how)
    }
}
