//! The built `gwobs observe`, used as anybody would: started, waited for, interrupted, its output read.

pub mod decision;
mod turn;

use super::process::Process;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use decision::Decision;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Loading probes takes 0.1 s; a debug build on two busy cores takes longer.
const READY: Duration = Duration::from_secs(30);
/// The longest pause between two lines while it drains, which includes the hold of mismatches.
const DRAIN: Duration = Duration::from_secs(30);

/// The environment variable that names another binary than the one just built.
pub const BINARY: &str = "GWOBS_BIN";

/// Whether [`BINARY`] names one.
pub fn is_given() -> bool {
    std::env::var_os(BINARY).is_some()
}

/// The binary: [`BINARY`], or the optimised one that `cargo xtask` builds.
pub fn binary() -> Result<PathBuf> {
    let path = std::env::var_os(BINARY).map_or_else(|| workspace::target().join("release/gwobs"), PathBuf::from);
    ensure!(
        path.is_file(),
        "no gwobs at {}: `cargo build --release` builds it, or set {BINARY}",
        path.display()
    );
    Ok(path)
}

/// A `gwobs observe` command line in the making.
pub struct Observe {
    args: Vec<String>,
    variables: Vec<(&'static str, &'static str)>,
    turn: Option<File>,
}

impl Observe {
    /// `gwobs observe --no-redact -o jsonl`, still without a process.
    #[expect(
        clippy::new_without_default,
        reason = "an observation of nothing is no sensible default"
    )]
    pub fn new() -> Self {
        Self::of(&["observe", "--no-redact", "-o", "jsonl"])
    }

    /// `gwobs agent` with every decision on standard output, still without a process.
    pub fn agent(kubeconfig: &Path, node: &str, metrics: SocketAddr) -> Self {
        Self::of(&["agent", "--no-redact", "-o", "jsonl", "--decisions", "all"])
            .arg("--kubeconfig")
            .arg(&kubeconfig.to_string_lossy())
            .arg("--node-name")
            .arg(node)
            .arg("--metrics-addr")
            .arg(&metrics.to_string())
    }

    fn of(args: &[&str]) -> Self {
        Self {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            variables: Vec::new(),
            turn: None,
        }
    }

    /// Waits for this observer's turn now, for what happens before its start must not end meanwhile.
    pub fn in_turn(mut self) -> Result<Self> {
        self.turn = Some(turn::wait()?);
        Ok(self)
    }

    /// An environment variable of the process.
    pub fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Specs.
    pub fn manifests(self, path: &Path) -> Self {
        self.arg("--manifests").arg(&path.to_string_lossy())
    }

    /// The Gateway, as `namespace/name`.
    pub fn gateway(self, name: &str) -> Self {
        self.arg("--gateway").arg(name)
    }

    /// The data plane.
    pub fn pid(self, pid: u32) -> Self {
        self.arg("--pid").arg(&pid.to_string())
    }

    /// Any further argument.
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// The arguments as they are.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Waits for this observer's turn, starts it and waits for its `ready` line. The process ends with the thread that
    /// calls this.
    pub fn start(self) -> Result<Gwobs> {
        let binary = binary()?;
        self.start_by(|args| {
            let mut command = Command::new(binary);
            command.args(args);
            command
        })
    }

    /// The same by a command that is made of the arguments.
    pub fn start_by(self, command: impl FnOnce(&[String]) -> Command) -> Result<Gwobs> {
        let turn = self.turn.map_or_else(turn::wait, Ok)?;
        let mut command = command(&self.args);
        command
            .envs(self.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Process::spawn(&mut command)?;
        let stdout = process.child().stdout.take().context("gwobs has no standard output")?;
        let stderr = process.child().stderr.take().context("gwobs has no standard error")?;
        let (lines, log) = (read_lines(stdout), read_text(stderr));
        let mut gwobs = Gwobs {
            process,
            lines,
            log,
            ready: Value::Null,
            decisions: Vec::new(),
            lost: Vec::new(),
            weight_skews: Vec::new(),
            _turn: turn,
        };
        gwobs.ready = gwobs.wait_until_ready()?;
        Ok(gwobs)
    }
}

