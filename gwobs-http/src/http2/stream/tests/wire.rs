//! Writing HTTP/2 with another encoder, and driving a stream as a caller does.

use super::super::super::hpack::Line;
use super::super::*;

/// The bytes of one direction.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) bytes: Vec<u8>,
    /// All sections so far: the encoder cannot be cloned, so it is made anew from them.
    sections: Vec<Vec<(String, String)>>,
}

impl Wire {
    pub(super) fn client() -> Self {
        let wire = Self {
            bytes: PREFACE.to_vec(),
            sections: Vec::new(),
        };
        wire.frame(4, 0, 0, b"")
    }

    pub(super) fn server() -> Self {
        Self {
            bytes: Vec::new(),
            sections: Vec::new(),
        }
        .frame(4, 0, 0, b"")
    }

    pub(super) fn frame(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.bytes.extend_from_slice(&length[1..]);
        self.bytes.extend([kind, flags]);
        self.bytes.extend(stream.to_be_bytes());
        self.bytes.extend_from_slice(payload);
        self
    }

    pub(super) fn headers(mut self, stream: u32, pairs: &[(&str, &str)], end_stream: bool) -> Self {
        let block = self.encode(pairs);
        self.frame(1, 0x4 | u8::from(end_stream), stream, &block)
    }

    /// The same, and the bytes up to the header of that frame.
    pub(super) fn headers_apart(self, stream: u32, pairs: &[(&str, &str)]) -> (Vec<u8>, Self) {
        let before = self.bytes.len();
        let whole = self.headers(stream, pairs, false);
        (whole.bytes[..before + 9].to_vec(), whole)
    }

    pub(super) fn data(self, stream: u32, data: &[u8], end_stream: bool) -> Self {
        self.frame(0, u8::from(end_stream), stream, data)
    }

    pub(super) fn encode(&mut self, pairs: &[(&str, &str)]) -> Vec<u8> {
        let owned = pairs
            .iter()
            .map(|(name, value)| (String::from(*name), String::from(*value)));
        self.sections.push(owned.collect());
        let mut encoder = loona_hpack::Encoder::new();
        let blocks = self
            .sections
            .iter()
            .map(|pairs| encoder.encode(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))));
        blocks.last().unwrap()
    }
}

pub(super) fn line(name: &str, value: &str) -> Line {
    Line {
        name: Some(String::from(name).into()),
        value: Some(String::from(value).into()),
    }
}

/// All steps of some calls; each chunk is a call.
pub(super) fn steps(stream: &mut Stream, calls: &[Chunk]) -> Vec<Step> {
    let mut steps = Vec::new();
    for call in calls {
        let mut call = call.clone();
        stream.begin_call();
        loop {
            match stream.next(&mut call) {
                Step::NeedMore => break,
                step => steps.push(step),
            }
        }
        assert!(call.is_empty(), "{call:?}");
    }
    steps
}

/// The items of some calls, all of which can be read.
pub(super) fn items(stream: &mut Stream, calls: &[Chunk]) -> Vec<Item> {
    let item = |step| match step {
        Step::Item(item) => item,
        step => panic!("{step:?}"),
    };
    steps(stream, calls).into_iter().map(item).collect()
}

pub(super) fn first_fault(stream: &mut Stream, bytes: &[u8]) -> Option<Fault> {
    let fault = |step| match step {
        Step::Invalid(invalid) => Some(invalid.fault),
        _ => None,
    };
    let call = Chunk::Bytes(Bytes::copy_from_slice(bytes));
    steps(stream, &[call]).into_iter().find_map(fault)
}

/// The header sections among items.
pub(super) fn sections(items: &[Item]) -> Vec<(u32, Vec<Line>)> {
    let section = |item: &Item| match item {
        Item::Section { stream, lines, .. } => Some((*stream, lines.clone())),
        _ => None,
    };
    items.iter().filter_map(section).collect()
}
