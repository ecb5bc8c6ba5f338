//! What holds for every message, every split and every gap.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::*;
use super::wire::{requests, responses};
use crate::{Field, Unknown, Version};

/// A request with its body.
#[derive(Debug, Clone)]
struct Message {
    method: String,
    path: String,
    authority: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    chunks: Option<Vec<Index>>,
    bare_lf: bool,
}

fn message() -> impl Strategy<Value = Message> {
    let method = prop_oneof![Just("GET".to_owned()), Just("POST".to_owned()), Just("PUT".to_owned())];
    let fields = vec(("x-[a-z]{1,6}", "[!-~]([ -~]{0,20}[!-~])?|"), 0..6);
    let body = vec(prop_oneof![b'a'..=b'z', Just(b'\r'), Just(b'\n')], 0..80);
    let chunks = proptest::option::of(vec(any::<Index>(), 0..4));
    (
        method,
        "/[!-~]{0,30}",
        "[a-z]{1,8}(:[0-9]{1,4})?",
        fields,
        body,
        chunks,
        any::<bool>(),
    )
        .prop_map(|(method, path, authority, fields, body, chunks, bare_lf)| Message {
            method,
            path,
            authority,
            fields,
            body,
            chunks,
            bare_lf,
        })
}

impl Message {
    fn framing_field(&self) -> (String, String) {
        match self.chunks {
            Some(_) => ("transfer-encoding".into(), "chunked".into()),
            None => ("content-length".into(), self.body.len().to_string()),
        }
    }

    fn fields(&self) -> Vec<Field> {
        let lines = self.fields.iter().cloned().chain([self.framing_field()]);
        lines
            .map(|(name, value)| Field {
                name: name.into(),
                value: value.into(),
            })
            .collect()
    }

    fn request_head(&self) -> RequestHead {
        RequestHead {
            version: Version::Http11,
            method: self.method.clone().into(),
            authority: Some(self.authority.clone().into()),
            path: Some(self.path.clone().into()),
            headers: self.fields(),
            unknown: Unknown::default(),
        }
    }

    fn request(&self) -> Vec<u8> {
        let line = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.authority);
        self.write(line)
    }

    fn response(&self) -> Vec<u8> {
        self.write(format!("HTTP/1.1 200 {}\r\n", self.path))
    }

    fn write(&self, mut head: String) -> Vec<u8> {
        for (name, value) in self.fields.iter().chain([&self.framing_field()]) {
            head += &format!("{}: {value}\r\n", name.to_uppercase());
        }
        head += "\r\n";
        let head = if self.bare_lf { head.replace("\r\n", "\n") } else { head };
        [head.into_bytes(), self.coded_body()].concat()
    }

    fn coded_body(&self) -> Vec<u8> {
        let Some(cuts) = &self.chunks else {
            return self.body.clone();
        };
        let mut coded = Vec::new();
        for part in split(&self.body, cuts) {
            coded.extend(format!("{:x};a=b\r\n", part.len()).into_bytes());
            coded.extend([part, b"\r\n"].concat());
        }
        [coded, b"0\r\nx-trailer: y\r\n\r\n".to_vec()].concat()
    }
}

/// Cuts bytes at some places into parts that are not empty.
fn split<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts
        .iter()
        .map(|cut| cut.index(bytes.len() + 1))
        .chain([0, bytes.len()])
        .collect();
    at.sort_unstable();
    at.windows(2)
        .map(|range| &bytes[range[0]..range[1]])
        .filter(|part| !part.is_empty())
        .collect()
}

fn calls(parts: &[&[u8]]) -> Vec<Chunk> {
    parts
        .iter()
        .map(|part| Chunk::Bytes(Bytes::copy_from_slice(part)))
        .collect()
}

/// Steps with neighbouring body data joined, and without what depends on where calls end.
fn joined<H>(steps: Vec<Step<H>>) -> Vec<Step<H>> {
    let mut joined: Vec<Step<H>> = Vec::new();
    for step in steps {
        match (step, joined.last_mut()) {
            (Step::Item(Item::Skipped(_)), _) => {}
            (
                Step::Item(Item::Body { length, prefix }),
                Some(Step::Item(Item::Body {
                    length: before,
                    prefix: prefix_before,
                })),
            ) => {
                *before += length;
                *prefix_before = [&prefix_before[..], &prefix].concat().into();
            }
            (step, _) => joined.push(step),
        }
    }
    joined
}

