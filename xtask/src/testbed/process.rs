//! A child process that ends with the value that stands for it, or with the thread that started it.

use anyhow::{Context as _, Result, bail};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How often a waiting caller looks again.
const POLL: Duration = Duration::from_millis(5);

/// A running child, in a process group of its own together with the workers that it starts.
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts it. The kernel ends it when the calling *thread* ends, so call this from the thread that keeps the value.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        // SAFETY: between fork and exec only prctl is called, which is async-signal-safe.
        unsafe { command.process_group(0).pre_exec(end_with_parent) };
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The exit status if it has ended already.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Sends a signal, such as `libc::SIGINT`.
    pub fn signal(&self, signal: i32) -> Result<()> {
        signal_to(self.number()?, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Kills it and all its workers, and waits for its end.
    pub fn kill(&mut self) -> Result<()> {
        // A group outlives its first process; where that one has been waited for, its number may be somebody else's.
        if self.ended()?.is_none() {
            signal_to(-self.number()?, libc::SIGKILL).with_context(|| format!("cannot kill {}", self.name))?;
            self.child.wait()?;
        }
        Ok(())
    }

    /// Kills every process that descends from it, but not itself.
    pub fn kill_descendants(&self) {
        for pid in descendants(self.pid()) {
            // It may have ended in between.
            let _ = signal_to(pid, libc::SIGKILL);
        }
    }

    fn number(&self) -> Result<i32> {
        i32::try_from(self.pid()).context("pid out of range")
    }

    /// Waits for its end.
    pub fn wait(&mut self, at_most: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + at_most;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("{} has not ended within {at_most:?}", self.name);
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        let _ = self.kill();
    }
}

/// All processes below this one (proc(5), `/proc/PID/task/TID/children`).
pub fn descendants(pid: u32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|text| {
            text.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    let own = children.iter().filter_map(|pid| i32::try_from(*pid).ok());
    own.chain(children.iter().flat_map(|pid| descendants(*pid))).collect()
}

/// Signals a process, or a group by its negative number.
fn signal_to(number: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill takes plain numbers; the child has not been waited for, so the number is still its own.
    match unsafe { libc::kill(number, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Asks the kernel to terminate this process when the thread that forked it ends. Not to kill it: a master that is
/// killed leaves its workers behind.
fn end_with_parent() -> io::Result<()> {
    // SAFETY: this option of prctl takes a signal number and touches no memory.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
