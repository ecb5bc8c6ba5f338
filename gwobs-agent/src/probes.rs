//! The kernel's side of the agent: loads the BPF programs, says which processes to follow, reads what they tell.
//!
//! **Invariant.** Once [`Probes::follow`] has returned, every byte that a followed process reads from or writes to a
//! TCP socket is announced by a [`Data`](crate::event::Data) event, and carried by it unless it says why not; or, if
//! that event was lost, there is a [`Lost`](crate::event::Lost) event and a jump in the stream's positions.
//! It holds because of the order of things: the programs are attached first; then the processes are entered in the
//! kernel's table, again and again until a walk over all processes finds no new descendant (a fork after its parent was
//! entered is seen by the kernel side, one before it by the next walk); then their open sockets are looked up while
//! new connects are already recorded; and only then bytes begin to flow. A socket that appears in between is either
//! connected (its connect was recorded) or accepted (the default), so its role is right as well.

mod btf;
mod counters;
mod decode;
mod discover;
mod error;
mod load;
mod platform;
mod table;
mod tls;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::process;
use std::time::Duration;

use aya::Ebpf;
use aya::maps::{Array, HashMap as BpfHashMap, MapData, PerCpuArray, RingBuf};
use gwobs_common::record::NAME;
use gwobs_common::table::{
    LOST_RING, LOST_TABLE, Mark, MarkKey, PLAINTEXT_MARK, PROCESS_ACTIVE, PROCESS_TRACKED, RECEIVE, SEND,
};
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

pub use self::counters::Counters;
pub use self::error::ProbeError;
pub use self::table::Hook;
use crate::event::{Direction, KernelEvent, SocketCookie};

/// How to load the probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Size of the ring buffer in bytes, a power of two and a multiple of the page size.
    pub ring_buffer: u32,
    /// Connections followed at a time.
    pub connections: u32,
    /// Whether the BPF programs log for their developers, through the `log` crate. Costs nothing when false.
    pub kernel_log: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ring_buffer: gwobs_common::limits::RING_BUFFER,
            connections: gwobs_common::limits::CONNECTIONS,
            kernel_log: false,
        }
    }
}

/// A process of the followed tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Command name.
    pub name: String,
}

/// What [`Probes::follow`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// The process and its descendants that were not followed before.
    pub processes: Vec<Process>,
    /// Where they listen for TCP connections.
    pub listening: Vec<SocketAddr>,
    /// Number of connections they had open.
    pub connections: usize,
}

/// The hooks that are needed, for whoever wants to know before loading.
#[must_use]
pub fn hooks() -> &'static [Hook] {
    table::HOOKS
}

/// At most so many events come in one batch: a bound for the memory of a batch, 16 MiB in the worst case.
const BATCH: usize = 1024;

/// How long events gather between two looks at the ring buffer. Under load each look costs two wake-ups, which are worth
/// some requests' work each; decisions are due within a second, and what the agent does not need of a body it can say
/// only after a look.
const GATHER: Duration = Duration::from_millis(5);

/// Bytes that may come in a second, some 30 Gbit/s: a ring buffer that would be half full by then is looked at sooner.
const MOST_PER_SECOND: u64 = 4 << 30;

/// How long events may gather in a ring buffer of that many bytes.
fn gather(ring_buffer: u32) -> Duration {
    let until_half_full = u64::from(ring_buffer / 2) * 1_000_000_000 / MOST_PER_SECOND;
    GATHER.min(Duration::from_nanos(until_half_full))
}

/// The attached BPF programs. Dropping it detaches them.
pub struct Probes {
    ring: AsyncFd<RingBuf<MapData>>,
    gather: Duration,
    next_look: Instant,
    decoder: decode::Decoder,
    processes: BpfHashMap<MapData, u32, u32>,
    listening_ports: BpfHashMap<MapData, u32, u32>,
    names: BpfHashMap<MapData, [u8; NAME], u32>,
    marks: BpfHashMap<MapData, MarkKey, Mark>,
    lost: Array<MapData, u64>,
    counters: PerCpuArray<MapData, u64>,
    tls: tls::TlsProbes,
    generation: u32,
    logger: Option<load::Logger>,
    programs: Ebpf,
}

