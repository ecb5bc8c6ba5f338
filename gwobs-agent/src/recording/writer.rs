//! Writing a record file.

use std::io::{self, BufWriter, Write};

use super::item::{self, Clock, Input, PARAMETERS, Parameters};
use super::wire::Encoder;
use super::{MAGIC, VERSION};

/// Writes a record file. Nothing is dropped: a recording with holes could not be replayed, so a disk that is slow slows
/// the run, and one that is full ends it.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: BufWriter<W>,
    clock: Clock,
    payload: Encoder,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(out: W, parameters: &Parameters) -> io::Result<Self> {
        let mut writer = Self {
            out: BufWriter::new(out),
            clock: Clock::default(),
            payload: Encoder::default(),
        };
        writer.out.write_all(MAGIC)?;
        writer.out.write_all(&VERSION.to_le_bytes())?;
        writer.payload.0 = serde_json::to_vec(parameters)?;
        writer.item(PARAMETERS)?;
        Ok(writer)
    }

    /// Appends an item.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&mut self, input: &Input) -> io::Result<()> {
        self.payload.0.clear();
        let tag = item::encode(input, &mut self.clock, &mut self.payload);
        self.item(tag)
    }

    /// Hands on what is buffered.
    ///
    /// # Errors
    /// If writing fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn item(&mut self, tag: u8) -> io::Result<()> {
        let mut head = Encoder::default();
        head.byte(tag);
        head.unsigned(self.payload.0.len() as u64);
        self.out.write_all(&head.0)?;
        self.out.write_all(&self.payload.0)
    }
}
