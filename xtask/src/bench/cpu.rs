//! CPU time of a process and all its threads.

use anyhow::{Context as _, Result};

/// User and system time used so far, in seconds, from `/proc/PID/stat` (proc(5), fields 14 and 15).
pub(super) fn used(pid: u32) -> Result<f64> {
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
