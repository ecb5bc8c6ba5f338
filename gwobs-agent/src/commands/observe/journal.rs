//! The journal: mismatches as JSONL, appended to a file, which is renamed to `FILE.1` when it is full.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

#[cfg(test)]
mod tests;

/// Longest file: with the one before, some 100,000 mismatches.
const MAX_BYTES: u64 = 64 << 20;

/// An append-only file of bounded length. Every write is one or more whole lines.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    limit: u64,
}

impl Journal {
    /// Opens or creates the file; others may not read it, requests may hold personal data.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        Self::with_limit(path, MAX_BYTES).with_context(|| format!("cannot open the journal {}", path.display()))
    }

    fn with_limit(path: &Path, limit: u64) -> io::Result<Self> {
        let file = append_to(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            limit,
        })
    }

    fn turn_over(&mut self) -> io::Result<()> {
        let mut before = OsString::from(&self.path);
        before.push(".1");
        fs::rename(&self.path, before)?;
        self.file = append_to(&self.path)?;
        self.length = 0;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

impl Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.length > 0 && self.length + bytes.len() as u64 > self.limit {
            self.turn_over()?;
        }
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
