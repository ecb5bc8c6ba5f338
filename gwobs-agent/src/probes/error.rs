//! Why probing does not work here.

use std::io;

use aya::maps::MapError;
use aya::programs::ProgramError;
use aya::programs::links::LinkError;

/// What went wrong with the probes.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The process lacks capabilities.
    #[error("loading BPF programs needs {missing}: run as root, or grant the capability (CAP_SYS_ADMIN covers both)")]
    MissingCapability {
        /// Their names.
        missing: String,
    },
    /// The kernel is locked down against programs that read its memory.
    #[error("this kernel is in lockdown mode `confidentiality`, which forbids BPF programs to read kernel memory")]
    Lockdown,
    /// Process ids would not mean the same in the kernel and here.
    #[error("gwobs runs in a process id namespace of its own; run it in the host's (`hostPID: true` in a pod)")]
    PidNamespace,
    /// A file of the kernel could not be read.
    #[error("cannot read {path}: {source}")]
    KernelFile {
        /// Which.
        path: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The kernel tells nothing about its types.
    #[error("this kernel has no type information (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF): {source}")]
    NoBtf {
        /// Why.
        source: io::Error,
    },
    /// The kernel's type information does not parse.
    #[error("the kernel's type information is not understood: {what}")]
    BadBtf {
        /// Where it went wrong.
        what: &'static str,
    },
    /// A structure of the kernel is not as expected.
    #[error("this kernel has no field {field}, which the probes read")]
    MissingField {
        /// Structure and path.
        field: String,
    },
    /// A structure of the kernel has a field elsewhere than expected.
    #[error("this kernel keeps {field} at an unexpected offset ({offset})")]
    MovedField {
        /// Structure and path.
        field: &'static str,
        /// Where it is.
        offset: u32,
    },
    /// The kernel lacks a hook.
    #[error("this kernel has no hook {hook} ({needs} or later has it)")]
    MissingHook {
        /// Its name.
        hook: &'static str,
        /// What has it.
        needs: &'static str,
    },
    /// The BPF object could not be loaded.
    #[error("cannot load the BPF object: {0}")]
    Object(#[from] Box<aya::EbpfError>),
    /// A program could not be loaded or attached.
    #[error("cannot load or attach the BPF program {program}: {source}")]
    Program {
        /// Its name.
        program: &'static str,
        /// Why.
        source: Box<ProgramError>,
    },
    /// A part is missing from the BPF object: agent and programs were not built together.
    #[error("the BPF object has no {part}")]
    Incomplete {
        /// Program or map.
        part: &'static str,
    },
    /// A link could not be made or turned into a file.
    #[error("cannot run a BPF iterator: {0}")]
    Iterator(#[from] LinkError),
    /// Reading an iterator failed.
    #[error("cannot read a BPF iterator: {0}")]
    IteratorRead(io::Error),
    /// A kernel table could not be read or written.
    #[error("a BPF map does not answer: {0}")]
    Map(#[from] MapError),
    /// Waiting for events failed.
    #[error("cannot wait for events: {0}")]
    Wait(io::Error),
    /// Developers' messages cannot be read.
    #[error("cannot read the messages of the BPF programs: {0}")]
    KernelLog(String),
    /// No such process.
    #[error("there is no process {pid}")]
    NoSuchProcess {
        /// Its id.
        pid: u32,
    },
    /// Following oneself never ends.
    #[error("gwobs cannot follow itself")]
    OwnProcess,
}

/// Whether a table operation failed because the key is not there.
pub(super) fn is_absent(error: &MapError) -> bool {
    match error {
        MapError::KeyNotFound => true,
        MapError::SyscallError(error) => error.io_error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}
