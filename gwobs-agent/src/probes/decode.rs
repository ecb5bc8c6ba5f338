//! Records of the ring buffer to events: every byte checked, nothing transmuted.

use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use gwobs_common::record::{
    Addresses, DiscoveredRecord, OpenedRecord, ProcessRecord, RecordHeader, UnreadRecord, kind, layer, left_out,
    transport,
};
use gwobs_common::table::{RECEIVE, ROLE_ACCEPTED, ROLE_CONNECTED, ROLE_UNKNOWN, SEND};

use crate::event::{
    Data, Direction, EventKind, HandshakeOutcome, KernelEvent, LeftOut, Lost, LostReason, Opened, Plaintext, Role,
    SocketCookie, Timestamp, Transport, Unread,
};

/// Turns records into events, and puts [`EventKind::Lost`] where events are missing.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The kernel's counts of losses, as last told.
    ring_buffer_full: u32,
    table_full: u32,
    malformed: u64,
    /// Time of the latest record.
    latest: Timestamp,
}

impl Decoder {
    /// Appends the event of one record, after what was lost before it.
    pub(super) fn decode(&mut self, record: &[u8], events: &mut Vec<KernelEvent>) {
        let Some(header) = Header::read(record) else {
            return self.note_malformed(events);
        };
        self.latest = header.time;
        self.note_loss(LostReason::RingBufferFull, header.lost_ring, events);
        self.note_loss(LostReason::TableFull, header.lost_table, events);
        match event_kind(record, &header) {
            Some(kind) => events.push(KernelEvent {
                time: header.time,
                pid: header.pid,
                tid: header.tid,
                kind,
            }),
            None => self.note_malformed(events),
        }
    }

    /// Tells losses that no record has told yet.
    pub(super) fn note_losses(&mut self, ring_buffer_full: u64, table_full: u64, events: &mut Vec<KernelEvent>) {
        self.note_loss(LostReason::RingBufferFull, low_half(ring_buffer_full), events);
        self.note_loss(LostReason::TableFull, low_half(table_full), events);
    }

    /// Records that did not decode, ever.
    pub(super) fn malformed(&self) -> u64 {
        self.malformed
    }

    /// `count` is the kernel's running count; a record reserved earlier may tell less than the table did since.
    fn note_loss(&mut self, reason: LostReason, count: u32, events: &mut Vec<KernelEvent>) {
        let told = match reason {
            LostReason::RingBufferFull => &mut self.ring_buffer_full,
            _ => &mut self.table_full,
        };
        let new = count.wrapping_sub(*told);
        if new != 0 && new < u32::MAX / 2 {
            *told = count;
            self.push_lost(reason, u64::from(new), events);
        }
    }

    fn note_malformed(&mut self, events: &mut Vec<KernelEvent>) {
        self.malformed += 1;
        self.push_lost(LostReason::Malformed, 1, events);
    }

    fn push_lost(&self, reason: LostReason, count: u64, events: &mut Vec<KernelEvent>) {
        let kind = EventKind::Lost(Lost { reason, count });
        events.push(KernelEvent {
            time: self.latest,
            pid: 0,
            tid: 0,
            kind,
        });
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "counts in records wrap at 32 bits as well"
)]
fn low_half(count: u64) -> u32 {
    count as u32
}

struct Header {
    time: Timestamp,
    socket: SocketCookie,
    pid: u32,
    tid: u32,
    kind: u8,
    direction: u8,
    left_out: u8,
    layer: u8,
    position: u32,
    length: u32,
    captured: u32,
    lost_ring: u32,
    lost_table: u32,
}

