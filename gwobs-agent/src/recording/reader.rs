//! Reading a record file, which may come from anywhere.

use std::io::{self, BufRead, Read};

use super::item::{self, Clock, Input, PARAMETERS, Parameters};
use super::wire::Malformed;
use super::{MAGIC, MAX_ITEM, VERSION};

/// Why a record file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading failed.
    #[error("cannot read the recording: {0}")]
    Io(#[from] io::Error),
    /// The first bytes are others.
    #[error("this is no recording of gwobs")]
    NotARecording,
    /// Written by another version.
    #[error("the recording has format version {found}, this gwobs reads version {VERSION}")]
    Version {
        /// The version found.
        found: u16,
    },
    /// An item is longer than any can be.
    #[error("item {index} of the recording claims {length} bytes")]
    TooLong {
        /// Which item, from 0.
        index: u64,
        /// What it claims.
        length: u64,
    },
    /// An item does not decode.
    #[error("item {index} of the recording: {what}")]
    Malformed {
        /// Which item, from 0.
        index: u64,
        /// What is wrong.
        what: Malformed,
    },
}

/// Reads a record file item by item.
#[derive(Debug)]
pub struct Reader<R> {
    items: Items<R>,
    parameters: Parameters,
    clock: Clock,
}

impl<R: BufRead> Reader<R> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// If it is no recording of this version, or its parameters do not parse.
    pub fn new(mut input: R) -> Result<Self, ReadError> {
        check_start(&mut input)?;
        let mut items = Items {
            input,
            payload: Vec::new(),
            index: 0,
        };
        let parameters = match items.advance()? {
            Some(PARAMETERS) => serde_json::from_slice(&items.payload).map_err(|_| items.malformed(Malformed::Text))?,
            _ => return Err(items.malformed(Malformed::Tag)),
        };
        Ok(Self {
            items,
            parameters,
            clock: Clock::default(),
        })
    }

    /// What the run was told at its start.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The next item; `None` at the end, also if the last item was cut.
    ///
    /// # Errors
    /// If reading fails or the item is malformed; nothing can be read after that.
    pub fn read(&mut self) -> Result<Option<Input>, ReadError> {
        let Some(tag) = self.items.advance()? else {
            return Ok(None);
        };
        let item = item::decode(tag, &self.items.payload, &mut self.clock);
        item.map(Some).map_err(|what| self.items.malformed(what))
    }
}

fn check_start(input: &mut impl BufRead) -> Result<(), ReadError> {
    let mut magic = [0; MAGIC.len()];
    let mut version = [0; 2];
    input
        .read_exact(&mut magic)
        .and_then(|()| input.read_exact(&mut version))
        .map_err(|_| ReadError::NotARecording)?;
    match u16::from_le_bytes(version) {
        _ if magic != *MAGIC => Err(ReadError::NotARecording),
        VERSION => Ok(()),
        found => Err(ReadError::Version { found }),
    }
}

/// Tags and payloads.
#[derive(Debug)]
struct Items<R> {
    input: R,
    /// Payload of the item that was read last.
    payload: Vec<u8>,
    /// Items read so far.
    index: u64,
}

impl<R: BufRead> Items<R> {
    /// Reads the next item and gives its tag; `None` at the end of the file.
    fn advance(&mut self) -> Result<Option<u8>, ReadError> {
        let Some(tag) = self.byte()? else { return Ok(None) };
        let Some(length) = self.length()? else { return Ok(None) };
        if length > MAX_ITEM {
            return Err(ReadError::TooLong {
                index: self.index,
                length,
            });
        }
        self.index += 1;
        self.payload.clear();
        // Memory grows with what is really there, not with what is claimed.
        let read = self.input.by_ref().take(length).read_to_end(&mut self.payload)?;
        Ok((read as u64 == length).then_some(tag))
    }

    fn length(&mut self) -> Result<Option<u64>, ReadError> {
        let mut length = 0_u64;
        for shift in (0..35).step_by(7) {
            let Some(byte) = self.byte()? else { return Ok(None) };
            length |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(Some(length));
            }
        }
        Err(ReadError::TooLong {
            index: self.index,
            length,
        })
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        self.input.by_ref().bytes().next().transpose()
    }

    fn malformed(&self, what: Malformed) -> ReadError {
        ReadError::Malformed {
            index: self.index.saturating_sub(1),
            what,
        }
    }
}
