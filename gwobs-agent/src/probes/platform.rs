//! What this host must grant before anything is loaded.

use std::fs;

use super::ProbeError;

/// Bits of `CapEff`, from linux/capability.h.
const CAP_SYS_ADMIN: u32 = 21;
const NEEDED: [(u32, &str); 2] = [(39, "CAP_BPF"), (38, "CAP_PERFMON")];

/// Inode of the initial process id namespace (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

pub(super) fn check() -> Result<(), ProbeError> {
    check_capabilities(&status()?)?;
    check_lockdown(&fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default())?;
    match fs::read_link("/proc/self/ns/pid") {
        Ok(namespace) if namespace.as_os_str() != INITIAL_PID_NAMESPACE => Err(ProbeError::PidNamespace),
        _ => Ok(()),
    }
}

fn status() -> Result<String, ProbeError> {
    const PATH: &str = "/proc/self/status";
    fs::read_to_string(PATH).map_err(|source| ProbeError::KernelFile { path: PATH, source })
}

fn check_capabilities(status: &str) -> Result<(), ProbeError> {
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|value| u64::from_str_radix(value.trim(), 16).ok())
        .unwrap_or_default();
    let has = |bit: u32| effective >> bit & 1 == 1;
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(bit, _)| !has(*bit))
        .map(|(_, name)| *name)
        .collect();
    if missing.is_empty() || has(CAP_SYS_ADMIN) {
        return Ok(());
    }
    Err(ProbeError::MissingCapability {
        missing: missing.join(" and "),
    })
}

fn check_lockdown(modes: &str) -> Result<(), ProbeError> {
    if modes.contains("[confidentiality]") {
        Err(ProbeError::Lockdown)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
