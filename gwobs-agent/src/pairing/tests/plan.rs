//! What the generated requests are to do.

use proptest::prelude::*;

use super::script::Change;

/// An attempt that finds no connection.
pub(super) const REFUSED: u16 = 1;

/// Connections from here on were joined midway: no request on them is seen.
const JOINED: u8 = 16;

/// One request of a generated world.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The client's connection; requests on one are handled one after the other.
    pub(super) connection: u8,
    pub(super) path: &'static str,
    /// The id that the client sends.
    pub(super) id: Id,
    /// True if the gateway passes it on; else it makes a new one.
    pub(super) id_kept: bool,
    /// What each attempt ends with (0: reset without an answer, [`REFUSED`]: no connection) and the backend it goes to.
    pub(super) attempts: Vec<(u16, u16)>,
    /// The status of the gateway's own answer, where no attempt was answered for good.
    pub(super) own: u16,
    /// False if the head cannot be read.
    pub(super) readable: bool,
    /// True if it was read before anybody looked: only its answer is seen.
    pub(super) joined: bool,
    /// When a copy is sent, if one is.
    pub(super) mirror: Option<Mirror>,
}

/// When a copy of a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mirror {
    /// Before its first attempt.
    Early,
    /// After its first attempt began.
    Between,
    /// After it was answered.
    Late,
}

/// An id that a client sends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Id {
    None,
    /// One of its own; others may send the same.
    Own(u8),
    /// The one that the gateway made for another request, if a backend has seen it by then.
    Copied(u8),
}

/// A generated world: what is to be done, and in which order.
#[derive(Debug, Clone)]
pub(super) struct Plans {
    pub(super) requests: Vec<Plan>,
    /// Threads of the gateway.
    pub(super) threads: u8,
    /// True if every action runs on any thread; false if each connection has its own.
    pub(super) moving: bool,
    /// What happens next, among all that may.
    pub(super) choices: Vec<u8>,
    /// When the specs change.
    pub(super) change: Option<Change>,
    /// How many actions are done; the others never happen.
    pub(super) steps: usize,
}

/// What kinds of requests a world has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds {
    pub(super) ids: bool,
    pub(super) unreadable: bool,
    /// Whether some were read before anybody looked.
    pub(super) joined: bool,
    pub(super) unfinished: bool,
    /// Whether backends refuse connections.
    pub(super) refusing: bool,
    pub(super) mirrors: bool,
    /// Whether the specs change.
    pub(super) changing: bool,
    pub(super) most: usize,
}

fn attempts(refusing: bool) -> impl Strategy<Value = Vec<(u16, u16)>> {
    let refused = u32::from(refusing);
    let last = (
        prop_oneof![8 => Just(200_u16), 1 => Just(503), 1 => Just(404), 1 => Just(0), refused => Just(REFUSED)],
        1..3_u16,
    );
    let failed = (
        prop_oneof![2 => Just(503_u16), 1 => Just(0), 4 * refused => Just(REFUSED)],
        1..3_u16,
    );
    prop_oneof![
        6 => last.clone().prop_map(|last| vec![last]),
        1 => Just(Vec::new()),
        1 + refused => (failed, last).prop_map(|(failed, last)| vec![failed, last]),
    ]
}

fn plan(kinds: Kinds) -> impl Strategy<Value = Plan> {
    let id = if kinds.ids {
        prop_oneof![2 => Just(Id::None), 3 => (0..4_u8).prop_map(Id::Own), 1 => (0..8_u8).prop_map(Id::Copied)].boxed()
    } else {
        Just(Id::None).boxed()
    };
    let ids = (
        id,
        if kinds.ids {
            prop::bool::weighted(0.7).boxed()
        } else {
            Just(true).boxed()
        },
    );
    let readable = if kinds.unreadable {
        prop::bool::weighted(0.8).boxed()
    } else {
        Just(true).boxed()
    };
    let joined = if kinds.joined {
        prop::bool::weighted(0.3).boxed()
    } else {
        Just(false).boxed()
    };
    let mirror = if kinds.mirrors {
        let when = prop_oneof![Just(Mirror::Early), Just(Mirror::Between), Just(Mirror::Late)];
        prop::option::of(when).boxed()
    } else {
        Just(None).boxed()
    };
    let path = prop_oneof![3 => Just("/a/x"), 3 => Just("/b/x"), 1 => Just("/c")];
    (
        0..5_u8,
        path,
        ids,
        attempts(kinds.refusing),
        prop_oneof![Just(404_u16), Just(503), Just(200)],
        (readable, joined),
        mirror,
    )
        .prop_map(
            |(connection, path, (id, id_kept), attempts, own, (readable, joined), mirror)| Plan {
                connection: if joined { JOINED + connection } else { connection },
                path,
                id,
                id_kept,
                attempts,
                own,
                readable: readable && !joined,
                joined,
                mirror,
            },
        )
}

/// Worlds with requests of these kinds.
pub(super) fn plans(kinds: Kinds) -> impl Strategy<Value = Plans> {
    let steps = if kinds.unfinished {
        (1..40_usize).boxed()
    } else {
        Just(usize::MAX).boxed()
    };
    let change = if kinds.changing {
        let change = (0..20_u64, 0..10_u64).prop_map(|(from, window)| Change {
            from,
            until: from + window,
        });
        change.prop_map(Some).boxed()
    } else {
        Just(None).boxed()
    };
    let requests = prop::collection::vec(plan(kinds), 1..=kinds.most);
    (
        requests,
        1..3_u8,
        any::<bool>(),
        prop::collection::vec(any::<u8>(), 64),
        steps,
        change,
    )
        .prop_map(|(requests, threads, moving, choices, steps, change)| Plans {
            requests,
            threads,
            moving,
            choices,
            change,
            steps,
        })
}
