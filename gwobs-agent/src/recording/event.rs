//! Kernel events as bytes; the time is written by [`super::item`].

use bytes::Bytes;

use super::wire::{Decoder, Encoder, Malformed};
use crate::event::{
    Data, Direction, EventKind, HandshakeOutcome, KernelEvent, LeftOut, Lost, LostReason, Opened, Plaintext, Role,
    SocketCookie, Timestamp, Transport, Unread,
};

const DIRECTIONS: [Direction; 2] = [Direction::Receive, Direction::Send];
const ROLES: [Role; 2] = [Role::Accepted, Role::Connected];
const TRANSPORTS: [Transport; 2] = [Transport::Unix, Transport::MultipathTcp];
const LOST_REASONS: [LostReason; 3] = [LostReason::RingBufferFull, LostReason::TableFull, LostReason::Malformed];
const LEFT_OUT: [LeftOut; 6] = [
    LeftOut::Skipped,
    LeftOut::Window,
    LeftOut::NotThisSocket,
    LeftOut::NoBuffer,
    LeftOut::Fault,
    LeftOut::FrameData,
];

/// Index of a value in its table: the byte that stands for it.
fn code<T: PartialEq>(table: &[T], value: &T) -> u8 {
    let index = table.iter().position(|candidate| candidate == value);
    index.and_then(|index| u8::try_from(index).ok()).unwrap_or(u8::MAX)
}

fn decode_code<T: Copy>(table: &[T], code: u8) -> Result<T, Malformed> {
    table.get(usize::from(code)).copied().ok_or(Malformed::Tag)
}

pub(super) fn encode(event: &KernelEvent, out: &mut Encoder) {
    out.unsigned(u64::from(event.pid));
    out.unsigned(u64::from(event.tid));
    match &event.kind {
        EventKind::Data(data) => {
            out.byte(0);
            encode_data(data, out);
        }
        EventKind::Ciphertext(data) => {
            out.byte(9);
            encode_data(data, out);
        }
        EventKind::Plaintext(plaintext) => {
            out.byte(10);
            out.byte(u8::from(plaintext.from_start));
            encode_data(&plaintext.data, out);
        }
        EventKind::Handshake { socket, outcome } => {
            out.byte(11);
            out.unsigned(socket.0);
            encode_outcome(outcome, out);
        }
        EventKind::Opened(opened) => encode_opened(opened, out),
        EventKind::Connecting { socket, peer } => {
            out.byte(2);
            out.unsigned(socket.0);
            out.address(*peer);
        }
        EventKind::ConnectFailed { socket, peer } => {
            out.byte(3);
            out.unsigned(socket.0);
            out.address(*peer);
        }
        EventKind::HalfClosed { socket, direction } => {
            out.byte(4);
            out.unsigned(socket.0);
            out.byte(code(&DIRECTIONS, direction));
        }
        EventKind::Closed { socket } => {
            out.byte(5);
            out.unsigned(socket.0);
        }
        EventKind::ProcessStarted { parent, name } => {
            out.byte(6);
            out.unsigned(u64::from(*parent));
            out.bytes(name.as_bytes());
        }
        EventKind::ProcessExited => out.byte(7),
        EventKind::Unread(unread) => encode_unread(unread, out),
        EventKind::Lost(lost) => {
            out.byte(8);
            out.byte(code(&LOST_REASONS, &lost.reason));
            out.unsigned(lost.count);
        }
    }
}

fn encode_outcome(outcome: &HandshakeOutcome, out: &mut Encoder) {
    match outcome {
        HandshakeOutcome::Succeeded => out.byte(1),
        HandshakeOutcome::Failed { library, reason } => {
            out.byte(0);
            out.unsigned(u64::from(*library));
            out.unsigned(u64::from(*reason));
        }
    }
}

fn encode_data(data: &Data, out: &mut Encoder) {
    out.unsigned(data.socket.0);
    out.byte(code(&DIRECTIONS, &data.direction));
    out.unsigned(u64::from(data.position));
    out.unsigned(u64::from(data.length));
    out.byte(data.left_out.map_or(0, |why| code(&LEFT_OUT, &why).saturating_add(1)));
    out.bytes(&data.bytes);
}

fn encode_opened(opened: &Opened, out: &mut Encoder) {
    out.byte(1);
    out.unsigned(opened.socket.0);
    out.byte(code(&ROLES, &opened.role));
    out.address(opened.local);
    out.address(opened.peer);
    out.byte(u8::from(opened.preexisting));
    out.byte(u8::from(opened.positions.is_some()));
    if let Some((receive, send)) = opened.positions {
        out.unsigned(u64::from(receive));
        out.unsigned(u64::from(send));
    }
}

