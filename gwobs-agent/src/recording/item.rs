//! The items of a record file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gwobs_common::counter::Counter;
use serde::{Deserialize, Serialize};

use super::event;
use super::wire::{Decoder, Encoder, Malformed};
use crate::event::{KernelEvent, Timestamp};
use crate::output::{DataPlane, ObservedProcess, Ready};
use crate::specs::ManifestFile;

/// What a run was told at its start; everything that its output depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Distinguishes decision ids.
    pub run: String,
    /// The Gateways, as `namespace/name`.
    pub gateways: Vec<String>,
    /// Listener port to local port.
    pub ports: BTreeMap<u16, u16>,
    /// How long a mismatch is held, in nanoseconds.
    pub hold: u64,
    /// How long replaced specs may still be followed, in nanoseconds.
    pub convergence_window: u64,
    /// Whether values that no route matches were redacted.
    pub redact: bool,
    /// The data-plane profile, if one was named.
    pub profile: Option<String>,
    /// UTC minus `CLOCK_BOOTTIME`, in nanoseconds.
    pub clock_offset: i64,
}

/// One thing that came into a run. The whole output is a function of the parameters and of these, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Probes are attached.
    Ready(Ready),
    /// A manifest file; takes effect with [`Input::Specs`].
    SpecFile(ManifestFile),
    /// The files since the last time are the specs now.
    Specs(Timestamp),
    /// It is this time for the events that follow.
    Now(Timestamp),
    /// An event.
    Event(KernelEvent),
    /// A program in the kernel gave up so many times: it neither told nor announced something.
    KernelError(Counter, u64),
    /// The process of this id listens by UDP on this listener's port: HTTP/3 comes in unseen.
    UnseenListener(u32, u16),
    /// Time passed: deadlines are looked at.
    Tick(Timestamp),
    /// The run ended.
    End(Timestamp),
}

const READY: u8 = 1;
const SPEC_FILE: u8 = 2;
const SPECS: u8 = 3;
const NOW: u8 = 4;
const EVENT: u8 = 5;
const TICK: u8 = 6;
const END: u8 = 7;
const KERNEL_ERROR: u8 = 8;
const UNSEEN_LISTENER: u8 = 9;

/// The parameters' item, the first of a file.
pub(super) const PARAMETERS: u8 = 0;

/// The time of the item before, which the next one's is told from.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Clock(u64);

impl Clock {
    fn encode(&mut self, time: Timestamp, out: &mut Encoder) {
        out.signed(time.0.wrapping_sub(self.0).cast_signed());
        self.0 = time.0;
    }

    fn decode(&mut self, input: &mut Decoder<'_>) -> Result<Timestamp, Malformed> {
        self.0 = self.0.wrapping_add(input.signed()?.cast_unsigned());
        Ok(Timestamp(self.0))
    }
}

/// Tag and payload of an item.
pub(super) fn encode(input: &Input, clock: &mut Clock, out: &mut Encoder) -> u8 {
    match input {
        Input::Ready(ready) => {
            clock.encode(ready.time, out);
            encode_ready(ready, out);
            READY
        }
        Input::SpecFile(file) => {
            out.bytes(file.path.as_os_str().as_bytes());
            out.bytes(file.text.as_bytes());
            SPEC_FILE
        }
        Input::Event(kernel_event) => {
            clock.encode(kernel_event.time, out);
            event::encode(kernel_event, out);
            EVENT
        }
        Input::KernelError(counter, count) => {
            out.unsigned(u64::from(*counter as u32));
            out.unsigned(*count);
            KERNEL_ERROR
        }
        Input::UnseenListener(pid, port) => {
            out.unsigned(u64::from(*pid));
            out.unsigned(u64::from(*port));
            UNSEEN_LISTENER
        }
        Input::Specs(time) => at(SPECS, *time, clock, out),
        Input::Now(time) => at(NOW, *time, clock, out),
        Input::Tick(time) => at(TICK, *time, clock, out),
        Input::End(time) => at(END, *time, clock, out),
    }
}

fn at(tag: u8, time: Timestamp, clock: &mut Clock, out: &mut Encoder) -> u8 {
    clock.encode(time, out);
    tag
}

pub(super) fn decode(tag: u8, payload: &[u8], clock: &mut Clock) -> Result<Input, Malformed> {
    let mut input = Decoder::new(payload);
    let item = match tag {
        READY => {
            let time = clock.decode(&mut input)?;
            Input::Ready(decode_ready(time, &mut input)?)
        }
        SPEC_FILE => {
            let path = Path::new(OsStr::from_bytes(input.bytes()?)).into();
            Input::SpecFile(ManifestFile {
                path,
                text: input.text()?.to_owned(),
            })
        }
        EVENT => {
            let time = clock.decode(&mut input)?;
            Input::Event(event::decode(time, &mut input)?)
        }
        KERNEL_ERROR => {
            let counter = Counter::ALL.get(input.narrow::<usize>()?).ok_or(Malformed::Tag)?;
            Input::KernelError(*counter, input.unsigned()?)
        }
        UNSEEN_LISTENER => Input::UnseenListener(input.narrow()?, input.narrow()?),
        SPECS => Input::Specs(clock.decode(&mut input)?),
        NOW => Input::Now(clock.decode(&mut input)?),
        TICK => Input::Tick(clock.decode(&mut input)?),
        END => Input::End(clock.decode(&mut input)?),
        _ => return Err(Malformed::Tag),
    };
    input.end()?;
    Ok(item)
}

fn encode_ready(ready: &Ready, out: &mut Encoder) {
    out.unsigned(ready.processes.len() as u64);
    for process in &ready.processes {
        out.unsigned(u64::from(process.pid));
        out.bytes(process.name.as_bytes());
        out.bytes(process.data_plane.as_str().as_bytes());
    }
    out.unsigned(ready.probes.len() as u64);
    for probe in &ready.probes {
        out.bytes(probe.as_bytes());
    }
}

fn decode_ready(time: Timestamp, input: &mut Decoder<'_>) -> Result<Ready, Malformed> {
    let mut ready = Ready {
        time,
        processes: Vec::new(),
        probes: Vec::new(),
    };
    for _ in 0..input.unsigned()? {
        ready.processes.push(ObservedProcess {
            pid: input.narrow()?,
            name: input.text()?.to_owned(),
            data_plane: DataPlane::of_command(input.text()?),
        });
    }
    for _ in 0..input.unsigned()? {
        ready.probes.push(input.text()?.to_owned());
    }
    Ok(ready)
}
