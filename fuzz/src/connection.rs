//! Kernel events of two connections, one of each role.

use std::collections::HashMap;
use std::net::SocketAddr;

use gwobs_agent::connections::{Connections, MAX_PIPELINED};
use gwobs_agent::event::{
    Data, Direction, EventKind, KernelEvent, LeftOut, Lost, LostReason, Opened, Role, SocketCookie, Timestamp,
};
use gwobs_agent::exchange::{ExchangeEvent, HalfId, Stage};

use crate::input::Input;

/// One input.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut connections = Connections::new();
    let mut stages = HashMap::new();
    let mut positions = HashMap::new();
    let preexisting = input.byte() & 1 == 1;
    for (socket, role) in [(0, Role::Accepted), (1, Role::Connected)] {
        play(&mut connections, &mut stages, 0, 7, open(socket, role, preexisting));
    }
    let mut time = 0;
    while !input.is_empty() {
        time += u64::from(input.byte()) * 100_000;
        let tid = 7 + u32::from(input.byte() & 1);
        let kind = event(&mut input, &mut positions);
        play(&mut connections, &mut stages, time, tid, kind);
        connections.drain_skips();
        assert!(stages.values().filter(|stage| **stage != Stage::Ended).count() <= 2 * MAX_PIPELINED);
    }
    connections.on_time(Timestamp(u64::MAX), &mut |event| check(&mut stages, &event));
}

fn play(connections: &mut Connections, stages: &mut HashMap<HalfId, Stage>, time: u64, tid: u32, kind: EventKind) {
    let event = KernelEvent {
        time: Timestamp(time),
        pid: 7,
        tid,
        kind,
    };
    connections.on_event(&event, &mut |event| check(stages, &event));
}

/// Stages come in order, and nothing after the end.
fn check(stages: &mut HashMap<HalfId, Stage>, event: &ExchangeEvent<'_>) {
    if let ExchangeEvent::Progress { stage, half } = event {
        let before = stages.insert(half.id, *stage);
        assert!(before.is_none_or(|before| before < *stage), "{before:?} {half:?}");
        assert!(half.response.body_prefix.len() as u64 <= half.response.body_length);
    }
}

fn open(socket: u64, role: Role, preexisting: bool) -> EventKind {
    let address = SocketAddr::from(([127, 0, 0, 1], 80));
    EventKind::Opened(Opened {
        socket: SocketCookie(socket),
        role,
        local: address,
        peer: address,
        preexisting,
        positions: None,
    })
}

/// Mostly data in order; gaps, repetitions, losses and the ends of things in between.
fn event(input: &mut Input<'_>, positions: &mut HashMap<(u64, bool), u32>) -> EventKind {
    let choice = input.byte();
    let socket = u64::from(choice & 1);
    match choice >> 2 {
        0 => EventKind::Lost(Lost {
            reason: LostReason::RingBufferFull,
            count: 1,
        }),
        1 => EventKind::Closed {
            socket: SocketCookie(socket),
        },
        2 => EventKind::ProcessExited,
        3 => open(socket, Role::Accepted, false),
        4 => EventKind::HalfClosed {
            socket: SocketCookie(socket),
            direction: direction(choice),
        },
        kind => EventKind::Data(data(input, socket, direction(choice), kind, positions)),
    }
}

fn direction(choice: u8) -> Direction {
    if choice & 2 == 0 {
        Direction::Receive
    } else {
        Direction::Send
    }
}

fn data(
    input: &mut Input<'_>,
    socket: u64,
    direction: Direction,
    kind: u8,
    positions: &mut HashMap<(u64, bool), u32>,
) -> Data {
    let next = positions
        .entry((socket, direction == Direction::Send))
        .or_insert(u32::MAX - 100);
    let bytes = input.bytes();
    let left_out = if kind == 5 { u32::from(input.number()) } else { 0 };
    let position = match kind {
        6 => next.wrapping_add(u32::from(input.byte())),
        7 => next.wrapping_sub(u32::from(input.byte())),
        8 => u32::from(input.number()) << 16,
        _ => *next,
    };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX) + left_out;
    *next = position.wrapping_add(length);
    let left_out = (left_out > 0).then_some(LeftOut::Window);
    Data {
        socket: SocketCookie(socket),
        direction,
        position,
        length,
        bytes,
        left_out,
    }
}
