//! What a process uses.

use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, Instant};

/// How long a process must do next to nothing to be idle; decisions come within a second of the answer's end.
const IDLE: Duration = Duration::from_millis(1_500);
/// How long work may go on after its cause has ended.
const BACKLOG: Duration = Duration::from_secs(20);

/// User and system time of a process and all its threads so far, in seconds, from `/proc/PID/stat` (proc(5), fields 14
/// and 15).
pub fn cpu(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the process has ended")?;
    // The name in parentheses may hold spaces; what follows it starts with field 3.
    let (_, fields) = stat.rsplit_once(") ").context("unexpected /proc/PID/stat")?;
    let ticks = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap_or(0.0));
    // SAFETY: sysconf takes a number and touches no memory of ours.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    #[expect(clippy::cast_precision_loss, reason = "100 or so")]
    Ok(ticks.sum::<f64>() / per_second as f64)
}

/// User time of all children that have ended and were waited for (getrusage(2)).
pub fn user_time_of_ended_children() -> Result<Duration> {
    // SAFETY: plain integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: a valid reference to what it fills in.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) } != 0;
    ensure!(!failed, "getrusage: {}", std::io::Error::last_os_error());
    let (seconds, micros) = (usage.ru_utime.tv_sec, usage.ru_utime.tv_usec);
    Ok(Duration::from_secs(u64::try_from(seconds)?) + Duration::from_micros(u64::try_from(micros)?))
}

/// Memory of a process's own that is not backed by a file, in bytes, from `/proc/PID/smaps_rollup` (proc(5)).
pub fn memory(pid: u32) -> Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("the process has ended")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kib.context("unexpected /proc/PID/smaps_rollup")? * 1024)
}

/// The most memory that a process ever had resident, in bytes (`VmHWM` of `/proc/PID/status`).
pub fn peak(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the process has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kib.context("unexpected /proc/PID/status")? * 1024)
}

/// Waits until what was asked of a process is worked off; not for ever.
pub fn wait_until_idle(pid: u32) -> Result<()> {
    let deadline = Instant::now() + BACKLOG;
    let mut used = cpu(pid)?;
    while Instant::now() < deadline {
        std::thread::sleep(IDLE);
        let now = cpu(pid)?;
        // This much is what an idle agent may use for looking around.
        if now - used < IDLE.as_secs_f64() / 50.0 {
            break;
        }
        used = now;
    }
    Ok(())
}
