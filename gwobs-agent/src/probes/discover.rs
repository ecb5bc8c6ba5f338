//! What is there already when a process is first followed: its descendants, where they listen, what they have open.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read as _};
use std::net::SocketAddr;
use std::process;

use aya::Ebpf;
use aya::programs::Iter;
use gwobs_common::record::DiscoveredRecord;

use super::{ProbeError, Process, decode, table};

/// Where tracked processes listen.
pub(super) fn listening(programs: &mut Ebpf) -> Result<Vec<SocketAddr>, ProbeError> {
    let mut found = BTreeSet::new();
    for_each_record(programs, table::LISTENERS, |record| {
        found.extend(decode::discovered_local(record));
    })?;
    Ok(found.into_iter().collect())
}

/// Enters the open connections of tracked processes into the kernel's table; answers how many there were.
pub(super) fn connections(programs: &mut Ebpf) -> Result<usize, ProbeError> {
    let mut found = 0;
    for_each_record(programs, table::CONNECTIONS, |_| found += 1)?;
    Ok(found)
}

fn for_each_record(
    programs: &mut Ebpf,
    program: &'static str,
    mut visit: impl FnMut(&[u8; size_of::<DiscoveredRecord>()]),
) -> Result<(), ProbeError> {
    let mut reader = BufReader::new(run_iterator(programs, program)?);
    let mut record = [0; size_of::<DiscoveredRecord>()];
    loop {
        match reader.read_exact(&mut record) {
            Ok(()) => visit(&record),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(ProbeError::IteratorRead(error)),
        }
    }
}

fn run_iterator(programs: &mut Ebpf, program: &'static str) -> Result<File, ProbeError> {
    let failed = |source| ProbeError::Program {
        program,
        source: Box::new(source),
    };
    let iterator: &mut Iter = programs
        .program_mut(program)
        .ok_or(ProbeError::Incomplete { part: program })?
        .try_into()
        .map_err(failed)?;
    let link = iterator
        .attach()
        .and_then(|link| iterator.take_link(link))
        .map_err(failed)?;
    Ok(link.into_file()?)
}

/// Command name of a process, if it exists.
pub(super) fn process_name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
}

/// Processes outside `followed`, other than this one, whose parent is in it.
pub(super) fn children_of(followed: &BTreeSet<u32>) -> Result<Vec<Process>, ProbeError> {
    const PATH: &str = "/proc";
    let entries = fs::read_dir(PATH).map_err(|source| ProbeError::KernelFile { path: PATH, source })?;
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(pids
        .filter(|pid| !followed.contains(pid) && *pid != process::id())
        .filter(|pid| parent_of(*pid).is_some_and(|parent| followed.contains(&parent)))
        .filter_map(|pid| {
            Some(Process {
                pid,
                name: process_name(pid)?,
            })
        })
        .collect())
}

/// Fourth field of `/proc/PID/stat`; the second, in parentheses, may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parent_in_stat(&String::from_utf8_lossy(&stat))
}

fn parent_in_stat(stat: &str) -> Option<u32> {
    let (_, tail) = stat.rsplit_once(')')?;
    tail.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests;
