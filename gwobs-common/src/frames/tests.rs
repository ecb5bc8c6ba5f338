extern crate std;

use std::vec::Vec;

use super::*;
use crate::limits::{PREFIX_OF_DATA, SMALL_PAYLOAD};

fn frame(kind: u8, flags: u8, stream: u32, length: u32) -> Vec<u8> {
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.resize(frame.len() + usize::try_from(length).unwrap(), 0);
    frame
}

/// How many bytes of each stretch are wanted, in turns with how many are not, and whether the end is between frames.
fn wanted(bytes: &[u8], from: u32, mut frames: Frames) -> (Vec<u32>, bool) {
    let mut stretches = std::vec![0];
    for (&byte, index) in bytes.iter().zip(0..) {
        let at = from.wrapping_add(index);
        let wants = frames.wants(at);
        if wants == stretches.len().is_multiple_of(2) {
            stretches.push(0);
        }
        *stretches.last_mut().unwrap() += 1;
        if at == frames.next {
            frames.take(byte);
        }
    }
    let end = from.wrapping_add(u32::try_from(bytes.len()).unwrap());
    (stretches, frames.is_followed() && frames.is_payload_until(end))
}

#[test]
fn headers_are_wanted_and_long_data_is_not() {
    let bytes = [
        frame(4, 0, 0, 18),
        frame(1, 4, 1, 3000),
        frame(0, 0, 1, SMALL_PAYLOAD),
        frame(0, 0, 1, 16_384),
        frame(0, 0, 3, 0),
        frame(0, 1, 1, 5_000),
        frame(9, 4, 3, 2000),
        frame(8, 0, 0, 4),
        frame(0x21, 7, 0, 9_999),
        frame(3, 0, 3, 4),
    ]
    .concat();
    let head = 27 + 3009 + 9 + SMALL_PAYLOAD + 9 + PREFIX_OF_DATA;
    let behind = 9 + 9 + PREFIX_OF_DATA;
    let last = 2009 + 13 + 9 + PREFIX_OF_DATA;
    let expected = [
        head,
        16_384 - PREFIX_OF_DATA,
        behind,
        5_000 - PREFIX_OF_DATA,
        last,
        9_999 - PREFIX_OF_DATA,
        13,
    ];
    for from in [0, u32::MAX - 3_000] {
        let (stretches, is_between) = wanted(&bytes, from, Frames::ahead(from, from));
        assert_eq!(stretches, expected);
        assert!(is_between);
    }
}

#[test]
fn a_preface_is_wanted() {
    let bytes = [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        &frame(4, 0, 0, 6),
        &frame(0, 0, 1, 20_000),
    ]
    .concat();
    assert!(is_preface(bytes.first_chunk().unwrap()));
    let (stretches, _) = wanted(&bytes, 7, Frames::after(7, 7 + PREFACE));
    assert_eq!(stretches, [24 + 15 + 9 + PREFIX_OF_DATA, 20_000 - PREFIX_OF_DATA]);
}

#[test]
fn long_sections_are_wanted_up_to_a_limit() {
    let (stretches, _) = wanted(&frame(1, 4, 1, 100_000), 0, Frames::ahead(0, 0));
    assert_eq!(stretches, [9 + 65_536, 100_000 - 65_536]);
    let (stretches, _) = wanted(&frame(7, 0, 0, 100_000), 0, Frames::ahead(0, 0));
    assert_eq!(stretches, [9 + 1024, 100_000 - 1024]);
}

#[test]
fn what_no_frame_can_be_loses_the_place() {
    for (kind, stream, length) in [
        (0, 0, 5),
        (1, 0, 5),
        (2, 1, 4),
        (3, 0, 4),
        (4, 1, 6),
        (4, 0, 7),
        (5, 0, 9),
        (6, 0, 7),
        (7, 0, 7),
        (8, 0, 5),
        (9, 0, 1),
    ] {
        let mut frames = Frames::ahead(0, 0);
        for byte in &frame(kind, 0, stream, length)[..FRAME_HEADER] {
            frames.take(*byte);
        }
        assert!(frames.is_seeking(), "{kind} on {stream} of {length}");
    }
}

#[test]
fn only_payload_may_be_missing_between_calls() {
    let in_payload = || {
        let mut frames = Frames::ahead(0, 0);
        for byte in &frame(0, 0, 1, 100)[..FRAME_HEADER] {
            frames.take(*byte);
        }
        frames.reached(50);
        frames
    };
    for position in [50, 60, 109] {
        assert!(in_payload().reaches(position), "{position}");
    }
    for position in [49, 110, 1 << 30] {
        let mut frames = in_payload();
        assert!(!frames.reaches(position), "{position}");
        assert!(frames.is_seeking());
    }
    let mut in_header = Frames::ahead(0, 0);
    in_header.take(0);
    in_header.reached(1);
    assert!(in_header.reaches(1));
    assert!(!in_header.reaches(2));
}

#[test]
fn the_agent_tells_where_a_frame_begins() {
    let mut frames = Frames::OFF;
    frames.told(100, 90);
    assert!(frames.is_seeking(), "it is late, but there are frames");
    frames.told(100, 120);
    assert!(frames.reaches(100) && !frames.wants(100) && frames.wants(120));
    frames.take(0);
    let before = frames;
    frames.told(200, 120);
    assert_eq!(frames, before, "late again");
    frames.told(200, 300);
    assert!(frames.wants(300), "the agent knows better");
}

#[test]
fn frames_are_believed_out_of_context_if_nothing_is_strange_in_them() {
    let header = |kind, flags, stream, length| -> [u8; FRAME_HEADER] {
        *frame(kind, flags, stream, length).first_chunk().unwrap()
    };
    assert_eq!(believable(&header(1, 5, 3, 100)), Some(100));
    assert_eq!(believable(&header(0, 1, 3, 16_384)), Some(16_384));
    assert_eq!(believable(&header(8, 0, 0, 4)), Some(4));
    for strange in [
        header(0, 2, 3, 5),
        header(10, 0, 3, 5),
        header(0, 0, 1 << 31 | 3, 5),
        header(0, 0, 0, 5),
        header(0, 0, 3, 1 << 20),
        *b"GET / HTT",
    ] {
        assert_eq!(believable(&strange), None, "{strange:?}");
    }
    assert!(is_first(&header(4, 0, 0, 24)) && is_first(&header(4, 0, 0, 0)));
    assert!(!is_first(&header(4, 1, 0, 0)) && !is_first(&header(4, 0, 0, 7)) && !is_first(&header(8, 0, 0, 4)));
}
