//! `--record`: writes the inputs of a run to a file, if there is one.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::event::Timestamp;
use crate::recording::{Input, Parameters, Writer};
use crate::specs::ManifestFile;

/// Writes inputs, or does nothing.
#[derive(Debug)]
pub(super) struct Recorder(Option<Writer<File>>);

impl Recorder {
    /// Begins a file, if one is asked for; others may not read it, it holds the heads of messages.
    pub(super) fn open(path: Option<&Path>, parameters: &Parameters) -> anyhow::Result<Self> {
        let writer = path.map(|path| {
            create(path)
                .and_then(|file| Writer::new(file, parameters))
                .with_context(|| format!("cannot record to {}", path.display()))
        });
        Ok(Self(writer.transpose()?))
    }

    /// Writes an input, which is made only if somebody wants it.
    pub(super) fn write(&mut self, input: impl FnOnce() -> Input) -> anyhow::Result<()> {
        match &mut self.0 {
            Some(writer) => writer.write(&input()).context("cannot write the recording"),
            None => Ok(()),
        }
    }

    /// Writes the manifests that are in force from now on.
    pub(super) fn specs(&mut self, sources: &[ManifestFile], now: Timestamp) -> anyhow::Result<()> {
        for source in sources {
            self.write(|| Input::SpecFile(source.clone()))?;
        }
        self.write(|| Input::Specs(now))
    }

    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.0
            .as_mut()
            .map_or(Ok(()), Writer::flush)
            .context("cannot write the recording")
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}
