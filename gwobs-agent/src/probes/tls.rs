//! Probes on the TLS calls of single processes.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use aya::Ebpf;
use aya::maps::{HashMap as BpfHashMap, MapData};
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLink, UProbeScope};
use aya::programs::{ProgramError, UProbe};
use gwobs_common::tls::{CALLER_GOROUTINE, CALLER_THREAD, function};

use super::table::{GO_TLS_ENTER, GO_TLS_LEAVE, TLS_ENTER, TLS_LEAVE, TLS_REPORT};
use super::{ProbeError, Probes, error};
use crate::tls::{Function, Library, Point, Points, Returns};

/// The attached probes of each process.
pub(super) struct TlsProbes {
    /// Who makes the calls of a process.
    callers: BpfHashMap<MapData, u32, u32>,
    links: BTreeMap<u32, Vec<UProbeLink>>,
}

impl TlsProbes {
    pub(super) fn new(callers: BpfHashMap<MapData, u32, u32>) -> Self {
        Self {
            callers,
            links: BTreeMap::new(),
        }
    }
}

impl Probes {
    /// Attaches probes to the TLS library of a process, in addition to those it has: from now on the plaintext of its
    /// connections is told. They go with [`Self::unwatch_tls`], which is due when the process ends.
    ///
    /// # Errors
    /// The kernel refused to probe reads or writes; nothing of this image is probed then.
    pub fn watch_tls(&mut self, pid: u32, image: &Path, points: &Points) -> Result<(), ProbeError> {
        let caller = match points.library {
            Library::OpenSsl | Library::BoringSsl => CALLER_THREAD,
            Library::GoTls => CALLER_GOROUTINE,
        };
        self.tls.callers.insert(pid, caller, 0)?;
        let mut links = Vec::new();
        for point in &points.points {
            match attach_point(&mut self.programs, pid, image, point, points.library, &mut links) {
                Err(refused) if !point.function.moves_plaintext() => {
                    tracing::debug!(pid, "no probe on {}: {refused}", point.function.as_str());
                }
                other => other?,
            }
        }
        self.tls.links.entry(pid).or_default().extend(links);
        Ok(())
    }

    /// Removes the probes from the TLS library of a process, if it has any.
    ///
    /// # Errors
    /// A table could not be written.
    pub fn unwatch_tls(&mut self, pid: u32) -> Result<(), ProbeError> {
        self.tls.links.remove(&pid);
        match self.tls.callers.remove(&pid) {
            Err(failure) if !error::is_absent(&failure) => Err(failure.into()),
            _ => Ok(()),
        }
    }
}

/// Returns first: a call that is entered unseen is only counted, one that ends unseen would be taken for running.
fn attach_point(
    programs: &mut Ebpf,
    pid: u32,
    image: &Path,
    point: &Point,
    library: Library,
    links: &mut Vec<UProbeLink>,
) -> Result<(), ProbeError> {
    let cookie = code(point.function);
    let (enter, leave) = match (library, point.function) {
        (Library::OpenSsl | Library::BoringSsl, Function::Report | Function::PutReport) => (TLS_REPORT, TLS_LEAVE),
        (Library::OpenSsl | Library::BoringSsl, _) => (TLS_ENTER, TLS_LEAVE),
        (Library::GoTls, _) => (GO_TLS_ENTER, GO_TLS_LEAVE),
    };
    let returns = match &point.returns {
        Returns::Unwatched => &[],
        Returns::Probe => std::slice::from_ref(&point.offset),
        Returns::Instructions(offsets) => offsets,
    };
    for offset in returns {
        links.push(attach(programs, leave, pid, image, *offset, cookie)?);
    }
    links.push(attach(programs, enter, pid, image, point.offset, cookie)?);
    Ok(())
}

fn attach(
    programs: &mut Ebpf,
    program: &'static str,
    pid: u32,
    image: &Path,
    offset: u64,
    cookie: u64,
) -> Result<UProbeLink, ProbeError> {
    let failed = |source: ProgramError| ProbeError::Program {
        program,
        source: Box::new(source),
    };
    let probe: &mut UProbe = programs
        .program_mut(program)
        .ok_or(ProbeError::Incomplete { part: program })?
        .try_into()
        .map_err(failed)?;
    let point = UProbeAttachPoint {
        location: UProbeAttachLocation::AbsoluteOffset(offset),
        cookie: Some(cookie),
    };
    let scope = UProbeScope::OneProcess(NonZeroU32::new(pid).ok_or(ProbeError::NoSuchProcess { pid })?);
    let link = probe.attach(point, image, scope).map_err(failed)?;
    probe.take_link(link).map_err(failed)
}

fn code(function: Function) -> u64 {
    match function {
        Function::Read => function::READ,
        Function::ReadEx => function::READ_EX,
        Function::Write => function::WRITE,
        Function::WriteEx => function::WRITE_EX,
        Function::Handshake => function::HANDSHAKE,
        Function::Report => function::REPORT,
        Function::PutReport => function::PUT_REPORT,
        Function::Alert => function::ALERT,
    }
}
