//! HTTP/2 whose data outruns the capture window: the frames are followed, and what is read of them crosses.

use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::thread;

use gwobs_agent::event::{Data, Direction, SocketCookie};
use gwobs_http::Chunk;
use gwobs_http::http2::{Item, Step, Stream};

use crate::chunks::read_scattered;
use crate::gateway::{Gateway, connected_pair};
use crate::observer::{Observer, pattern};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: (u8, u8, u32) = (4, 0, 0);
const HEADERS: (u8, u8) = (1, 4);
/// Bytes of data on each of the streams 1 and 3.
const BODY: usize = 1_000_000;

fn frame((kind, flags, stream): (u8, u8, u32), payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header section of one line, of a name of its own and no value, never indexed.
fn headers(stream: u32) -> Vec<u8> {
    let section = [&b"\x10\x06:path2"[..], b"\x00"].concat();
    frame((HEADERS.0, HEADERS.1, stream), &section)
}

/// Two long bodies side by side in frames of these sizes, with other frames between, and heads behind them.
fn conversation(sizes: &[usize]) -> Vec<u8> {
    let data = pattern(BODY, 1);
    let mut bytes = [frame(SETTINGS, &[]), headers(1), headers(3)].concat();
    let mut rests = [(1, &data[..]), (3, &data[..])];
    for (index, size) in sizes.iter().cycle().enumerate() {
        for (stream, rest) in &mut rests {
            let (payload, after) = rest.split_at((*size).min(rest.len()));
            let padded = [&[7][..], payload, &[0; 7]].concat();
            match index % 5 {
                _ if rest.is_empty() => {}
                3 => bytes.extend(frame((0, 8, *stream), &padded)),
                _ => bytes.extend(frame((0, 0, *stream), payload)),
            }
            *rest = after;
        }
        match index % 11 {
            2 => bytes.extend(frame((8, 0, 0), &[0, 0, 1, 0])),
            4 => bytes.extend(frame((6, 0, 0), &[0; 8])),
            6 => bytes.extend(frame((0x20, 9, 0), &pattern(5_000, 3))),
            _ => {}
        }
        if rests.iter().all(|(_, rest)| rest.is_empty()) {
            break;
        }
    }
    for stream in [1, 3] {
        bytes.extend(frame((0, 1, stream), b""));
    }
    [&bytes[..], &headers(5), &frame((7, 0, 0), &[0, 0, 0, 5, 0, 0, 0, 0])].concat()
}

/// What a parser made of what crossed.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    sections: Vec<u32>,
    bodies: [u64; 2],
    ended: Vec<u32>,
    gone: bool,
}

fn whole() -> Seen {
    Seen {
        sections: vec![1, 3, 5],
        bodies: [BODY as u64; 2],
        ended: vec![1, 3],
        gone: true,
    }
}

fn read<'a>(data: impl Iterator<Item = &'a Data>, mut stream: Stream, case: &str) -> Seen {
    let mut seen = Seen::default();
    for data in data {
        stream.begin_call();
        let left_out = u64::from(data.length) - data.bytes.len() as u64;
        for mut chunk in [Chunk::Bytes(data.bytes.clone()), Chunk::Gap(left_out)] {
            loop {
                match stream.next(&mut chunk) {
                    Step::NeedMore => break,
                    Step::Item(Item::Section { stream, .. }) => seen.sections.push(stream),
                    Step::Item(Item::Data { stream, length, .. }) => seen.bodies[stream as usize / 2] += length,
                    Step::Item(Item::End { stream }) => seen.ended.push(stream),
                    Step::Item(Item::GoAway { .. }) => seen.gone = true,
                    Step::Item(Item::Skipped(_)) => panic!("{case}: the place of the next frame is lost"),
                    Step::Item(Item::Started { .. } | Item::Settings(_)) => {}
                    Step::Item(item) => panic!("{case}: {item:?}"),
                    Step::Invalid(invalid) => panic!("{case}: {:?} after {seen:?}", invalid.fault),
                }
            }
        }
    }
    seen
}

fn crossed(observer: &Observer, socket: SocketCookie, direction: Direction) -> usize {
    observer.data(socket, direction).map(|data| data.bytes.len()).sum()
}

/// Sizes of DATA frames, among them some that are copied whole.
const SIZES: &[&[usize]] = &[&[16_384], &[100_000, 1, 1024, 1025, 300], &[1 << 20]];

