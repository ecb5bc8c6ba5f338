//! The dynamic table (RFC 7541 section 2.3.2), as far as it is known.

use std::collections::VecDeque;

use super::decoder::Line;

/// The size of the table until the encoder says otherwise (RFC 9113 section 6.5.2).
const INITIAL_CAPACITY: usize = 4096;

/// The largest table that is kept, in the RFC's own measure: what browsers announce. Older entries are unknown then.
const MAX_CAPACITY: usize = 64 * 1024;

/// What is kept of a table whose size is not known: four times what nearly all encoders use.
const ASSUMED_CAPACITY: usize = 16 * 1024;

/// What an entry counts beside its bytes (RFC 7541 section 4.1).
const OVERHEAD: usize = 32;

/// The known entries, newest first.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<Line>,
    size: usize,
    /// What is kept at most.
    capacity: usize,
    /// The capacity is what the encoder uses.
    is_exact: bool,
    /// There are no entries but the known ones.
    is_complete: bool,
}

/// What an index refers to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Known(&'a Line),
    /// An entry that was not seen.
    Unknown,
    /// There is no such entry.
    Missing,
}

impl Table {
    /// The table of a connection that is seen from its first byte.
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            capacity: INITIAL_CAPACITY,
            is_exact: true,
            is_complete: true,
        }
    }

    /// Entries may have been added, and the size changed: none of the known ones has its place any more.
    pub(super) fn lose(&mut self) {
        *self = Self {
            entries: VecDeque::new(),
            size: 0,
            capacity: ASSUMED_CAPACITY,
            is_exact: false,
            is_complete: false,
        };
    }

    /// The entry at an index that counts from the newest entry, 0.
    pub(super) fn get(&self, index: usize) -> Entry<'_> {
        match self.entries.get(index) {
            Some(line) => Entry::Known(line),
            None if self.is_complete => Entry::Missing,
            None => Entry::Unknown,
        }
    }

    /// Adds an entry (section 4.4); one that does not fit empties the table.
    pub(super) fn add(&mut self, line: Line) {
        self.size += size_of(&line);
        self.entries.push_front(line);
        self.evict();
    }

    /// The encoder uses a table of that size from now on (section 6.3).
    pub(super) fn resize(&mut self, capacity: usize) {
        self.is_exact = capacity <= MAX_CAPACITY;
        self.capacity = capacity.min(MAX_CAPACITY);
        self.is_complete |= capacity == 0;
        self.evict();
    }

    /// Where the size is the encoder's own, it has evicted the same entries, and all that were before them.
    fn evict(&mut self) {
        while self.size > self.capacity
            && let Some(oldest) = self.entries.pop_back()
        {
            self.size -= size_of(&oldest);
            self.is_complete = self.is_exact;
        }
    }
}

/// Unknown parts count nothing: entries are kept a little longer than the encoder keeps them, which changes no index.
fn size_of(line: &Line) -> usize {
    let length = |part: &Option<bytes::Bytes>| part.as_ref().map_or(0, bytes::Bytes::len);
    length(&line.name) + length(&line.value) + OVERHEAD
}
