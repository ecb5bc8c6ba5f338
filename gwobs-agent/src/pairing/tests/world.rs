//! A gateway that does what a plan says, in an order that a plan says: it tells pairing what can be seen of it, and
//! keeps the truth and the bare facts for the brute force.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use gwobs_route::Verdict;

use super::plan::{Id, Mirror, Plan, Plans, REFUSED};
use super::script::{Change, PID, Script, backend, head, rewritten, verdict};
use crate::exchange::{ExchangeEvent, Outcome};
use crate::pairing::SettledCall;

/// Halves of copies are numbered from here, by their request.
pub(super) const MIRRORS: u64 = 500;

/// A downstream request, as facts.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) path: &'static str,
    pub(super) readable: bool,
    pub(super) read: u64,
    /// Order at which the request before it on the connection was over; it can own nothing until that is known.
    pub(super) turn: Option<u64>,
    /// Order, thread and status of the answer.
    pub(super) answered: Option<(u64, u32, u16)>,
}

/// An upstream call, as facts.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) path: String,
    pub(super) backend: u16,
    pub(super) began: u64,
    pub(super) tid: u32,
    /// Order and status of the answer.
    pub(super) answered: Option<(u64, u16)>,
    /// Order of the last event before it was reset.
    pub(super) reset: Option<u64>,
    /// Whose it is.
    pub(super) owner: usize,
    /// True if an unreadable request was read before it, and may still be under way.
    pub(super) optional: bool,
    /// True if it is a connect that failed.
    pub(super) refused: bool,
}

/// What happened.
pub(super) struct World {
    pub(super) script: Script,
    pub(super) plans: Plans,
    pub(super) requests: Vec<Option<Seen>>,
    /// The id that each client sent.
    ids: Vec<Option<u8>>,
    pub(super) calls: Vec<Called>,
    /// Requests of which a copy was sent.
    pub(super) mirrored: BTreeSet<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Next {
    Read,
    Write(usize),
    Finish(usize, usize),
    Answer(u16),
    Nothing,
}

impl World {
    /// Runs a plan to its end, and lets three seconds pass.
    pub(super) fn run(plans: Plans) -> Self {
        Self::run_with(Script::new(), plans)
    }

    /// The same with crowds from so few requests on.
    pub(super) fn run_with_crowds(plans: Plans, component_limit: usize) -> Self {
        Self::run_with(Script::with_component_limit(component_limit), plans)
    }

    fn run_with(mut script: Script, plans: Plans) -> Self {
        script.oracle.change = plans.change;
        let mut world = Self {
            script,
            requests: vec![None; plans.requests.len()],
            ids: vec![None; plans.requests.len()],
            calls: Vec::new(),
            mirrored: BTreeSet::new(),
            plans,
        };
        let mut next = vec![Next::Read; world.requests.len()];
        for step in 0..world.plans.steps {
            let possible: Vec<usize> = (0..next.len())
                .filter(|request| world.is_possible(*request, &next))
                .collect();
            if possible.is_empty() {
                break;
            }
            let choice =
                world.plans.choices[step % world.plans.choices.len()].rotate_left(u32::try_from(step / 64).unwrap());
            let request = possible[usize::from(choice) % possible.len()];
            let before = next[request];
            next[request] = world.act(request, before, choice);
            world.mirror_after(request, before, choice);
        }
        world.calls_of_joined();
        world.script.wait(std::time::Duration::from_secs(3));
        world
    }

    /// Requests of a connection are read in order, and handled one after the other.
    fn is_possible(&self, request: usize, next: &[Next]) -> bool {
        let connection = self.plans.requests[request].connection;
        let mut before = (0..request).filter(|other| self.plans.requests[*other].connection == connection);
        match next[request] {
            Next::Nothing => false,
            Next::Read => before.all(|other| next[other] != Next::Read),
            _ => before.all(|other| next[other] == Next::Nothing),
        }
    }

    fn act(&mut self, request: usize, next: Next, choice: u8) -> Next {
        let plan = self.plans.requests[request].clone();
        let tid = self.thread(plan.connection, choice);
        match next {
            Next::Read => self.read(request, &plan, tid),
            Next::Write(attempt) if plan.attempts[attempt].0 == REFUSED => self.refuse(request, &plan, attempt),
            Next::Write(attempt) => self.write(request, &plan, attempt, tid),
            Next::Finish(attempt, call) => self.finish(&plan, attempt, call, tid),
            Next::Answer(status) => self.answer(request, status, tid),
            Next::Nothing => Next::Nothing,
        }
    }

