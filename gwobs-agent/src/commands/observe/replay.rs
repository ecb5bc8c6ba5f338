//! A recording judged again: the same output, byte for byte.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::Context;
use prometheus_client::registry::Registry;

use super::config::{Form, Shown, Told};
use super::core::Core;
use super::outlets::Out;
use crate::cli::{Global, ObserveArgs};
use crate::commands::{Failure, Outcome};
use crate::metrics::{MAX_ROUTES, Metrics};
use crate::notice::Notice;
use crate::output::Full;
use crate::recording::{Input, Reader};
use crate::specs::{ManifestFile, load_sources};

/// `gwobs observe --replay FILE`
pub(super) fn run(file: &Path, args: &ObserveArgs, global: &Global) -> Result<Outcome, Failure> {
    let form = Form::new(global)?;
    let recording = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let (mismatches, failed) = replay_as(form, BufReader::new(recording), io::stdout().lock())?;
    match failed {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ if args.fail_on_mismatch && mismatches > 0 => Ok(Outcome::Found),
        _ => Ok(Outcome::Fine),
    }
}

/// Replays a recording and writes the JSONL of `observe`; gives the number of mismatches.
///
/// # Errors
/// If the recording cannot be read or its manifests do not parse, or if writing fails.
pub fn replay(recording: impl BufRead, to: impl Write) -> anyhow::Result<u64> {
    let (mismatches, failed) = replay_as(Form::Jsonl, recording, to)?;
    failed.map_or(Ok(mismatches), |error| Err(error.into()))
}

/// Gives the number of mismatches, and the failure to write if there was one.
fn replay_as(form: Form, recording: impl BufRead, to: impl Write) -> anyhow::Result<(u64, Option<io::Error>)> {
    let mut reader = Reader::new(recording)?;
    let metrics = Metrics::register(&mut Registry::default(), MAX_ROUTES);
    let told = Told {
        form,
        shown: Shown::All,
        notices: false,
    };
    let mut core = Core::new(reader.parameters(), told, metrics, Lines { to, failed: None })?;
    let mut sources = Vec::new();
    let mut mismatches = 0;
    while let Some(input) = reader.read()? {
        match input {
            Input::SpecFile(source) => sources.push(source),
            Input::Specs(now) => specs(&mut core, now, std::mem::take(&mut sources))?,
            Input::Ready(ready) => core.ready(&ready),
            Input::Now(now) => core.now(now),
            Input::Event(event) => core.event(&event),
            Input::KernelError(counter, count) => core.kernel_error(counter, count),
            Input::UnseenListener(pid, port) => core.unseen_listener(pid, port),
            Input::Tick(now) => core.tick(now),
            Input::End(now) => mismatches = core.end(now),
        }
        // The recorded kernel has answered them already.
        drop(core.skips());
    }
    Ok((mismatches, core.into_out().failed))
}

fn specs<O: Out>(core: &mut Core<O>, now: crate::event::Timestamp, sources: Vec<ManifestFile>) -> anyhow::Result<()> {
    if let Err(missing) = core.specs(now, load_sources(sources)?) {
        tracing::warn!("{missing}");
    }
    Ok(())
}

/// Writes lines where they are made; keeps the first failure.
struct Lines<W> {
    to: W,
    failed: Option<io::Error>,
}

impl<W: Write> Out for Lines<W> {
    fn line(&mut self, bytes: Vec<u8>) -> Result<(), Full> {
        self.essential(bytes);
        Ok(())
    }

    fn essential(&mut self, bytes: Vec<u8>) {
        if self.failed.is_none() {
            self.failed = self.to.write_all(&bytes).err();
        }
    }

    fn keeps_mismatches(&self) -> bool {
        false
    }

    fn mismatch(&mut self, _: Vec<u8>) -> Result<(), Full> {
        Ok(())
    }

    fn notice(&mut self, _: Notice) -> Result<(), Full> {
        Ok(())
    }
}