impl Header {
    fn read(record: &[u8]) -> Option<Self> {
        Some(Self {
            time: Timestamp(u64_at(record, offset_of!(RecordHeader, time))?),
            socket: SocketCookie(u64_at(record, offset_of!(RecordHeader, cookie))?),
            pid: u32_at(record, offset_of!(RecordHeader, pid))?,
            tid: u32_at(record, offset_of!(RecordHeader, tid))?,
            kind: u8_at(record, offset_of!(RecordHeader, kind))?,
            direction: u8_at(record, offset_of!(RecordHeader, direction))?,
            left_out: u8_at(record, offset_of!(RecordHeader, left_out))?,
            layer: u8_at(record, offset_of!(RecordHeader, layer))?,
            position: u32_at(record, offset_of!(RecordHeader, position))?,
            length: u32_at(record, offset_of!(RecordHeader, length))?,
            captured: u32_at(record, offset_of!(RecordHeader, captured))?,
            lost_ring: u32_at(record, offset_of!(RecordHeader, lost_ring))?,
            lost_table: u32_at(record, offset_of!(RecordHeader, lost_table))?,
        })
    }

    fn direction(&self) -> Option<Direction> {
        match self.direction {
            RECEIVE => Some(Direction::Receive),
            SEND => Some(Direction::Send),
            _ => None,
        }
    }
}

fn event_kind(record: &[u8], header: &Header) -> Option<EventKind> {
    let socket = header.socket;
    match header.kind {
        kind::DATA => layered(data(record, header)?, header.layer),
        kind::HANDSHAKE => Some(EventKind::Handshake {
            socket,
            outcome: match header.length {
                0 => HandshakeOutcome::Failed {
                    library: header.captured,
                    reason: header.position,
                },
                _ => HandshakeOutcome::Succeeded,
            },
        }),
        kind::OPENED => opened(record, socket).map(EventKind::Opened),
        kind::CONNECTING => Some(EventKind::Connecting {
            socket,
            peer: peer_of_opened(record)?,
        }),
        kind::CONNECT_FAILED => Some(EventKind::ConnectFailed {
            socket,
            peer: peer_of_opened(record)?,
        }),
        kind::HALF_CLOSED => Some(EventKind::HalfClosed {
            socket,
            direction: header.direction()?,
        }),
        kind::CLOSED => Some(EventKind::Closed { socket }),
        kind::PROCESS_STARTED => Some(EventKind::ProcessStarted {
            parent: u32_at(record, offset_of!(ProcessRecord, parent))?,
            name: name(record.get(offset_of!(ProcessRecord, name)..)?.first_chunk()?),
        }),
        kind::PROCESS_EXITED => Some(EventKind::ProcessExited),
        kind::UNREAD => unread(record, socket).map(EventKind::Unread),
        _ => None,
    }
}

fn data(record: &[u8], header: &Header) -> Option<Data> {
    let payload = record.get(size_of::<RecordHeader>()..)?;
    let bytes = payload.get(..usize::try_from(header.captured).ok()?)?;
    let left_out = left_out_of(header.left_out)?;
    // A part is carried whole, or announced with a reason.
    if header.captured > header.length || left_out.is_none() != (header.captured == header.length) {
        return None;
    }
    Some(Data {
        socket: header.socket,
        direction: header.direction()?,
        position: header.position,
        length: header.length,
        bytes: Bytes::copy_from_slice(bytes),
        left_out,
    })
}

fn layered(data: Data, code: u8) -> Option<EventKind> {
    let plaintext = |data, from_start| EventKind::Plaintext(Plaintext { data, from_start });
    Some(match code {
        layer::WIRE => EventKind::Data(data),
        layer::CIPHERTEXT => EventKind::Ciphertext(data),
        layer::PLAINTEXT => plaintext(data, true),
        layer::PLAINTEXT_JOINED => plaintext(data, false),
        _ => return None,
    })
}

