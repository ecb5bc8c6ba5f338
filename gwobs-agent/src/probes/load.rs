//! Loading and attaching.

use aya::maps::{Array, HashMap as BpfHashMap, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::{BtfTracePoint, Iter, UProbe};
use aya::{Btf, Ebpf, EbpfLoader};
use aya_log::EbpfLogger;
use aya_obj::btf::BtfError;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::table::{Attach, HOOKS, Hook, ITERATORS, TLS_PROGRAMS};
use super::tls::TlsProbes;
use super::{Config, ProbeError, Probes, btf, decode};

/// Aligned as the ELF reader wants it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/gwobs-ebpf"));

/// Reads what the programs say to their developers.
pub(super) type Logger = EbpfLogger<&'static dyn log::Log>;

/// Of aya-log: nothing is logged, and the verifier removes the calls.
const LOG_NOTHING: u8 = 0;
/// Of aya-log: everything is logged.
const LOG_ALL: u8 = 5;

pub(super) fn load(config: &Config) -> Result<Probes, ProbeError> {
    let offsets = btf::offsets()?;
    let kernel = Btf::from_sys_fs().map_err(|_| ProbeError::BadBtf { what: "types" })?;
    let log_level = if config.kernel_log { LOG_ALL } else { LOG_NOTHING };
    let mut programs = EbpfLoader::new()
        .btf(Some(&kernel))
        .override_global("OFFSETS", &offsets, true)
        .override_global(aya_log::LEVEL, &log_level, false)
        .map_max_entries("EVENTS", config.ring_buffer)
        .map_max_entries("SOCKETS", config.connections)
        .map_max_entries("TLS_OBJECTS", config.connections)
        .map_max_entries("MARKS", config.connections.saturating_mul(2))
        .load(OBJECT)
        .map_err(Box::new)?;
    let logger = if config.kernel_log {
        Some(logger(&mut programs)?)
    } else {
        None
    };
    for program in ITERATORS {
        load_iterator(&mut programs, program, &kernel)?;
    }
    for program in TLS_PROGRAMS {
        load_user_probe(&mut programs, program)?;
    }
    for hook in HOOKS {
        attach(&mut programs, hook, &kernel)?;
    }
    let ring = RingBuf::try_from(take_map(&mut programs, "EVENTS")?)?;
    Ok(Probes {
        ring: watch(ring)?,
        gather: super::gather(config.ring_buffer),
        next_look: Instant::now(),
        decoder: decode::Decoder::default(),
        processes: BpfHashMap::try_from(take_map(&mut programs, "PROCESSES")?)?,
        listening_ports: BpfHashMap::try_from(take_map(&mut programs, "LISTENING_PORTS")?)?,
        names: BpfHashMap::try_from(take_map(&mut programs, "NAMES")?)?,
        marks: BpfHashMap::try_from(take_map(&mut programs, "MARKS")?)?,
        lost: Array::try_from(take_map(&mut programs, "LOST")?)?,
        counters: PerCpuArray::try_from(take_map(&mut programs, "COUNTERS")?)?,
        tls: TlsProbes::new(BpfHashMap::try_from(take_map(&mut programs, "TLS_PROCESSES")?)?),
        generation: 0,
        logger,
        programs,
    })
}

fn watch(ring: RingBuf<MapData>) -> Result<AsyncFd<RingBuf<MapData>>, ProbeError> {
    // SAFETY: the ring buffer owns its descriptor, which stays open and the same for as long as it lives.
    let registered = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
    registered.map_err(|error| ProbeError::Wait(error.into()))
}

fn take_map(programs: &mut Ebpf, name: &'static str) -> Result<Map, ProbeError> {
    programs.take_map(name).ok_or(ProbeError::Incomplete { part: name })
}

fn logger(programs: &mut Ebpf) -> Result<Logger, ProbeError> {
    EbpfLogger::init(programs).map_err(|error| ProbeError::KernelLog(error.to_string()))
}

fn load_iterator(programs: &mut Ebpf, name: &'static str, kernel: &Btf) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Program {
        program: name,
        source: Box::new(source),
    };
    let program = programs
        .program_mut(name)
        .ok_or(ProbeError::Incomplete { part: name })?;
    let iterator: &mut Iter = program.try_into().map_err(failed)?;
    iterator.load("task_file", kernel).map_err(failed)
}

fn load_user_probe(programs: &mut Ebpf, name: &'static str) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Program {
        program: name,
        source: Box::new(source),
    };
    let program = programs
        .program_mut(name)
        .ok_or(ProbeError::Incomplete { part: name })?;
    let probe: &mut UProbe = program.try_into().map_err(failed)?;
    probe.load().map_err(failed)
}

fn attach(programs: &mut Ebpf, hook: &Hook, kernel: &Btf) -> Result<(), ProbeError> {
    let program = programs
        .program_mut(hook.name)
        .ok_or(ProbeError::Incomplete { part: hook.name })?;
    let attached = match hook.attach {
        Attach::Tracepoint => {
            let failed = |source| ProbeError::Program {
                program: hook.name,
                source: Box::new(source),
            };
            let tracepoint: &mut BtfTracePoint = program.try_into().map_err(failed)?;
            tracepoint
                .load(hook.name, kernel)
                .and_then(|()| tracepoint.attach().map(drop))
        }
    };
    attached.map_err(|error| explain(hook, error))
}

fn explain(hook: &Hook, error: aya::programs::ProgramError) -> ProbeError {
    match error {
        aya::programs::ProgramError::Btf(BtfError::UnknownBtfTypeName { .. }) => ProbeError::MissingHook {
            hook: hook.name,
            needs: hook.needs,
        },
        source => ProbeError::Program {
            program: hook.name,
            source: Box::new(source),
        },
    }
}