/// Nobody reads the ring buffer meanwhile: the kernel side is on its own.
#[tokio::test]
async fn data_that_is_written_faster_than_it_is_read_stays_readable() {
    let mut observer = Observer::new();
    for sizes in SIZES {
        for step in [5_003, 60_001, usize::MAX] {
            let bytes = conversation(sizes);
            // The first call tells frames from anything else; then headers are cut at every place.
            let (first, rest) = bytes.split_at(20);
            let (slow, fast) = rest.split_at(2_000);
            let (mut peer, accepted) = connected_pair();
            let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
                cues.pause();
                for part in [first].into_iter().chain(slow.chunks(7)).chain(fast.chunks(step)) {
                    (&accepted).write_all(part).unwrap();
                }
            });
            observer.follow(&gateway);
            gateway.go();
            drop(accepted);
            peer.read_to_end(&mut Vec::new()).unwrap();
            observer.until_gone(gateway).await;
            let socket = observer.connection(peer.local_addr().unwrap()).socket;
            let case = format!("{sizes:?} in steps of {step}");
            let seen = read(observer.data(socket, Direction::Send), Stream::responses(), &case);
            assert_eq!(seen, whole(), "{case}");
            let copied = crossed(&observer, socket, Direction::Send);
            assert!(copied < bytes.len() / 5, "{case}: {copied} of {} crossed", bytes.len());
        }
    }
}

#[tokio::test]
async fn data_that_is_read_into_scattered_buffers_stays_readable() {
    let mut observer = Observer::new();
    for sizes in SIZES {
        for lengths in [&[100, 1, 2, 0, 3, 70_001][..], &[333; 200]] {
            let bytes = [PREFACE, &conversation(sizes)].concat();
            let (peer, accepted) = connected_pair();
            let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
                cues.pause();
                read_scattered(&accepted, lengths, bytes.len());
            });
            observer.follow(&gateway);
            gateway.go();
            drop(accepted);
            thread::scope(|scope| {
                scope.spawn(|| (&peer).write_all(&bytes).unwrap());
            });
            observer.until_gone(gateway).await;
            let socket = observer.connection(peer.local_addr().unwrap()).socket;
            let case = format!("{sizes:?} into {} buffers", lengths.len());
            let seen = read(observer.data(socket, Direction::Receive), Stream::requests(), &case);
            assert_eq!(seen, whole(), "{case}");
        }
    }
}

/// On a connection whose first bytes were not seen the agent tells where a frame begins.
#[tokio::test]
async fn the_agent_tells_where_to_follow() {
    let bytes = conversation(&[16_384]);
    let begins = frame(SETTINGS, &[]).len();
    let unseen = [&pattern(500, 9)[..], &bytes[..begins]].concat();
    let rest = &bytes[begins..];
    let (mut peer, accepted) = connected_pair();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        (&accepted).write_all(&unseen).unwrap();
        cues.pause();
        for part in rest.chunks(50_000) {
            (&accepted).write_all(part).unwrap();
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    drop(accepted);
    gateway.await_pause();
    let is_data =
        |event: &gwobs_agent::event::KernelEvent| matches!(event.kind, gwobs_agent::event::EventKind::Data(_));
    observer.until("the first bytes", is_data).await;
    let (socket, (_, start)) = {
        let opened = observer.connection(peer.local_addr().unwrap());
        (opened.socket, opened.positions.unwrap())
    };
    let from = start.wrapping_add(u32::try_from(unseen.len()).unwrap());
    observer.probes.follow_frames(socket, Direction::Send, from).unwrap();
    gateway.go();
    peer.read_to_end(&mut Vec::new()).unwrap();
    observer.until_gone(gateway).await;
    let followed: Vec<Data> = observer
        .data(socket, Direction::Send)
        .filter(|data| data.position.wrapping_sub(from) < 1 << 30)
        .cloned()
        .collect();
    let settings = Data {
        bytes: bytes[..begins].to_vec().into(),
        length: u32::try_from(begins).unwrap(),
        ..followed[0].clone()
    };
    let seen = read([&settings].into_iter().chain(&followed), Stream::responses(), "told");
    assert_eq!(seen, whole());
}

/// Frames end in the middle of what says that it is one: what does not cross is a gap, and nothing is told at a wrong place.
#[tokio::test]
async fn what_is_no_frame_shifts_nothing() {
    let bytes = [&frame(SETTINGS, &[])[..], &pattern(1_000_000, 5)].concat();
    let (mut peer, accepted) = connected_pair();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        for part in bytes.chunks(50_000) {
            (&accepted).write_all(part).unwrap();
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    drop(accepted);
    peer.read_to_end(&mut Vec::new()).unwrap();
    observer.until_gone(gateway).await;
    let (_, sent) = observer.streams(peer.local_addr().unwrap());
    assert_eq!(sent.len(), bytes.len());
    let agrees = |(seen, said): (&Option<u8>, &u8)| seen.is_none_or(|byte| byte == *said);
    assert!(sent.iter().zip(&bytes).all(agrees));
}