/// A running observer whose probes are attached.
pub struct Gwobs {
    process: Process,
    lines: Receiver<String>,
    log: JoinHandle<String>,
    /// The `ready` line.
    pub ready: Value,
    decisions: Vec<Decision>,
    lost: Vec<Value>,
    weight_skews: Vec<Value>,
    _turn: File,
}

/// All that an observer said from its start to its clean end.
pub struct Observed {
    /// The `ready` line.
    pub ready: Value,
    /// In the order of their lines.
    pub decisions: Vec<Decision>,
    /// `lost` lines.
    pub lost: Vec<Value>,
    /// `weight_skew` lines.
    pub weight_skews: Vec<Value>,
    /// The `summary` line.
    pub summary: Value,
    /// Exit code.
    pub exit: i32,
    /// Standard error.
    pub log: String,
}

impl Gwobs {
    /// The observer's own process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Takes one more line if one comes in time; returns the decision if it is one.
    pub fn next_decision(&mut self, within: Duration) -> Result<Option<&Decision>> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(line) = self.next_line(left)? else {
                return Ok(None);
            };
            match kind(&line) {
                "decision" => {
                    self.decisions.push(Decision(line));
                    return Ok(self.decisions.last());
                }
                "lost" => self.lost.push(line),
                "weight_skew" => self.weight_skews.push(line),
                other => bail!("unexpected line of type {other:?} while observing"),
            }
        }
    }

    /// Interrupts it, waits for its end and returns everything.
    pub fn stop(mut self) -> Result<Observed> {
        self.process.signal(libc::SIGINT)?;
        let mut summary = None;
        while let Some(line) = self.next_line(DRAIN)? {
            match kind(&line) {
                "decision" => self.decisions.push(Decision(line)),
                "lost" => self.lost.push(line),
                "weight_skew" => self.weight_skews.push(line),
                "summary" => summary = Some(line),
                other => bail!("unexpected line of type {other:?}"),
            }
        }
        let exit = self
            .process
            .wait(DRAIN)?
            .code()
            .context("gwobs was killed by a signal")?;
        let log = self.log.join().unwrap_or_default();
        let summary = summary.with_context(|| format!("gwobs ended ({exit}) without a summary:\n{log}"))?;
        Ok(Observed {
            ready: self.ready,
            decisions: self.decisions,
            lost: self.lost,
            weight_skews: self.weight_skews,
            summary,
            exit,
            log,
        })
    }

    fn wait_until_ready(&mut self) -> Result<Value> {
        match self.next_line(READY)? {
            Some(line) if kind(&line) == "ready" => Ok(line),
            Some(line) => bail!("the first line is not `ready`: {line}"),
            None => {
                let exit = self.process.wait(DRAIN)?;
                let log = std::mem::replace(&mut self.log, std::thread::spawn(String::new))
                    .join()
                    .unwrap_or_default();
                bail!("gwobs ended ({exit}) before it was ready:\n{log}")
            }
        }
    }

    /// The next line as JSON; `None` at the end of output or of the time.
    fn next_line(&mut self, within: Duration) -> Result<Option<Value>> {
        match self.lines.recv_timeout(within) {
            Ok(line) => serde_json::from_str(&line)
                .map(Some)
                .with_context(|| format!("not JSON: {line}")),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => Ok(None),
        }
    }
}

/// Runs `gwobs` with these arguments to its end; exit code, standard output and standard error.
pub fn run(args: &[&str]) -> Result<(i32, String, String)> {
    let output = Command::new(binary()?)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("cannot start gwobs")?;
    let code = output.status.code().context("gwobs was killed by a signal")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((code, text(&output.stdout), text(&output.stderr)))
}

fn kind(line: &Value) -> &str {
    line.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn read_lines(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        // Read on even if nobody wants the lines any more: a full pipe would stop gwobs.
        BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .for_each(|line| drop(sender.send(line)));
    });
    receiver
}

fn read_text(mut stderr: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stderr.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
