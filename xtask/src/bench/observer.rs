//! The optimised gwobs, writing its decisions to a file as an access log would.

use crate::testbed::Testbed;
use crate::testbed::gwobs;
use crate::testbed::process::Process;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long gwobs may take to start.
const READY: Duration = Duration::from_secs(20);
/// How long work may go on after it was told to end.
const BACKLOG: Duration = Duration::from_secs(20);

/// A running observer.
pub(super) struct Observer {
    process: Process,
    output: PathBuf,
}

impl Observer {
    /// Starts it on a testbed's data plane, redacting as users have it, and waits until it is ready.
    pub(super) fn start(bed: &Testbed) -> Result<Self> {
        let output = bed.directory.path().join("decisions.jsonl");
        let mut command = Command::new(gwobs::binary()?);
        command.args(bed.observe().args().iter().filter(|arg| *arg != "--no-redact"));
        let log = File::create(bed.directory.path().join("gwobs.log"))?;
        command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(log);
        let mut observer = Self {
            process: Process::spawn(&mut command)?,
            output,
        };
        observer.wait_until_ready()?;
        Ok(observer)
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends it and returns the share of requests that it gave a verdict on: cheap by not looking would be no merit.
    pub(super) fn stop(mut self, requests: f64) -> Result<f64> {
        self.process.signal(libc::SIGINT)?;
        self.process.wait(BACKLOG)?;
        let output = std::fs::read_to_string(&self.output).context("gwobs's output")?;
        let summary: Value = serde_json::from_str(output.lines().last().unwrap_or_default()).context("no summary")?;
        let verdicts = |name: &str| {
            summary
                .pointer(&format!("/verdicts/{name}"))
                .and_then(Value::as_f64)
                .unwrap_or(0.0)
        };
        Ok((verdicts("match") + verdicts("mismatch")) / requests.max(1.0))
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY;
        while !std::fs::read_to_string(&self.output)
            .context("gwobs's output")?
            .contains('\n')
        {
            if let Some(status) = self.process.ended()? {
                bail!("gwobs ended with {status} before it was ready");
            }
            if Instant::now() > deadline {
                bail!("gwobs was not ready within {READY:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
