//! One direction of a connection in stream order: TCP positions modulo 2^32, calls that were logged late, repetitions
//! and gaps.

use bytes::{Buf, Bytes};

use super::counts::Counts;
use super::limits::{MAX_HELD, MAX_OVERLAP};
use crate::event::{Data, Timestamp};
use crate::exchange::Stamp;

/// A part of a call.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) position: u32,
    pub(super) length: u32,
    /// The first of them, or all.
    pub(super) bytes: Bytes,
    pub(super) stamp: Stamp,
    /// Its first byte is the first of its call.
    pub(super) begins_call: bool,
}

impl Piece {
    pub(super) fn new(data: &Data, stamp: Stamp, begins_call: bool) -> Self {
        let known = data.bytes.len().min(usize::try_from(data.length).unwrap_or(usize::MAX));
        let bytes = data.bytes.slice(..known);
        Self {
            position: data.position,
            length: data.length,
            bytes,
            stamp,
            begins_call,
        }
    }
}

/// What comes next in the stream.
#[derive(Debug)]
pub(super) enum Next {
    /// A part of a call.
    Piece(Piece),
    /// That many bytes were not seen, before a part of a call with that stamp.
    Missing(u64, Stamp),
}

/// Puts the parts in order.
#[derive(Debug, Default)]
pub(super) struct Sequencer {
    /// Position of the next byte; `None` until the first data tells.
    next: Option<u32>,
    held: Vec<Piece>,
}

impl Sequencer {
    /// A stream whose next byte has this position.
    pub(super) fn at(next: Option<u32>) -> Self {
        Self { next, held: Vec::new() }
    }

    /// Position of the next byte.
    pub(super) fn position(&self) -> Option<u32> {
        self.next
    }

    /// Takes a part of a call.
    pub(super) fn offer(&mut self, piece: Piece, counts: &mut Counts) {
        let next = *self.next.get_or_insert(piece.position);
        counts.reordered += u64::from(self.held.iter().any(|held| is_before(piece.position, held.position)));
        if let Some(piece) = without_overlap(piece, next, counts) {
            self.held.push(piece);
        }
    }

    /// When the oldest of the waiting parts was logged.
    pub(super) fn waiting_since(&self) -> Option<Timestamp> {
        self.held.iter().map(|piece| piece.stamp.time).min()
    }

    /// More parts wait than may.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() > MAX_HELD
    }

    /// Bytes that have not come before the waiting part that comes first.
    pub(super) fn missing(&self) -> u64 {
        let nearest = self.next.and_then(|next| self.nearest(next));
        nearest.map_or(0, |(_, distance)| u64::from(distance))
    }

    /// The waiting part that comes first in the stream.
    pub(super) fn first(&self) -> Option<&Piece> {
        let (index, _) = self.nearest(self.next?)?;
        self.held.get(index)
    }

    /// The next of the stream. If `force` is set, bytes that have not come are given up.
    pub(super) fn pop(&mut self, force: bool, counts: &mut Counts) -> Option<Next> {
        let next = self.next?;
        let (index, distance) = self.nearest(next)?;
        if distance > 0 {
            return force.then(|| self.give_up(next, index, distance, counts));
        }
        let piece = self.held.remove(index);
        if self.held.is_empty() {
            self.held = Vec::new();
        }
        let end = next.wrapping_add(piece.length);
        self.next = Some(end);
        self.trim(end, counts);
        Some(Next::Piece(piece))
    }

    /// The waiting part that comes first, and how far off it is.
    fn nearest(&self, next: u32) -> Option<(usize, u32)> {
        let distances = self.held.iter().map(|piece| piece.position.wrapping_sub(next));
        distances.enumerate().min_by_key(|&(_, distance)| distance)
    }

    fn give_up(&mut self, next: u32, index: usize, distance: u32, counts: &mut Counts) -> Next {
        counts.gaps += 1;
        counts.missing_bytes += u64::from(distance);
        self.next = Some(next.wrapping_add(distance));
        let stamp = self.held.get(index).map_or(Stamp::default(), |piece| piece.stamp);
        Next::Missing(u64::from(distance), stamp)
    }

    /// Removes what waiting parts have in common with what was just taken.
    fn trim(&mut self, next: u32, counts: &mut Counts) {
        if self.held.iter().any(|piece| is_before(piece.position, next)) {
            let held = std::mem::take(&mut self.held);
            self.held = held
                .into_iter()
                .filter_map(|piece| without_overlap(piece, next, counts))
                .collect();
        }
    }
}

/// `a` lies shortly before `b`.
fn is_before(a: u32, b: u32) -> bool {
    let distance = b.wrapping_sub(a);
    distance != 0 && distance <= MAX_OVERLAP
}

/// The part of a piece from position `next` on; `None` if there is none.
fn without_overlap(mut piece: Piece, next: u32, counts: &mut Counts) -> Option<Piece> {
    if !is_before(piece.position, next) {
        return Some(piece);
    }
    counts.overlaps += 1;
    let repeated = next.wrapping_sub(piece.position);
    if repeated >= piece.length {
        return None;
    }
    piece.position = next;
    piece.length -= repeated;
    piece.begins_call = false;
    let known = piece.bytes.len().min(usize::try_from(repeated).unwrap_or(usize::MAX));
    piece.bytes.advance(known);
    Some(piece)
}
