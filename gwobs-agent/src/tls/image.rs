//! An ELF image, read in pieces: programs of 100 MB and more must not be held in memory, and a file that another process
//! may truncate must not be mapped.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::layout::{Architecture, Layout, Segment};

/// Bytes that are looked at in one go.
const PIECE: usize = 1 << 20;

/// Largest part of an image that is read at once: the frame table of a program of some 500 MB.
const MAX_READ: u64 = 64 << 20;

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It cannot be read.
    #[error("cannot read the image: {0}")]
    Read(#[from] io::Error),
    /// It is not what an image must be.
    #[error("not an image that is understood: {0}")]
    Malformed(&'static str),
    /// It is for another machine.
    #[error("an image for another architecture (ELF machine {0})")]
    Machine(u16),
}

/// An ELF image of 64 bits, little endian.
#[derive(Debug)]
pub struct Image {
    source: Source,
    pub(super) layout: Layout,
}

#[derive(Debug)]
enum Source {
    File(File),
    Bytes(Vec<u8>),
}

impl Image {
    /// Opens a file and reads its headers.
    ///
    /// # Errors
    /// If it cannot be read or is not such an image.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(ImageError::Malformed("not a regular file"));
        }
        let layout = Layout::read(&file)?;
        Ok(Self {
            source: Source::File(file),
            layout,
        })
    }

    /// An image in memory.
    ///
    /// # Errors
    /// If it is not such an image.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ImageError> {
        let layout = Layout::read(io::Cursor::new(&bytes))?;
        Ok(Self {
            source: Source::Bytes(bytes),
            layout,
        })
    }

    /// The linker's name of the image, if it has one: equal for equal images.
    #[must_use]
    pub fn build_id(&self) -> Option<&[u8]> {
        self.layout.build_id.as_deref()
    }

    pub(super) fn architecture(&self) -> Architecture {
        self.layout.architecture
    }

    /// Where in the file the byte at an address is.
    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        let segment = self.layout.segments.iter().find(|segment| segment.contains(address))?;
        segment.offset.checked_add(address - segment.address)
    }

    /// The bytes from an address on, at most `length` of them.
    pub(super) fn at(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        let segment = self.layout.segments.iter().find(|segment| segment.contains(address))?;
        let inside = address - segment.address;
        self.read(segment.offset.checked_add(inside)?, length.min(segment.size - inside))
    }

    /// Bytes of the file; fewer than asked for where it ends.
    pub(super) fn read(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        let length = usize::try_from(length.min(MAX_READ)).ok()?;
        match &self.source {
            Source::File(file) => read_file(file, offset, length),
            Source::Bytes(bytes) => {
                let start = usize::try_from(offset).ok().filter(|start| *start < bytes.len())?;
                let end = start.saturating_add(length).min(bytes.len());
                Some(bytes.get(start..end)?.to_vec())
            }
        }
    }

    /// Visits the bytes of some segments in pieces, each with its address. Consecutive pieces overlap, so that nothing of
    /// `overlap` bytes or less is cut in all of them.
    pub(super) fn visit(&self, wanted: impl Fn(&Segment) -> bool, overlap: usize, mut visit: impl FnMut(u64, &[u8])) {
        let step = PIECE as u64;
        for segment in self.layout.segments.iter().filter(|segment| wanted(segment)) {
            let mut done = 0;
            while done < segment.size {
                let length = (step + overlap as u64).min(segment.size - done);
                let Some(piece) = self.read(segment.offset.saturating_add(done), length) else {
                    break;
                };
                visit(segment.address.saturating_add(done), &piece);
                done += step;
            }
        }
    }

    /// A view that moves along the file, for tables that are read from front to back.
    pub(super) fn window(&self, offset: u64, length: u64) -> Window<'_> {
        Window {
            image: self,
            offset,
            length,
            start: 0,
            bytes: Vec::new(),
        }
    }
}

fn read_file(file: &File, offset: u64, length: usize) -> Option<Vec<u8>> {
    let available = file.metadata().ok()?.len().checked_sub(offset)?;
    let mut bytes = vec![0; length.min(usize::try_from(available).ok()?)];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

/// A part of the file, of which a piece is in memory.
#[derive(Debug, Clone)]
pub(super) struct Window<'a> {
    image: &'a Image,
    offset: u64,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// `length` bytes, `at` bytes into the part.
    pub(super) fn get(&mut self, at: u64, length: usize) -> Option<&[u8]> {
        let end = at.checked_add(length as u64).filter(|end| *end <= self.length)?;
        if at < self.start || end > self.start + self.bytes.len() as u64 {
            let wanted = (PIECE.max(length) as u64).min(self.length - at);
            self.bytes = self.image.read(self.offset.checked_add(at)?, wanted)?;
            self.start = at;
        }
        let from = usize::try_from(at - self.start).ok()?;
        self.bytes.get(from..from.checked_add(length)?)
    }

    /// A number of 32 bits, `at` bytes into the part.
    pub(super) fn u32(&mut self, at: u64) -> Option<u32> {
        self.get(at, 4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// A number of 64 bits, `at` bytes into the part.
    pub(super) fn u64(&mut self, at: u64) -> Option<u64> {
        self.get(at, 8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }
}
