//! TLS that passes through the gateway: the ClientHello goes on as it came, so its random bytes tie the two sides together
//! exactly. What is judged is where the connection went by the name that the client asked for (TLSRoute).

use std::collections::{HashMap, VecDeque};

use crate::connections::Hello;
use crate::event::Timestamp;

/// How long a client's hello waits to be seen on its way on, in nanoseconds: connecting to a backend may take that long.
const PATIENCE: u64 = 60_000_000_000;

/// Hellos that wait at a time; beyond it the oldest are forgotten, and their connections have no decision.
const MAX_WAITING: usize = 16 * 1024;

/// A connection that passed through.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) downstream: Hello,
    pub(super) upstream: Hello,
    /// Names its decision, in this run.
    pub(super) number: u64,
}

impl Passed {
    /// When the gateway can have decided: it knew the name.
    pub(super) fn decided_at(&self) -> Timestamp {
        self.downstream.stamp.time
    }
}

/// The hellos of clients that may still go on.
#[derive(Debug, Default)]
pub(super) struct Passthrough {
    waiting: HashMap<[u8; 32], Hello>,
    order: VecDeque<(Timestamp, [u8; 32])>,
    passed: u64,
}

impl Passthrough {
    /// Takes a hello; answers the connection that it completes.
    pub(super) fn note(&mut self, hello: Hello) -> Option<Passed> {
        let now = hello.stamp.time;
        self.forget(now);
        if hello.is_from_client() {
            self.order.push_back((now, hello.random));
            self.waiting.insert(hello.random, hello);
            return None;
        }
        let downstream = self.waiting.remove(&hello.random)?;
        self.passed += 1;
        Some(Passed {
            downstream,
            upstream: hello,
            number: self.passed,
        })
    }

    fn forget(&mut self, now: Timestamp) {
        let is_over = |since: Timestamp| now.0.saturating_sub(since.0) > PATIENCE;
        while self.order.len() >= MAX_WAITING || self.order.front().is_some_and(|(since, _)| is_over(*since)) {
            let Some((_, random)) = self.order.pop_front() else {
                return;
            };
            self.waiting.remove(&random);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_that_goes_on_ties_two_connections() {
        let mut passthrough = Passthrough::default();
        for number in 0..3u8 {
            assert!(passthrough.note(Hello::example(number, Timestamp(1), true)).is_none());
        }
        assert!(passthrough.note(Hello::example(9, Timestamp(2), false)).is_none());
        let passed = passthrough
            .note(Hello::example(1, Timestamp(2), false))
            .expect("passed");
        assert_eq!((passed.downstream.random, passed.number), ([1; 32], 1));
        assert!(
            passthrough.note(Hello::example(1, Timestamp(3), false)).is_none(),
            "once"
        );
    }

    #[test]
    fn a_hello_that_never_goes_on_is_forgotten() {
        let mut passthrough = Passthrough::default();
        passthrough.note(Hello::example(0, Timestamp(0), true));
        let late = Timestamp(PATIENCE + 1);
        assert!(passthrough.note(Hello::example(0, late, false)).is_none());
        assert!(passthrough.waiting.is_empty());
    }

    #[test]
    fn waiting_hellos_are_bounded() {
        let mut passthrough = Passthrough::default();
        for number in 0..MAX_WAITING + 10 {
            let mut hello = Hello::example(0, Timestamp(1), true);
            hello.random[..8].copy_from_slice(&number.to_le_bytes());
            passthrough.note(hello);
        }
        assert!(passthrough.waiting.len() <= MAX_WAITING && passthrough.order.len() <= MAX_WAITING);
    }
}
