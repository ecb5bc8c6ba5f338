//! One direction of a connection: its calls put in order, and what the kernel side need not copy of them.

use bytes::Bytes;
use gwobs_http::Chunk;
use gwobs_route::Inconclusive;

use super::Context;
use super::counts::Counts;
use super::sequence::{Next, Piece, Sequencer};
use super::skip::{Followed, Window};
use crate::event::{Data, Timestamp};
use crate::exchange::Stamp;

/// One direction.
#[derive(Debug)]
pub(super) struct Flow {
    sequencer: Sequencer,
    window: Window,
    followed: Followed,
    /// Losses that had been told when bytes of this direction were last seen.
    losses: u64,
    /// Why the stream was desynchronised last.
    pub(super) lost_because: Inconclusive,
}

/// A part of the stream that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) chunk: Chunk,
    /// Bytes that follow it and were left out.
    left_out: u64,
    pub(super) stamp: Stamp,
    pub(super) begins_call: bool,
    /// Why bytes are missing, if they are.
    pub(super) why_missing: Inconclusive,
}

/// How many of the next bytes of a direction are not needed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unneeded {
    Bytes(u64),
    /// Those before the next frame of HTTP/2; unless they are, or its place is not known.
    Frame(Option<u64>),
}

impl Flow {
    pub(super) fn new(position: Option<u32>, losses: u64) -> Self {
        Self {
            sequencer: Sequencer::at(position),
            window: Window::default(),
            followed: Followed::default(),
            losses,
            lost_because: Inconclusive::Truncated,
        }
    }

    /// Takes a part of a call. `turned`: what moved before it went the other way.
    pub(super) fn offer(&mut self, data: &Data, stamp: Stamp, begins_call: bool, turned: bool, counts: &mut Counts) {
        if turned {
            self.window.turned(data.position);
        }
        self.followed.left_out(data.left_out);
        self.sequencer.offer(Piece::new(data, stamp, begins_call), counts);
    }

    /// When the oldest of the waiting parts was logged.
    pub(super) fn waiting_since(&self) -> Option<Timestamp> {
        self.sequencer.waiting_since()
    }

    /// More parts wait than may.
    pub(super) fn is_full(&self) -> bool {
        self.sequencer.is_full()
    }

    /// Bytes that have not come before the waiting part that comes first.
    pub(super) fn missing(&self) -> u64 {
        self.sequencer.missing()
    }

    /// The stamp of the waiting part that comes first.
    pub(super) fn first(&self) -> Option<Stamp> {
        self.sequencer.first().map(|piece| piece.stamp)
    }

    /// The position to tell the kernel side, if it is worth it.
    pub(super) fn tell(&mut self, unneeded: Unneeded) -> Option<u32> {
        let position = self.sequencer.position()?;
        match unneeded {
            Unneeded::Bytes(length) => self.window.tell(position, length),
            Unneeded::Frame(distance) => self.window.tell_frame(position, distance?, &mut self.followed),
        }
    }

    /// The kernel side may not know where frames are.
    pub(super) fn lose_frames(&mut self) {
        self.followed = Followed::No;
    }

    /// Why bytes would be missing now.
    pub(super) fn why_missing(&self, context: &Context<'_>) -> Inconclusive {
        match self.losses < context.losses {
            true => Inconclusive::LostEvents,
            false => Inconclusive::Truncated,
        }
    }

    pub(super) fn pop(&mut self, force: bool, context: &mut Context<'_>) -> Option<Reading> {
        let why_missing = self.why_missing(context);
        let force = force || self.sequencer.is_full() || why_missing == Inconclusive::LostEvents;
        let next = self.sequencer.pop(force, context.counts)?;
        self.losses = context.losses;
        Some(match next {
            Next::Missing(length, stamp) => Reading {
                chunk: Chunk::Gap(length),
                left_out: 0,
                stamp,
                begins_call: false,
                why_missing,
            },
            Next::Piece(piece) => Reading::of(piece),
        })
    }
}

impl Reading {
    fn of(piece: Piece) -> Self {
        Self {
            left_out: u64::from(piece.length).saturating_sub(piece.bytes.len() as u64),
            chunk: Chunk::Bytes(piece.bytes),
            stamp: piece.stamp,
            begins_call: piece.begins_call,
            why_missing: Inconclusive::Truncated,
        }
    }

    /// Bytes of the same direction that were consumed before without being read.
    pub(super) fn replay(&self, bytes: Bytes, stamp: Stamp) -> Self {
        let chunk = Chunk::Bytes(bytes);
        Self {
            chunk,
            left_out: 0,
            stamp,
            begins_call: false,
            why_missing: self.why_missing,
        }
    }

    /// Goes on to what was left out after the bytes; false if all has been read.
    pub(super) fn advance(&mut self) -> bool {
        if self.chunk.is_empty() && self.left_out > 0 {
            self.chunk = Chunk::Gap(std::mem::take(&mut self.left_out));
        }
        !self.chunk.is_empty()
    }
}