    /// Sends the copy of a request, if it has one, after this step: before, between or after its attempts.
    fn mirror_after(&mut self, request: usize, done: Next, choice: u8) {
        let is_due = match (self.plans.requests[request].mirror, done) {
            // A request that waits for the one before it is not worked on.
            (Some(Mirror::Early), Next::Read) => {
                self.requests[request].as_ref().is_some_and(|seen| seen.turn.is_some())
            }
            (Some(Mirror::Late), Next::Answer(_)) => true,
            (Some(Mirror::Between), Next::Write(attempt)) => attempt == 0,
            _ => false,
        };
        if is_due {
            let plan = &self.plans.requests[request];
            let mut copy = head(&rewritten(plan.path), &[]);
            copy.authority = Some("mirror-shadow".into());
            let tid = self.thread(plan.connection, choice);
            self.script.write_head(MIRRORS + request as u64, tid, 2, copy);
            self.script.answer(MIRRORS + request as u64, tid, 200);
            self.mirrored.insert(request);
        }
    }

    fn thread(&self, connection: u8, choice: u8) -> u32 {
        let threads = u32::from(self.plans.threads);
        let number = if self.plans.moving { choice >> 4 } else { connection };
        100 + u32::from(number) % threads
    }

    fn read(&mut self, request: usize, plan: &Plan, tid: u32) -> Next {
        let id = self.sent_id(plan.id);
        self.ids[request] = id;
        let headers: Vec<(&str, &str)> = id
            .iter()
            .map(|id| ("x-request-id", ID_VALUES[usize::from(*id)]))
            .collect();
        let head = plan.readable.then(|| head(plan.path, &headers));
        if !plan.joined {
            self.script
                .read_on(request as u64, tid, u64::from(plan.connection), head);
        }
        let waits = self
            .requests
            .iter()
            .zip(&self.plans.requests)
            .take(request)
            .any(|(seen, other)| {
                other.connection == plan.connection && seen.as_ref().is_some_and(|seen| seen.answered.is_none())
            });
        let turn = (!waits).then_some(0);
        let seen = Seen {
            path: plan.path,
            readable: plan.readable,
            read: self.script.order,
            turn,
            answered: None,
        };
        self.requests[request] = Some(seen);
        if plan.attempts.is_empty() {
            Next::Answer(plan.own)
        } else {
            Next::Write(0)
        }
    }

    fn sent_id(&self, id: Id) -> Option<u8> {
        match id {
            Id::None => None,
            Id::Own(id) => Some(id),
            Id::Copied(other) => self
                .calls
                .iter()
                .any(|call| call.owner == usize::from(other))
                .then_some(4 + other),
        }
    }

    /// The id that the gateway makes for a request; only where the world has ids at all.
    fn new_id(&self, request: usize) -> Option<u8> {
        let any = self.plans.requests.iter().any(|plan| !matches!(plan.id, Id::None));
        u8::try_from(4 + request).ok().filter(|_| any)
    }

    fn write(&mut self, request: usize, plan: &Plan, attempt: usize, tid: u32) -> Next {
        let path = rewritten(plan.path);
        let passed_on = self.ids[request]
            .filter(|_| plan.id_kept)
            .or_else(|| self.new_id(request));
        let headers: Vec<(&str, &str)> = passed_on
            .iter()
            .map(|id| ("x-request-id", ID_VALUES[usize::from(*id)]))
            .collect();
        let id = 100 + self.calls.len() as u64;
        let to = plan.attempts[attempt].1;
        self.script.write_head(id, tid, to, head(&path, &headers));
        let optional = (0..self.requests.len()).any(|request| self.is_unseen(request));
        let began = self.script.order;
        self.calls.push(Called {
            path,
            backend: to,
            began,
            tid,
            answered: None,
            reset: None,
            owner: request,
            optional,
            refused: false,
        });
        Next::Finish(attempt, self.calls.len() - 1)
    }

    /// The connect is made on a thread of its own, next to nothing that is read.
    fn refuse(&mut self, request: usize, plan: &Plan, attempt: usize) -> Next {
        const CONNECTING: u32 = 99;
        let to = plan.attempts[attempt].1;
        let began = self.script.stamp(CONNECTING);
        self.script.tell(&ExchangeEvent::ConnectFailed {
            pid: PID,
            peer: backend(to),
            began,
        });
        self.calls.push(Called {
            path: String::new(),
            backend: to,
            began: began.order,
            tid: CONNECTING,
            answered: None,
            reset: Some(began.order),
            owner: request,
            optional: true,
            refused: true,
        });
        Self::after(plan, attempt, 0)
    }

    /// True if a request cannot be read, and may be under way: no request that was read after it on its connection has
    /// been answered.
    fn is_unseen(&self, request: usize) -> bool {
        let Some(seen) = self.requests[request].as_ref().filter(|seen| !seen.readable) else {
            return false;
        };
        if self.plans.requests[request].joined {
            return false;
        }
        let connection = |request: usize| self.plans.requests[request].connection;
        let shows_its_end = |(other, later): (usize, &Option<Seen>)| {
            later.as_ref().is_some_and(|later| {
                let after = seen.answered.is_some_and(|(order, ..)| order < later.read);
                after && later.readable && later.answered.is_some() && connection(other) == connection(request)
            })
        };
        !self.requests.iter().enumerate().any(shows_its_end)
    }