impl fmt::Debug for Probes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Probes")
            .field("attached", &self.attached())
            .finish_non_exhaustive()
    }
}

impl Probes {
    /// Loads and attaches all programs; nothing is followed yet. Must be called within a tokio runtime with I/O and
    /// time.
    ///
    /// # Errors
    /// What this host lacks: a capability, BTF, a hook, memory.
    pub fn load(config: &Config) -> Result<Self, ProbeError> {
        platform::check()?;
        load::load(config)
    }

    /// Names of the attached hooks.
    #[must_use]
    pub fn attached(&self) -> Vec<&'static str> {
        table::HOOKS.iter().map(|hook| hook.name).collect()
    }

    /// Follows a process, its present and future descendants and all their threads, except this process itself.
    ///
    /// # Errors
    /// [`ProbeError::NoSuchProcess`], [`ProbeError::OwnProcess`], or what went wrong with the kernel's tables.
    pub fn follow(&mut self, pid: u32) -> Result<Followed, ProbeError> {
        if pid == process::id() {
            return Err(ProbeError::OwnProcess);
        }
        let processes = self.track_tree(pid)?;
        let listening = discover::listening(&mut self.programs)?;
        for address in &listening {
            self.listening_ports.insert(u32::from(address.port()), 1, 0)?;
        }
        let connections = discover::connections(&mut self.programs)?;
        for process in &processes {
            self.activate(process.pid)?;
        }
        Ok(Followed {
            processes,
            listening,
            connections,
        })
    }

    /// Follows every process that executes a command of this name from now on, with its descendants; of a longer name the
    /// first 15 bytes count, as for the kernel. [`EventKind::ProcessStarted`](crate::event::EventKind) tells of each.
    ///
    /// # Errors
    /// The table could not be written.
    pub fn follow_name(&mut self, name: &str) -> Result<(), ProbeError> {
        let mut command = [0; NAME];
        for (place, byte) in command.iter_mut().take(NAME - 1).zip(name.bytes()) {
            *place = byte;
        }
        self.names.insert(command, 1, 0).map_err(ProbeError::from)
    }

    fn track_tree(&mut self, root: u32) -> Result<Vec<Process>, ProbeError> {
        let mut followed: BTreeSet<u32> = self.processes.keys().collect::<Result<_, _>>()?;
        let mut joined = Vec::new();
        if followed.insert(root) {
            let name = discover::process_name(root).ok_or(ProbeError::NoSuchProcess { pid: root })?;
            self.processes.insert(root, PROCESS_TRACKED, 0)?;
            joined.push(Process { pid: root, name });
        }
        loop {
            let new = discover::children_of(&followed)?;
            if new.is_empty() {
                return Ok(joined);
            }
            for process in new {
                followed.insert(process.pid);
                self.processes.insert(process.pid, PROCESS_TRACKED, 0)?;
                joined.push(process);
            }
        }
    }

    /// A process that ended in the meantime must not be entered again.
    fn activate(&mut self, pid: u32) -> Result<(), ProbeError> {
        const ONLY_IF_PRESENT: u64 = 2;
        match self.processes.insert(pid, PROCESS_ACTIVE, ONLY_IF_PRESENT) {
            Err(error) if !error::is_absent(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Waits for events and appends them in the order of the ring buffer, at least one. Cancel safe: dropping the
    /// future loses nothing.
    ///
    /// # Errors
    /// The wait or a table look-up failed.
    pub async fn next_batch(&mut self, events: &mut Vec<KernelEvent>) -> Result<(), ProbeError> {
        let before = events.len();
        loop {
            sleep_until(self.next_look).await;
            self.drain(events)?;
            if events.len() > before {
                return Ok(());
            }
            self.ring.readable().await.map_err(ProbeError::Wait)?.clear_ready();
        }
    }

    /// Appends what is there, without waiting.
    ///
    /// # Errors
    /// A table look-up failed.
    pub fn drain(&mut self, events: &mut Vec<KernelEvent>) -> Result<(), ProbeError> {
        if let Some(logger) = &mut self.logger {
            logger.flush();
        }
        let ring = self.ring.get_mut();
        let end = events.len().saturating_add(BATCH);
        while events.len() < end {
            let Some(record) = ring.next() else {
                self.next_look = Instant::now() + self.gather;
                return self.note_tail_loss(events);
            };
            self.decoder.decode(&record, events);
        }
        Ok(())
    }

    /// Losses after the last record.
    fn note_tail_loss(&mut self, events: &mut Vec<KernelEvent>) -> Result<(), ProbeError> {
        let ring = self.lost.get(&LOST_RING, 0)?;
        let table = self.lost.get(&LOST_TABLE, 0)?;
        self.decoder.note_losses(ring, table, events);
        Ok(())
    }

    /// Bytes before `position` of this stream are not needed (a body); from there on bytes cross again, a window's worth
    /// ([`gwobs_common::limits::WINDOW`]) at least. A call that straddles the position is split exactly there. Saying it
    /// with the present position keeps the window ahead of pipelined messages. Takes effect with the next call on the
    /// socket; worth its cost (a system call) for bodies of more than a few KiB.
    ///
    /// `position` may be up to 2^31 - 1 ahead of the stream; say it again when a longer body has come that far.
    ///
    /// # Errors
    /// The table could not be written.
    pub fn skip_until(&mut self, socket: SocketCookie, direction: Direction, position: u32) -> Result<(), ProbeError> {
        self.mark(socket, index_of(direction), position, false)
    }

    /// The same, and a frame of HTTP/2 begins there: the kernel side follows the frames from there on, copies what is read
    /// of them, and says of the rest how long it is.
    ///
    /// # Errors
    /// The table could not be written.
    pub fn follow_frames(&mut self, socket: SocketCookie, direction: Direction, from: u32) -> Result<(), ProbeError> {
        self.mark(socket, index_of(direction), from, true)
    }

    /// As [`Self::skip_until`], for the plaintext of a TLS connection.
    ///
    /// # Errors
    /// The table could not be written.
    pub fn skip_plaintext_until(
        &mut self,
        socket: SocketCookie,
        direction: Direction,
        position: u32,
    ) -> Result<(), ProbeError> {
        self.mark(socket, index_of(direction) + PLAINTEXT_MARK, position, false)
    }

    /// As [`Self::follow_frames`], for the plaintext of a TLS connection.
    ///
    /// # Errors
    /// The table could not be written.
    pub fn follow_plaintext_frames(
        &mut self,
        socket: SocketCookie,
        direction: Direction,
        from: u32,
    ) -> Result<(), ProbeError> {
        self.mark(socket, index_of(direction) + PLAINTEXT_MARK, from, true)
    }

    fn mark(&mut self, socket: SocketCookie, direction: u64, position: u32, framed: bool) -> Result<(), ProbeError> {
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        let key = MarkKey {
            cookie: socket.0,
            direction,
        };
        let mark = Mark {
            position,
            generation: self.generation,
            framed: framed.into(),
        };
        self.marks.insert(key, mark, 0).map_err(ProbeError::from)
    }

    /// All counters as they are now.
    ///
    /// # Errors
    /// A table look-up failed.
    pub fn counters(&self) -> Result<Counters, ProbeError> {
        Counters::read(&self.counters, &self.lost, self.decoder.malformed())
    }
}

/// Index of a direction in the kernel's tables.
fn index_of(direction: Direction) -> u64 {
    u64::from(match direction {
        Direction::Receive => RECEIVE,
        Direction::Send => SEND,
    })
}
