//! Looking at the host.

use std::fs;

use super::Need;
use crate::probes::{self, Probes};

/// Where the kernel tells about its types.
const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Bits of `CapEff` (linux/capability.h) and their names.
const SYS_ADMIN: u32 = 21;
const CAPABILITIES: [(u32, &str); 2] = [(39, "CAP_BPF"), (38, "CAP_PERFMON")];

pub(super) fn needs() -> Vec<Need> {
    let btf = fs::read(BTF);
    let types = match &btf {
        Ok(types) => Ok(format!("{BTF}, {} KiB", types.len() / 1024)),
        Err(error) => Err(format!("{BTF}: {error} (the kernel needs CONFIG_DEBUG_INFO_BTF)")),
    };
    let mut needs = vec![kernel(), architecture(), Need::new("type information", types)];
    needs.extend(probes::hooks().iter().map(|hook| {
        let found = has_tracepoint(btf.as_deref().unwrap_or_default(), hook.name);
        let lacking = || format!("this kernel has no such hook ({} or later has it)", hook.needs);
        Need::new(
            format!("hook {}", hook.name),
            found.then(String::new).ok_or_else(lacking),
        )
    }));
    needs.extend(capabilities());
    needs
}

/// Loads and attaches the probes for a moment.
pub(super) fn attach() -> std::io::Result<Need> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let attached = runtime.block_on(async { Probes::load(&probes::Config::default()) });
    let found = attached
        .map(|probes| probes.attached().join(", "))
        .map_err(|error| error.to_string());
    Ok(Need::new("probes attach", found))
}

fn kernel() -> Need {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    Need::new(
        "kernel",
        release
            .map(|text| text.trim().to_owned())
            .map_err(|error| error.to_string()),
    )
}

fn architecture() -> Need {
    let found = match std::env::consts::ARCH {
        "x86_64" => Ok("x86_64".to_owned()),
        "aarch64" => Ok("aarch64 (not tested by the project)".to_owned()),
        other => Err(format!("{other}: only x86_64 and aarch64 are known")),
    };
    Need::new("architecture", found)
}

/// Whether the kernel's types name the tracepoint: they hold the type `btf_trace_NAME` for each.
pub(super) fn has_tracepoint(types: &[u8], name: &str) -> bool {
    let wanted = format!("\0btf_trace_{name}\0");
    types.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

fn capabilities() -> Vec<Need> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    CAPABILITIES
        .iter()
        .map(|(bit, name)| capability(&status, *bit, name))
        .collect()
}

/// Whether a capability is in `CapEff` of `/proc/PID/status`; CAP_SYS_ADMIN stands for the others.
pub(super) fn capability(status: &str, bit: u32, name: &str) -> Need {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .unwrap_or_default();
    let has = |bit: u32| bits >> bit & 1 == 1;
    let found = match (has(bit), has(SYS_ADMIN)) {
        (true, _) => Ok(String::new()),
        (false, true) => Ok("by CAP_SYS_ADMIN".to_owned()),
        (false, false) => Err("run as root, or grant it".to_owned()),
    };
    Need::new(format!("capability {name}"), found)
}