    /// A request that nobody saw may have made every call that began before it was answered.
    fn calls_of_joined(&mut self) {
        let joined = self
            .requests
            .iter()
            .zip(&self.plans.requests)
            .filter(|(_, plan)| plan.joined);
        let answers: Vec<(u64, u32)> = joined
            .filter_map(|(seen, _)| seen.as_ref()?.answered)
            .map(|(order, tid, _)| (order, tid))
            .collect();
        for call in &mut self.calls {
            let is_before = |(order, tid): &(u64, u32)| call.began < *order || *tid != call.tid;
            call.optional |= answers.iter().any(is_before);
        }
    }

    fn finish(&mut self, plan: &Plan, attempt: usize, call: usize, tid: u32) -> Next {
        let status = plan.attempts[attempt].0;
        let id = 100 + call as u64;
        if status == 0 {
            self.calls[call].reset = Some(self.script.order);
            self.script.end(id, Outcome::Aborted);
        } else {
            self.script.answer(id, tid, status);
            self.calls[call].answered = Some((self.script.order, status));
        }
        Self::after(plan, attempt, status)
    }

    fn after(plan: &Plan, attempt: usize, status: u16) -> Next {
        match (plan.attempts.get(attempt + 1), status) {
            (Some(_), _) => Next::Write(attempt + 1),
            (None, 0) => Next::Answer(if plan.own < 400 { 502 } else { plan.own }),
            (None, status) => Next::Answer(status),
        }
    }

    fn answer(&mut self, request: usize, status: u16, tid: u32) -> Next {
        if self.plans.requests[request].joined {
            self.script.unseen_answered(tid);
        } else {
            self.script.answer(request as u64, tid, status);
        }
        let order = self.script.order;
        if let Some(seen) = &mut self.requests[request] {
            seen.answered = Some((order, tid, status));
        }
        let connection = self.plans.requests[request].connection;
        let rest = self.requests.iter_mut().zip(&self.plans.requests).skip(request + 1);
        let mut waiting = rest
            .filter(|(_, plan)| plan.connection == connection)
            .filter_map(|(seen, _)| seen.as_mut());
        if let Some(next) = waiting.next() {
            next.turn = Some(order);
        }
        Next::Nothing
    }

    /// For messages of failed tests.
    pub(super) fn describe(&self) -> String {
        let requests = self
            .requests
            .iter()
            .enumerate()
            .map(|(index, seen)| format!("D{index} {seen:?}"));
        let calls = self
            .calls
            .iter()
            .enumerate()
            .map(|(index, call)| format!("U{index} {call:?}"));
        let told = self.script.requests().map(|told| {
            let calls: Vec<_> = told
                .attempts
                .iter()
                .map(|attempt| match attempt {
                    SettledCall::Sent(half) => half.id.0,
                    SettledCall::ConnectFailed { .. } => 0,
                })
                .collect();
            format!("told D{} {:?} {:?}", told.downstream.id.0, told.tie, calls)
        });
        requests
            .chain(calls)
            .chain(told)
            .fold(String::new(), |text, line| text + "\n" + &line)
    }

    /// The verdict on a request as it really was; `None` if it was not answered.
    pub(super) fn truth(&self, request: usize) -> Option<Verdict> {
        let seen = self.requests[request].as_ref()?;
        let (_, _, status) = seen.answered?;
        let owned = self.calls.iter().filter(|call| call.owner == request);
        Some(verdict(
            seen.path,
            Some(status),
            &judged(owned),
            &[],
            self.live(request),
        ))
    }

    /// Whether the old specs and the new ones may be followed by a request.
    pub(super) fn live(&self, request: usize) -> (bool, bool) {
        let read = self.requests[request].as_ref().map_or(0, |seen| seen.read);
        Change::live(self.plans.change, read)
    }
}

/// The backends that a request with these calls is judged by: a connect that failed says nothing about one that was sent.
pub(super) fn judged<'a>(calls: impl Iterator<Item = &'a Called>) -> Vec<SocketAddr> {
    let (refused, sent): (Vec<&Called>, Vec<&Called>) = calls.partition(|call| call.refused);
    let judged = if sent.is_empty() { refused } else { sent };
    judged.into_iter().map(|call| backend(call.backend)).collect()
}

/// Ids, long enough to count against requests that nobody saw: four of clients, then one that the gateway makes for
/// each request.
const ID_VALUES: [&str; 12] = [
    "c0000000-0000-4000-8000-000000000000",
    "c0000000-0000-4000-8000-000000000001",
    "c0000000-0000-4000-8000-000000000002",
    "c0000000-0000-4000-8000-000000000003",
    "00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003",
    "00000000-0000-4000-8000-000000000004",
    "00000000-0000-4000-8000-000000000005",
    "00000000-0000-4000-8000-000000000006",
    "00000000-0000-4000-8000-000000000007",
];