#[expect(
    clippy::option_option,
    reason = "outside: is it a known code; inside: was anything left out"
)]
fn left_out_of(code: u8) -> Option<Option<LeftOut>> {
    Some(Some(match code {
        left_out::NOTHING => return Some(None),
        left_out::SKIPPED => LeftOut::Skipped,
        left_out::WINDOW => LeftOut::Window,
        left_out::NOT_THIS_SOCKET => LeftOut::NotThisSocket,
        left_out::NO_BUFFER => LeftOut::NoBuffer,
        left_out::FAULT => LeftOut::Fault,
        left_out::FRAME_DATA => LeftOut::FrameData,
        _ => return None,
    }))
}

fn opened(record: &[u8], socket: SocketCookie) -> Option<Opened> {
    let (local, peer) = addresses(record.get(offset_of!(OpenedRecord, addresses)..)?)?;
    Some(Opened {
        socket,
        role: role(u8_at(record, offset_of!(OpenedRecord, role))?)?,
        local,
        peer,
        preexisting: u8_at(record, offset_of!(OpenedRecord, preexisting))? != 0,
        positions: Some((
            u32_at(record, offset_of!(OpenedRecord, receive_position))?,
            u32_at(record, offset_of!(OpenedRecord, send_position))?,
        )),
    })
}

fn role(code: u8) -> Option<Role> {
    match code {
        ROLE_ACCEPTED => Some(Role::Accepted),
        ROLE_CONNECTED => Some(Role::Connected),
        _ => None,
    }
}

fn unread(record: &[u8], socket: SocketCookie) -> Option<Unread> {
    let code = u8_at(record, offset_of!(UnreadRecord, role))?;
    let role = role(code);
    if role.is_none() && code != ROLE_UNKNOWN {
        return None;
    }
    let port = u16_at(record, offset_of!(UnreadRecord, local_port))?;
    let peer = u64_at(record, offset_of!(UnreadRecord, peer))?;
    Some(Unread {
        socket,
        transport: match u8_at(record, offset_of!(UnreadRecord, transport))? {
            transport::UNIX => Transport::Unix,
            transport::MULTIPATH_TCP => Transport::MultipathTcp,
            _ => return None,
        },
        role,
        local_port: (port != 0).then_some(port),
        peer: (peer != 0).then_some(SocketCookie(peer)),
        own: u8_at(record, offset_of!(UnreadRecord, own))? != 0,
    })
}

fn peer_of_opened(record: &[u8]) -> Option<SocketAddr> {
    addresses(record.get(offset_of!(OpenedRecord, addresses)..)?).map(|(_, peer)| peer)
}

/// Own address of a record of the socket iterator.
pub(super) fn discovered_local(record: &[u8]) -> Option<SocketAddr> {
    addresses(record.get(offset_of!(DiscoveredRecord, addresses)..)?).map(|(local, _)| local)
}

/// Both ends of a socket, own first; IPv4-mapped addresses as IPv4.
fn addresses(data: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let family = u16_at(data, offset_of!(Addresses, family))?;
    let end = |address: usize, port: usize| {
        let bytes: [u8; 16] = *data.get(address..)?.first_chunk()?;
        Some(SocketAddr::new(ip(family, bytes)?, u16_at(data, port)?))
    };
    Some((
        end(offset_of!(Addresses, local), offset_of!(Addresses, local_port))?,
        end(offset_of!(Addresses, peer), offset_of!(Addresses, peer_port))?,
    ))
}

fn ip(family: u16, bytes: [u8; 16]) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => bytes.first_chunk::<4>().map(|v4| IpAddr::V4(Ipv4Addr::from(*v4))),
        libc::AF_INET6 => Some(Ipv6Addr::from(bytes).to_canonical()),
        _ => None,
    }
}

fn name(bytes: &[u8; 16]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn u8_at(data: &[u8], index: usize) -> Option<u8> {
    data.get(index).copied()
}

fn u16_at(data: &[u8], index: usize) -> Option<u16> {
    data.get(index..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn u32_at(data: &[u8], index: usize) -> Option<u32> {
    data.get(index..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

fn u64_at(data: &[u8], index: usize) -> Option<u64> {
    data.get(index..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests;
