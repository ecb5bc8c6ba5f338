//! One direction of a connection: frames in, items out.

use bytes::{Buf, Bytes};

use super::frame::{FRAME_HEADER, FrameHeader, Kind, flag};
use super::hpack::Decoder;
use super::item::{Fault, Invalid, Item, Step};
use super::limits::{INITIAL_MAX_FRAME, MAX_CONTROL, MAX_FIELDS};
use super::resync;
use super::section::OpenSection;
use super::settings::Settings;
use crate::Chunk;

/// What a client sends before its frames (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether bytes are the start of a client's side from its first byte.
#[must_use]
pub fn begins_with_preface(bytes: &[u8]) -> bool {
    bytes.starts_with(PREFACE)
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Stream {
    state: State,
    decoder: Decoder,
    open: Option<OpenSection>,
    /// Frames begin with SETTINGS, and none was seen.
    is_first: bool,
    /// The longest payload that the other side takes, as far as is known.
    max_frame: u32,
    call_begins: bool,
    /// The frame whose header is being read began in input before this one.
    split: bool,
}

#[derive(Debug)]
enum State {
    /// In the preface, before that many bytes of it.
    Preface(usize),
    /// Between frames, or in a frame header of which these bytes are there.
    Header(Vec<u8>),
    /// A header section began; the payload of its frame is next.
    Began(FrameHeader),
    /// In a payload that is read as a whole.
    Payload(FrameHeader, Vec<u8>),
    /// Before the length of the padding of a DATA frame.
    Padding(FrameHeader),
    /// In a DATA frame.
    Data(Data),
    /// In a payload that is passed over, of which so much is left; then the frame is as good as read.
    Pass(FrameHeader, u64),
    /// The place of the next frame is lost.
    Lost,
}

#[derive(Debug, Clone, Copy)]
struct Data {
    stream: u32,
    /// Bytes of data that are left, and bytes of padding after them.
    length: u64,
    padding: u64,
    end_stream: bool,
}

impl Stream {
    /// The direction of the requests, from its first byte.
    #[must_use]
    pub fn requests() -> Self {
        Self::from_state(State::Preface(0))
    }

    /// The direction of the responses, from its first byte.
    #[must_use]
    pub fn responses() -> Self {
        Self::from_state(State::Header(Vec::new()))
    }

    /// A direction whose first bytes were not seen: desynchronised.
    #[must_use]
    pub fn joined() -> Self {
        let mut stream = Self::from_state(State::Lost);
        stream.is_first = false;
        stream.decoder.lose();
        stream
    }

    fn from_state(state: State) -> Self {
        Self {
            state,
            decoder: Decoder::new(),
            open: None,
            is_first: true,
            max_frame: INITIAL_MAX_FRAME,
            call_begins: false,
            split: false,
        }
    }

    /// Takes what the receiving side said it wants.
    pub fn apply(&mut self, settings: &Settings) {
        self.max_frame = self.max_frame.max(settings.max_frame_size.unwrap_or(0));
    }

    /// The next bytes are the first ones of a call: only there a desynchronised direction looks for frames.
    pub fn begin_call(&mut self) {
        self.call_begins = true;
    }

    /// True unless the place of the next frame is lost.
    #[must_use]
    pub fn is_synchronised(&self) -> bool {
        !matches!(self.state, State::Lost)
    }

    /// True if the next byte begins a frame.
    #[must_use]
    pub fn is_between_frames(&self) -> bool {
        matches!(&self.state, State::Header(bytes) if bytes.is_empty()) || matches!(self.state, State::Preface(0))
    }

    /// True if the next byte goes on with a frame header.
    #[must_use]
    pub fn is_in_frame_header(&self) -> bool {
        matches!(&self.state, State::Header(bytes) if !bytes.is_empty())
    }

    /// How many of the next bytes are not needed.
    #[must_use]
    pub fn skippable(&self) -> u64 {
        match &self.state {
            State::Data(data) => data.length + data.padding,
            State::Pass(_, remaining) => *remaining,
            _ => 0,
        }
    }

    /// How far off the next frame begins, if what comes before it is not needed.
    #[must_use]
    pub fn next_frame(&self) -> Option<u64> {
        let is_known = self.is_between_frames() || matches!(self.state, State::Data(_) | State::Pass(..));
        (is_known && !matches!(self.state, State::Preface(_))).then(|| self.skippable())
    }

    /// Gives up the present place: the direction is desynchronised.
    pub fn desynchronise(&mut self) {
        self.state = State::Lost;
        self.open = None;
        self.is_first = false;
        self.decoder.lose();
    }

    /// Consumes a part of `input` and answers what it is. To be called until it answers [`Step::NeedMore`].
    pub fn next(&mut self, input: &mut Chunk) -> Step {
        self.split = self.is_in_frame_header();
        loop {
            let before = input.len();
            let step = self.step(input);
            if input.len() < before {
                self.call_begins = false;
            }
            match step {
                Ok(Some(item)) => return Step::Item(item),
                Ok(None) if input.is_empty() && !self.has_more() => return Step::NeedMore,
                Ok(None) => {}
                Err(fault) => return self.lose(fault),
            }
        }
    }

    /// True if there is something to say without further input.
    fn has_more(&self) -> bool {
        match &self.state {
            State::Began(_) | State::Pass(_, 0) => true,
            State::Data(data) => data.length + data.padding == 0,
            State::Payload(header, payload) => payload.len() as u64 == u64::from(header.length),
            _ => false,
        }
    }

    fn lose(&mut self, fault: Fault) -> Step {
        let stream = self.open.as_ref().map(|section| section.stream);
        self.desynchronise();
        Step::Invalid(Invalid { fault, stream })
    }

    fn step(&mut self, input: &mut Chunk) -> Result<Option<Item>, Fault> {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Lost => Ok(self.search(input)),
            State::Preface(at) => self.preface(at, input),
            State::Header(bytes) => self.header(bytes, input),
            State::Began(header) => {
                self.state = self.section_payload(header);
                Ok(None)
            }
            State::Payload(header, payload) => self.payload(header, payload, input),
            State::Padding(header) => self.padding(header, input),
            State::Data(data) => Ok(self.data(data, input)),
            State::Pass(header, remaining) => self.pass(header, remaining, input),
        }
    }

    /// Passes over bytes, unless a call begins with frames.
    fn search(&mut self, input: &mut Chunk) -> Option<Item> {
        match input {
            Chunk::Bytes(bytes) if self.call_begins && resync::are_frames(bytes, self.max_frame) => {
                self.state = State::Header(Vec::new());
                None
            }
            Chunk::Bytes(bytes) if bytes.is_empty() => None,
            Chunk::Gap(0) => None,
            _ => {
                let length = input.len();
                *input = Chunk::Gap(0);
                Some(Item::Skipped(length))
            }
        }
    }

    fn preface(&mut self, at: usize, input: &mut Chunk) -> Result<Option<Item>, Fault> {
        let bytes = readable(input)?;
        let expected = PREFACE.get(at..).unwrap_or_default();
        let length = bytes.len().min(expected.len());
        if bytes.split_to(length) != expected.get(..length).unwrap_or_default() {
            return Err(Fault::Syntax);
        }
        self.state = match at + length {
            at if at < PREFACE.len() => State::Preface(at),
            _ => State::Header(Vec::new()),
        };
        Ok(None)
    }

    fn header(&mut self, mut buffer: Vec<u8>, input: &mut Chunk) -> Result<Option<Item>, Fault> {
        let bytes = readable(input)?;
        let wanted = FRAME_HEADER - buffer.len();
        buffer.extend_from_slice(&bytes.split_to(wanted.min(bytes.len())));
        match <[u8; FRAME_HEADER]>::try_from(&*buffer) {
            Ok(header) => self.begin_frame(FrameHeader::parse(header)),
            Err(_) => {
                self.state = State::Header(buffer);
                Ok(None)
            }
        }
    }

    /// A frame header was read.
    fn begin_frame(&mut self, header: FrameHeader) -> Result<Option<Item>, Fault> {
        header.check()?;
        let split = std::mem::take(&mut self.split);
        let continues = |section: &OpenSection| header.kind == Kind::Continuation && header.stream == section.stream;
        let in_order = self.open.as_ref().map_or(header.kind != Kind::Continuation, continues);
        let is_start = header.kind == Kind::Settings && !header.has(flag::ACK);
        if !in_order || (std::mem::take(&mut self.is_first) && !is_start) {
            return Err(Fault::Syntax);
        }
        match header.kind {
            Kind::Headers => {
                self.open = Some(OpenSection::new(header));
                self.state = State::Began(header);
                let stream = header.stream;
                return Ok(Some(Item::Started { stream, split }));
            }
            Kind::Promise => {
                self.open = Some(OpenSection::new(header));
                self.state = self.section_payload(header);
            }
            Kind::Continuation => self.state = self.section_payload(header),
            Kind::Data if header.has(flag::PADDED) && header.length == 0 => return Err(Fault::Syntax),
            Kind::Data if header.has(flag::PADDED) => self.state = State::Padding(header),
            Kind::Data => self.state = State::Data(Data::new(header, header.length, 0)),
            Kind::Reset | Kind::Settings | Kind::GoAway if header.length as usize <= MAX_CONTROL => {
                self.state = State::Payload(header, Vec::new());
            }
            _ => self.state = State::Pass(header, header.length.into()),
        }
        Ok(None)
    }

    /// How the payload of a frame of a header section is taken: not at all if that has become too long.
    fn section_payload(&mut self, header: FrameHeader) -> State {
        match &mut self.open {
            Some(section) if section.fault.is_none() && section.has_room(header.length) => {
                State::Payload(header, Vec::new())
            }
            Some(section) => {
                section.spoil(Fault::TooLong);
                State::Pass(header, header.length.into())
            }
            None => State::Pass(header, header.length.into()),
        }
    }

    fn payload(&mut self, header: FrameHeader, mut payload: Vec<u8>, input: &mut Chunk) -> Result<Option<Item>, Fault> {
        let missing = u64::from(header.length) - payload.len() as u64;
        match input {
            Chunk::Gap(length) if missing > 0 && *length > 0 => {
                if let Some(section) = &mut self.open {
                    section.spoil(Fault::Gap);
                }
                self.state = State::Pass(header, missing);
                return Ok(None);
            }
            Chunk::Bytes(bytes) => {
                let length = usize::try_from(missing).unwrap_or(usize::MAX).min(bytes.len());
                payload.extend_from_slice(&bytes.split_to(length));
            }
            Chunk::Gap(_) => {}
        }
        if payload.len() as u64 == u64::from(header.length) {
            self.state = State::Header(Vec::new());
            return self.end_frame(header, &payload);
        }
        self.state = State::Payload(header, payload);
        Ok(None)
    }

    /// A payload that is read as a whole is complete.
    fn end_frame(&mut self, header: FrameHeader, payload: &[u8]) -> Result<Option<Item>, Fault> {
        let word = |at: usize| {
            let mut word = payload.get(at..).unwrap_or_default();
            word.try_get_u32().map_err(|_| Fault::Syntax)
        };
        match header.kind {
            Kind::Settings if header.has(flag::ACK) => Ok(None),
            Kind::Settings => Ok(Some(Item::Settings(Settings::parse(payload)))),
            Kind::Reset => Ok(Some(Item::Reset { stream: header.stream })),
            Kind::GoAway => Ok(Some(Item::GoAway {
                last_stream: word(0)? & 0x7fff_ffff,
            })),
            _ => {
                if let Some(section) = &mut self.open {
                    section.push(header, payload)?;
                }
                self.end_section(header)
            }
        }
    }

    /// A frame of a header section ended; maybe the section did.
    fn end_section(&mut self, header: FrameHeader) -> Result<Option<Item>, Fault> {
        let Some(section) = self.open.take_if(|_| header.has(flag::END_HEADERS)) else {
            return Ok(None);
        };
        let (stream, end_stream) = (section.stream, section.end_stream);
        let unreadable = |fault| Item::Unreadable {
            stream,
            fault,
            end_stream,
        };
        let item = match section.fault {
            Some(fault) => {
                self.decoder.lose();
                unreadable(fault)
            }
            None => match self.decoder.decode(&section.fragments, MAX_FIELDS)? {
                (lines, true) => Item::Section {
                    stream,
                    lines,
                    end_stream,
                },
                (_, false) => unreadable(Fault::TooLong),
            },
        };
        Ok(Some(match section.promised {
            Some(promised) => Item::Promise { promised },
            None => item,
        }))
    }

    fn padding(&mut self, header: FrameHeader, input: &mut Chunk) -> Result<Option<Item>, Fault> {
        if let Chunk::Gap(length) = input {
            // How much of it is padding is not known; where it ends is.
            self.state = match length {
                0 => State::Padding(header),
                _ => State::Data(Data::new(header, header.length, 0)),
            };
            return Ok(None);
        }
        let bytes = readable(input)?;
        if bytes.is_empty() {
            self.state = State::Padding(header);
            return Ok(None);
        }
        let padding = u32::from(bytes.get_u8());
        let length = (header.length - 1).checked_sub(padding).ok_or(Fault::Syntax)?;
        self.state = State::Data(Data::new(header, length, padding));
        Ok(None)
    }

    fn data(&mut self, mut data: Data, input: &mut Chunk) -> Option<Item> {
        let stream = data.stream;
        if data.length > 0 {
            let (length, bytes) = take(input, data.length);
            data.length -= length;
            self.state = State::Data(data);
            return (length > 0).then_some(Item::Data { stream, length, bytes });
        }
        let (passed, _) = take(input, data.padding);
        data.padding -= passed;
        self.state = match data.padding {
            0 => State::Header(Vec::new()),
            _ => State::Data(data),
        };
        (data.padding == 0 && data.end_stream).then_some(Item::End { stream })
    }

    fn pass(&mut self, header: FrameHeader, remaining: u64, input: &mut Chunk) -> Result<Option<Item>, Fault> {
        let (passed, _) = take(input, remaining);
        match remaining - passed {
            0 => {
                self.state = State::Header(Vec::new());
                match header.kind {
                    Kind::Headers | Kind::Promise | Kind::Continuation => self.end_section(header),
                    Kind::Reset => Ok(Some(Item::Reset { stream: header.stream })),
                    _ => Ok(None),
                }
            }
            remaining => {
                self.state = State::Pass(header, remaining);
                Ok(None)
            }
        }
    }
}

impl Data {
    fn new(header: FrameHeader, length: u32, padding: u32) -> Self {
        Self {
            stream: header.stream,
            length: length.into(),
            padding: padding.into(),
            end_stream: header.has(flag::END_STREAM),
        }
    }
}

/// The bytes of a chunk; a gap cannot be read.
fn readable(input: &mut Chunk) -> Result<&mut Bytes, Fault> {
    match input {
        Chunk::Bytes(bytes) => Ok(bytes),
        Chunk::Gap(0) => {
            *input = Chunk::Bytes(Bytes::new());
            readable(input)
        }
        Chunk::Gap(_) => Err(Fault::Gap),
    }
}

/// Takes up to `most` from the front: how much, and the bytes unless it is a gap.
fn take(input: &mut Chunk, most: u64) -> (u64, Bytes) {
    let length = input.len().min(most);
    let bytes = match input {
        Chunk::Gap(gap) => {
            *gap -= length;
            Bytes::new()
        }
        Chunk::Bytes(bytes) => bytes.split_to(usize::try_from(length).unwrap_or(bytes.len())),
    };
    (length, bytes)
}

#[cfg(test)]
mod tests;
