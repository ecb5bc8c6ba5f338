//! What holds for every split and every gap.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::wire::{Wire, steps};
use super::*;

/// A frame of a stream, as a program would send it.
#[derive(Debug, Clone)]
enum Sent {
    Section(Vec<(String, String)>, bool),
    Data(Vec<u8>, bool),
    Padded(Vec<u8>, u8),
    Ping,
    Priority,
}

fn sent() -> impl Strategy<Value = (u8, Sent)> {
    let pairs = vec(("[a-c]{1,2}|cookie", "[a-z]{0,12}"), 0..6);
    let frame = prop_oneof![
        (pairs, any::<bool>()).prop_map(|(pairs, end)| Sent::Section(pairs, end)),
        (vec(any::<u8>(), 0..40), any::<bool>()).prop_map(|(data, end)| Sent::Data(data, end)),
        (vec(any::<u8>(), 0..40), 0..9_u8).prop_map(|(data, padding)| Sent::Padded(data, padding)),
        Just(Sent::Ping),
        Just(Sent::Priority),
    ];
    (0..4_u8, frame)
}

/// The bytes, and where the frames begin.
fn write(frames: &[(u8, Sent)]) -> (Vec<u8>, Vec<usize>) {
    let mut wire = Wire::client();
    let mut begins = Vec::new();
    for (number, frame) in frames {
        begins.push(wire.bytes.len());
        let stream = u32::from(*number) * 2 + 1;
        wire = match frame {
            Sent::Section(pairs, end) => {
                let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
                wire.headers(stream, &pairs, *end)
            }
            Sent::Data(data, end) => wire.data(stream, data, *end),
            Sent::Padded(data, padding) => {
                let payload = [&[*padding], &data[..], &vec![0; usize::from(*padding)]].concat();
                wire.frame(0, 0x8, stream, &payload)
            }
            Sent::Ping => wire.frame(6, 0, 0, b"12345678"),
            Sent::Priority => wire.frame(2, 0, stream, &[0; 5]),
        };
    }
    (wire.bytes, begins)
}

fn calls(bytes: &[u8], cuts: &[usize]) -> Vec<Chunk> {
    let mut at: Vec<usize> = cuts.iter().copied().chain([0, bytes.len()]).collect();
    at.sort_unstable();
    at.windows(2)
        .map(|range| &bytes[range[0]..range[1]])
        .filter(|part| !part.is_empty())
        .map(|part| Chunk::Bytes(Bytes::copy_from_slice(part)))
        .collect()
}

fn split(bytes: &[u8], cuts: &[Index]) -> Vec<Chunk> {
    let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    calls(bytes, &cuts)
}

/// Whether its first byte came before depends on how the bytes are split.
fn without_split(step: Step) -> Step {
    match step {
        Step::Item(Item::Started { stream, .. }) => Step::Item(Item::Started { stream, split: false }),
        step => step,
    }
}

/// Steps up to the first loss of place, neighbouring data joined.
fn joined(steps: Vec<Step>) -> Vec<Step> {
    let mut joined: Vec<Step> = Vec::new();
    for step in steps {
        let lost = matches!(step, Step::Invalid(_));
        match (without_split(step), joined.last_mut()) {
            (
                Step::Item(Item::Data { stream, length, bytes }),
                Some(Step::Item(Item::Data {
                    stream: same,
                    length: before,
                    bytes: start,
                })),
            ) if stream == *same => {
                *before += length;
                *start = [&start[..], &bytes].concat().into();
            }
            (step, _) => joined.push(step),
        }
        if lost {
            break;
        }
    }
    joined
}

fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (0..12_u8, any::<u8>(), 0..3_u8, vec(any::<u8>(), 0..20)).prop_map(|(kind, flags, stream, payload)| {
            let length = u8::try_from(payload.len()).unwrap();
            [&[0, 0, length, kind, flags, 0, 0, 0, stream], &payload[..]].concat()
        }),
        vec(any::<u8>(), 0..12),
    ];
    vec(piece, 0..12).prop_map(|pieces| [PREFACE, b"\0\0\0\x04\0\0\0\0\0", &pieces.concat()].concat())
}

proptest! {
    #[test]
    fn splitting_is_the_same(frames in vec(sent(), 0..12), cuts in vec(any::<Index>(), 0..20)) {
        let (bytes, _) = write(&frames);
        let read = |calls: &[Chunk]| joined(steps(&mut Stream::requests(), calls));
        let whole = read(&calls(&bytes, &[]));
        prop_assert!(!matches!(whole.last(), Some(Step::Invalid(_))));
        let single: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(&read(&split(&bytes, &cuts)), &whole);
        prop_assert_eq!(&read(&calls(&bytes, &single)), &whole);
    }

    #[test]
    fn splitting_anything_is_the_same(bytes in nearly_frames(), cuts in vec(any::<Index>(), 0..20)) {
        let read = |calls: &[Chunk]| joined(steps(&mut Stream::requests(), calls));
        prop_assert_eq!(read(&split(&bytes, &cuts)), read(&calls(&bytes, &[])));
    }

    /// Whatever is missing: a section that is read is one that was sent on that stream, as far as it is known, and no
    /// line of it is another one.
    #[test]
    fn gaps_never_yield_what_was_not_sent(
        frames in vec(sent(), 1..16),
        at_frames in vec(any::<Index>(), 0..8),
        cuts in vec(any::<Index>(), 0..8),
        gaps in vec(any::<Index>(), 1..5),
        late in any::<bool>(),
    ) {
        let (bytes, begins) = write(&frames);
        let cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1));
        let cuts: Vec<usize> = cuts.chain(at_frames.iter().map(|at| begins[at.index(begins.len())])).collect();
        let mut calls = calls(&bytes, &cuts);
        for gap in gaps {
            let index = gap.index(calls.len());
            calls[index] = Chunk::Gap(calls[index].len());
        }
        let sent: Vec<(u32, Vec<_>)> = frames
            .iter()
            .filter_map(|(number, frame)| match frame {
                Sent::Section(pairs, _) => Some((u32::from(*number) * 2 + 1, pairs.iter().map(|(name, value)| line(name, value)).collect())),
                _ => None,
            })
            .collect();
        let mut stream = if late { Stream::joined() } else { Stream::requests() };
        for step in steps(&mut stream, &calls) {
            if let Step::Item(Item::Section { stream, lines, .. }) = step {
                let agrees = |(of, expected): &(u32, Vec<_>)| *of == stream && agree(&lines, expected);
                prop_assert!(sent.iter().any(agrees), "{} {:?}", stream, lines);
            }
        }
    }

    #[test]
    fn any_bytes_and_gaps_are_consumed_without_panic(
        calls in vec(prop_oneof![
            vec(any::<u8>(), 0..200).prop_map(|bytes| Chunk::Bytes(bytes.into())),
            nearly_frames().prop_map(|bytes| Chunk::Bytes(bytes.into())),
            any::<u64>().prop_map(Chunk::Gap),
            (0..50_u64).prop_map(Chunk::Gap),
        ], 0..20),
    ) {
        for mut stream in [Stream::requests(), Stream::responses(), Stream::joined()] {
            steps(&mut stream, &calls);
        }
    }
}

/// True if nothing that is known contradicts what was sent.
fn agree(read: &[super::super::super::hpack::Line], sent: &[super::super::super::hpack::Line]) -> bool {
    let same = |a: &Option<Bytes>, b: &Option<Bytes>| a.is_none() || a == b;
    read.len() == sent.len()
        && read
            .iter()
            .zip(sent)
            .all(|(read, sent)| same(&read.name, &sent.name) && same(&read.value, &sent.value))
}