fn heads<H>(steps: Vec<Step<H>>) -> Vec<H> {
    let head = |step| {
        if let Step::Item(Item::Head(head)) = step {
            Some(head)
        } else {
            None
        }
    };
    steps.into_iter().filter_map(head).collect()
}

/// Bytes that are nearly HTTP, to reach deep into the parser.
fn nearly_http() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "GET ",
        "/",
        " HTTP/1.1",
        "\r\n",
        "\n",
        "\r",
        "HTTP/1.1 200 OK",
        "Host: x",
        "Content-Length: ",
        "5",
        "Transfer-Encoding: chunked",
        "0",
        "ff",
        ";",
        " ",
        ":",
        "\t",
        "a",
        "\0",
        "\u{80}",
        "HTTP/1.1 101 S",
        "CONNECT a:1",
    ];
    vec(proptest::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #[test]
    fn requests_round_trip(messages in vec(message(), 1..5), cuts in vec(any::<Index>(), 0..20)) {
        let bytes: Vec<u8> = messages.iter().flat_map(Message::request).collect();
        let steps = joined(requests(&mut RequestStream::new(1000), &calls(&split(&bytes, &cuts))));
        let mut expected = Vec::new();
        for message in &messages {
            expected.extend([Step::Item(Item::Started), Step::Item(Item::Head(message.request_head()))]);
            if !message.body.is_empty() {
                let (length, prefix) = (message.body.len() as u64, message.body.clone().into());
                expected.push(Step::Item(Item::Body { length, prefix }));
            }
            expected.push(Step::Item(Item::End));
        }
        prop_assert_eq!(steps, expected);
    }

    #[test]
    fn byte_by_byte_is_the_same(messages in vec(message(), 1..4)) {
        let bytes: Vec<u8> = messages.iter().flat_map(Message::response).collect();
        let methods: Vec<_> = messages.iter().map(|message| message.method.as_str()).collect();
        let read = |parts: &[&[u8]]| joined(responses(&mut ResponseStream::new(9), &methods, &calls(parts)));
        prop_assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), read(&[&bytes]));
    }

    #[test]
    fn splitting_anything_is_the_same(bytes in nearly_http(), cuts in vec(any::<Index>(), 0..20)) {
        // What a desynchronised stream finds does depend on where calls begin.
        fn until_lost<H>(steps: Vec<Step<H>>) -> Vec<Step<H>> {
            let mut lost = false;
            joined(steps).into_iter().take_while(|step| !std::mem::replace(&mut lost, matches!(step, Step::Invalid(_)))).collect()
        }
        let read = |parts: &[&[u8]]| (
            until_lost(requests(&mut RequestStream::new(9), &calls(parts))),
            until_lost(responses(&mut ResponseStream::new(9), &["GET"; 99], &calls(parts))),
        );
        prop_assert_eq!(read(&split(&bytes, &cuts)), read(&[&bytes]));
    }

    #[test]
    fn gaps_never_yield_a_head_that_was_not_sent(
        messages in vec(message(), 1..6),
        cuts in vec(any::<Index>(), 0..30),
        gaps in vec(any::<Index>(), 1..6),
        desynchronised in any::<bool>(),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(Message::request).collect();
        let mut calls = calls(&split(&bytes, &cuts));
        for gap in gaps {
            let index = gap.index(calls.len());
            calls[index] = Chunk::Gap(calls[index].len());
        }
        let mut stream = RequestStream::new(0);
        if desynchronised {
            stream.desynchronise();
        }
        let sent: Vec<_> = messages.iter().map(Message::request_head).collect();
        for head in heads(requests(&mut stream, &calls)) {
            prop_assert!(sent.contains(&head), "{head:?}");
        }
    }

    #[test]
    fn any_bytes_and_gaps_are_consumed_without_panic(
        calls in vec(prop_oneof![
            vec(any::<u8>(), 0..200).prop_map(|bytes| Chunk::Bytes(bytes.into())),
            nearly_http().prop_map(|bytes| Chunk::Bytes(bytes.into())),
            any::<u64>().prop_map(Chunk::Gap),
            (0..50_u64).prop_map(Chunk::Gap),
        ], 0..20),
    ) {
        requests(&mut RequestStream::new(9), &calls);
        responses(&mut ResponseStream::new(9), &["GET", "HEAD", "CONNECT"], &calls);
    }
}
