//! Whole exchanges on one connection of HTTP/2, interleaved, cut into calls, and with losses.
#![no_main]

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::Bytes;
use gwobs_agent::connections::{Connections, MAX_STREAMS};
use gwobs_agent::event::{
    Data, Direction, EventKind, KernelEvent, LeftOut, Lost, LostReason, Opened, Role, SocketCookie, Timestamp,
};
use gwobs_agent::exchange::{ExchangeEvent, Half, HalfId, Stage};
use gwobs_fuzz::Input;
use gwobs_http::Field;
use libfuzzer_sys::fuzz_target;
use loona_hpack::Encoder;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut play = Play::new(input.byte());
    while !input.is_empty() {
        play.step(&mut input);
    }
    let (stages, forges) = (&mut play.stages, play.forges);
    play.connections.on_time(Timestamp(u64::MAX), &mut |event| check(stages, forges, &event));
});

/// Both ends of a connection.
struct Play {
    connections: Connections,
    stages: HashMap<HalfId, Stage>,
    role: Role,
    /// Payloads may be written to look like frames.
    forges: bool,
    time: u64,
    encoders: [Encoder<'static>; 2],
    /// Bytes that were written and not moved yet, by direction: requests, responses.
    written: [Vec<u8>; 2],
    positions: [u32; 2],
    streams: u32,
}

impl Play {
    fn new(kind: u8) -> Self {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        let mut play = Self {
            connections: Connections::new(),
            stages: HashMap::new(),
            role: if kind & 1 == 0 { Role::Accepted } else { Role::Connected },
            forges: kind & 4 == 4,
            time: 0,
            encoders: [Encoder::new(), Encoder::new()],
            written: [preface, b"\0\0\0\x04\0\0\0\0\0".to_vec()],
            positions: [u32::MAX - 100; 2],
            streams: 0,
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let opened = Opened {
            socket: SocketCookie(1),
            role: play.role,
            local: address,
            peer: address,
            preexisting: kind & 2 == 2,
            positions: Some((play.positions[0], play.positions[1])),
        };
        play.event(EventKind::Opened(opened));
        play
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let side = usize::from(choice & 1);
        match (choice >> 1) % 16 {
            0..4 => self.section(side, input),
            4 => self.data(side, input),
            5 => self.frame(side, 3, 0, stream(input), &[0; 4]),
            6 => self.frame(side, 7, 0, 0, &[0, 0, 0, input.byte(), 0, 0, 0, 0]),
            7 => self.frame(side, 6, 0, 0, &[0; 8]),
            8 => {
                let (kind, flags, stream) = (input.byte(), input.byte(), stream(input));
                let payload = self.payload(input);
                self.frame(side, kind, flags, stream, &payload);
            }
            9..13 => self.move_bytes(side, usize::MAX, 0),
            13 => self.move_bytes(side, input.byte().into(), 0),
            14 => self.move_bytes(side, usize::MAX, input.byte()),
            _ => self.lose(side, input),
        }
        assert!(self.stages.values().filter(|stage| **stage != Stage::Ended).count() <= MAX_STREAMS + 1);
    }

    /// A request with its stream in the path, or a response with its stream in a header; or trailers.
    fn section(&mut self, side: usize, input: &mut Input<'_>) {
        let (stream, flags) = match side {
            0 if input.byte() & 3 != 0 => {
                self.streams += 1;
                (2 * self.streams - 1, input.byte())
            }
            _ => (stream(input), input.byte()),
        };
        let (path, name) = (format!("/{stream}"), stream.to_string());
        let head: &[(&str, &str)] = match (side, flags >> 1 & 3) {
            (0, _) => &[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", &path), ("x-a", "b")],
            (_, 0) => &[(":status", "100")],
            (_, 1) => &[("grpc-status", "0")],
            _ => &[(":status", "302"), ("x-stream", &name), ("x-c", "d")],
        };
        let pairs = head.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let section = self.encoders[side].encode(pairs);
        let middle = if flags & 8 == 0 { section.len() } else { section.len() / 2 };
        let (start, rest) = section.split_at(middle);
        let whole = u8::from(rest.is_empty());
        self.frame(side, 1, whole << 2 | flags & 1, stream, start);
        if !rest.is_empty() {
            self.frame(side, 9, 4, stream, rest);
        }
    }

    fn data(&mut self, side: usize, input: &mut Input<'_>) {
        let (stream, end, payload) = (stream(input), input.byte() & 1, self.payload(input));
        self.frame(side, 0, end, stream, &payload);
    }

    /// No frame is as long as these bytes would have it be, unless somebody forges.
    fn payload(&self, input: &mut Input<'_>) -> Vec<u8> {
        let bytes = input.bytes();
        match self.forges {
            true => bytes.to_vec(),
            false => bytes.iter().map(|byte| byte | 0x80).collect(),
        }
    }

    fn frame(&mut self, side: usize, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let written = &mut self.written[side];
        written.extend_from_slice(&length[1..]);
        written.extend([kind, flags]);
        written.extend(stream.to_be_bytes());
        written.extend_from_slice(payload);
    }

    /// A call with up to that many bytes, of which the last ones are left out.
    fn move_bytes(&mut self, side: usize, most: usize, left_out: u8) {
        let length = self.written[side].len().min(most);
        let bytes: Vec<u8> = self.written[side].drain(..length).collect();
        let known = bytes.len().saturating_sub(left_out.into());
        let data = Data {
            socket: SocketCookie(1),
            direction: self.direction(side),
            position: self.positions[side],
            length: u32::try_from(length).expect("short"),
            bytes: Bytes::copy_from_slice(&bytes[..known]),
            left_out: (known < length).then_some(LeftOut::Window),
        };
        self.positions[side] = self.positions[side].wrapping_add(data.length);
        self.event(EventKind::Data(data));
    }

    /// Bytes that nobody sees.
    fn lose(&mut self, side: usize, input: &mut Input<'_>) {
        let length = self.written[side].len().min(input.byte().into());
        self.written[side].drain(..length);
        self.positions[side] = self.positions[side].wrapping_add(u32::try_from(length).expect("short"));
        self.event(EventKind::Lost(Lost { reason: LostReason::RingBufferFull, count: 1 }));
    }

    fn direction(&self, side: usize) -> Direction {
        match (self.role, side) {
            (Role::Accepted, 0) | (Role::Connected, 1) => Direction::Receive,
            _ => Direction::Send,
        }
    }

    fn event(&mut self, kind: EventKind) {
        self.time += 1_000_000;
        let event = KernelEvent { time: Timestamp(self.time), pid: 7, tid: 7, kind };
        let (stages, forges) = (&mut self.stages, self.forges);
        self.connections.on_event(&event, &mut |event| check(stages, forges, &event));
        self.connections.drain_skips();
    }
}

/// One of few streams, so that they are met again.
fn stream(input: &mut Input<'_>) -> u32 {
    u32::from(input.byte() % 8) * 2 + 1
}

/// Stages come in order and nothing after the end; what is told of a stream was sent on it. Where somebody `forges`, it may be
/// forged, and what follows bytes that were missed says so.
fn check(stages: &mut HashMap<HalfId, Stage>, forges: bool, event: &ExchangeEvent<'_>) {
    let ExchangeEvent::Progress { stage, half } = event else { return };
    let before = stages.insert(half.id, *stage);
    assert!(before.is_none_or(|before| before < *stage), "{before:?} {half:?}");
    assert!(half.response.body_prefix.len() as u64 <= half.response.body_length);
    if forges && half.connection.missed.is_some() {
        return;
    }
    if let (Some(path), Some(stream)) = (path(half), stream_of(half)) {
        assert_eq!(path, [b"/", stream].concat(), "{half:?}");
    }
}

fn path(half: &Half) -> Option<&[u8]> {
    half.request.head.as_ref()?.path.as_deref()
}

fn stream_of(half: &Half) -> Option<&[u8]> {
    let is_name = |field: &&Field| field.name == b"x-stream"[..];
    let head = half.response.head.as_ref()?;
    head.headers.iter().find(is_name).map(|field| &*field.value)
}