fn encode_unread(unread: &Unread, out: &mut Encoder) {
    out.byte(12);
    out.unsigned(unread.socket.0);
    out.byte(code(&TRANSPORTS, &unread.transport));
    out.byte(unread.role.map_or(0, |role| code(&ROLES, &role).saturating_add(1)));
    out.unsigned(u64::from(unread.local_port.unwrap_or_default()));
    out.unsigned(unread.peer.map_or(0, |peer| peer.0));
    out.byte(u8::from(unread.own));
}

pub(super) fn decode(time: Timestamp, input: &mut Decoder<'_>) -> Result<KernelEvent, Malformed> {
    let (pid, tid) = (input.narrow()?, input.narrow()?);
    let kind = match input.byte()? {
        0 => EventKind::Data(decode_data(input)?),
        1 => EventKind::Opened(decode_opened(input)?),
        2 => EventKind::Connecting {
            socket: socket(input)?,
            peer: input.address()?,
        },
        3 => EventKind::ConnectFailed {
            socket: socket(input)?,
            peer: input.address()?,
        },
        4 => EventKind::HalfClosed {
            socket: socket(input)?,
            direction: decode_code(&DIRECTIONS, input.byte()?)?,
        },
        5 => EventKind::Closed { socket: socket(input)? },
        6 => EventKind::ProcessStarted {
            parent: input.narrow()?,
            name: input.text()?.to_owned(),
        },
        7 => EventKind::ProcessExited,
        8 => {
            let reason = decode_code(&LOST_REASONS, input.byte()?)?;
            EventKind::Lost(Lost {
                reason,
                count: input.unsigned()?,
            })
        }
        9 => EventKind::Ciphertext(decode_data(input)?),
        10 => {
            let from_start = input.flag()?;
            let data = decode_data(input)?;
            EventKind::Plaintext(Plaintext { data, from_start })
        }
        11 => EventKind::Handshake {
            socket: socket(input)?,
            outcome: match input.flag()? {
                true => HandshakeOutcome::Succeeded,
                false => HandshakeOutcome::Failed {
                    library: input.narrow()?,
                    reason: input.narrow()?,
                },
            },
        },
        12 => EventKind::Unread(decode_unread(input)?),
        _ => return Err(Malformed::Tag),
    };
    Ok(KernelEvent { time, pid, tid, kind })
}

fn socket(input: &mut Decoder<'_>) -> Result<SocketCookie, Malformed> {
    input.unsigned().map(SocketCookie)
}

fn decode_data(input: &mut Decoder<'_>) -> Result<Data, Malformed> {
    let socket = socket(input)?;
    let direction = decode_code(&DIRECTIONS, input.byte()?)?;
    let (position, length) = (input.narrow()?, input.narrow()?);
    let left_out = input
        .byte()?
        .checked_sub(1)
        .map(|code| decode_code(&LEFT_OUT, code))
        .transpose()?;
    let bytes = Bytes::copy_from_slice(input.bytes()?);
    if bytes.len() as u64 > u64::from(length) {
        return Err(Malformed::Range);
    }
    Ok(Data {
        socket,
        direction,
        position,
        length,
        bytes,
        left_out,
    })
}

fn decode_opened(input: &mut Decoder<'_>) -> Result<Opened, Malformed> {
    Ok(Opened {
        socket: socket(input)?,
        role: decode_code(&ROLES, input.byte()?)?,
        local: input.address()?,
        peer: input.address()?,
        preexisting: input.flag()?,
        positions: if input.flag()? {
            Some((input.narrow()?, input.narrow()?))
        } else {
            None
        },
    })
}

/// Ports and cookies count from 1: 0 stands for none.
fn decode_unread(input: &mut Decoder<'_>) -> Result<Unread, Malformed> {
    let socket = socket(input)?;
    let transport = decode_code(&TRANSPORTS, input.byte()?)?;
    let role = input.byte()?.checked_sub(1);
    let role = role.map(|code| decode_code(&ROLES, code)).transpose()?;
    let port = u16::try_from(input.unsigned()?).map_err(|_| Malformed::Range)?;
    let peer = input.unsigned()?;
    Ok(Unread {
        socket,
        transport,
        role,
        local_port: (port != 0).then_some(port),
        peer: (peer != 0).then_some(SocketCookie(peer)),
        own: input.flag()?,
    })
}
