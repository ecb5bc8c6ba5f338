//! Connections: their entries in the table, their ends, and telling the agent of them.

use gwobs_common::counter::Counter;
use gwobs_common::record::{Addresses, OpenedRecord, kind};
use gwobs_common::table::{Connection, Flow, LOST_TABLE, RECEIVE, ROLE_ACCEPTED, STAGE_ANNOUNCED, STAGE_UNANNOUNCED};
use gwobs_common::tls::WIRE;

use crate::Outcome;
use crate::emit::{self, Origin};
use crate::kernel::{Object, offset, read};
use crate::maps::{self, SOCKETS};

pub const AF_UNIX: u16 = 1;
pub const AF_INET: u16 = 2;
pub const AF_INET6: u16 = 10;
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u16 = 17;
pub const IPPROTO_MPTCP: u16 = 262;

/// Replace what is there.
const BPF_ANY: u64 = 0;
/// Keep what is there.
const BPF_NOEXIST: u64 = 1;

/// The next positions of a connection, before the call at hand.
#[derive(Clone, Copy)]
pub struct Positions {
    pub receive: u32,
    pub send: u32,
}

/// The entry of a socket that a followed process uses; made if it is a TCP socket seen for the first time, then an
/// accepted one, because connects enter their sockets themselves. `None` for other kinds of socket, which are counted.
#[inline(always)]
pub fn find_or_enter(sock: Object, cookie: u64, pid: u32) -> Result<Option<&'static mut Connection>, Counter> {
    if let Some(connection) = find(cookie) {
        return Ok(Some(connection));
    }
    if !is_tcp(sock)? {
        return Ok(None);
    }
    enter(cookie, &fresh(pid, ROLE_ACCEPTED, STAGE_UNANNOUNCED), true)?;
    Ok(find(cookie))
}

/// A new entry.
#[inline(always)]
pub fn fresh(pid: u32, role: u8, stage: u8) -> Connection {
    Connection {
        pid,
        role,
        stage,
        preexisting: 0,
        last_direction: 0,
        flows: [Flow::NEW; 2],
        tls_object: 0,
        tls_pid: 0,
        tls: WIRE,
    }
}

/// Puts an entry into the table.
#[inline(always)]
pub fn enter(cookie: u64, connection: &Connection, keep_present: bool) -> Result<(), Counter> {
    const EEXIST: i32 = -17;
    let flags = if keep_present { BPF_NOEXIST } else { BPF_ANY };
    match SOCKETS.insert(&cookie, connection, flags) {
        Ok(()) | Err(EEXIST) => Ok(()),
        Err(_) => {
            maps::lose(LOST_TABLE);
            Err(Counter::ConnectionTable)
        }
    }
}

/// The entry of a socket.
#[inline(always)]
pub fn find(cookie: u64) -> Option<&'static mut Connection> {
    // SAFETY: entries live until their socket is destroyed, see `SOCKETS`; threads that share a socket may race for plain
    // integers, see `Connection`.
    SOCKETS
        .get_ptr_mut(&cookie)
        .map(|connection| unsafe { &mut *connection })
}

/// Whether a socket is TCP over IP; others are counted.
#[inline(always)]
pub fn is_tcp(sock: Object) -> Result<bool, Counter> {
    let family: u16 = read(sock, offset!(sock_family))?;
    let protocol: u16 = read(sock, offset!(sock_protocol))?;
    let is_ip = family == AF_INET || family == AF_INET6;
    if is_ip && protocol == IPPROTO_TCP {
        return Ok(true);
    }
    maps::count(match (is_ip, family, protocol) {
        (true, _, IPPROTO_UDP) => Counter::Udp,
        (true, _, IPPROTO_MPTCP) => Counter::Mptcp,
        (false, AF_UNIX, _) => Counter::Unix,
        _ => Counter::OtherProtocol,
    });
    Ok(false)
}

/// Tells the agent of a connection, before its first data. Tried again with the next data if the ring buffer was full.
#[inline(always)]
pub fn announce(sock: Object, connection: &mut Connection, origin: &Origin, at: Positions) -> Outcome {
    let arrived: u32 = read(sock, offset!(tcp_rcv_nxt))?;
    let count: u64 = read(sock, offset!(tcp_bytes_received))?;
    // A connection begins at the position where nothing has been received; whoever starts later has missed bytes.
    let begins = arrived.wrapping_sub(count as u32);
    let record = OpenedRecord {
        header: emit::header(origin, kind::OPENED, RECEIVE),
        addresses: addresses(sock)?,
        receive_position: at.receive,
        send_position: at.send,
        role: connection.role,
        preexisting: u8::from(connection.preexisting != 0 || at.receive != begins),
        reserved: [0; 6],
    };
    if emit::put(record, Counter::Opened) {
        connection.stage = STAGE_ANNOUNCED;
    }
    Ok(())
}

/// Tells the agent of an attempt to connect, or of its failure.
#[inline(always)]
pub fn tell_attempt(sock: Object, role: u8, origin: &Origin, kind: u8, counter: Counter) -> Outcome {
    let record = OpenedRecord {
        header: emit::header(origin, kind, RECEIVE),
        addresses: addresses(sock)?,
        receive_position: 0,
        send_position: 0,
        role,
        preexisting: 0,
        reserved: [0; 6],
    };
    emit::put(record, counter);
    Ok(())
}

/// Both ends of a socket.
#[inline(always)]
pub fn addresses(sock: Object) -> Result<Addresses, Counter> {
    let family: u16 = read(sock, offset!(sock_family))?;
    let mut ends = Addresses {
        family,
        local_port: read(sock, offset!(sock_local_port))?,
        peer_port: u16::from_be(read(sock, offset!(sock_peer_port))?),
        reserved: 0,
        local: [0; 16],
        peer: [0; 16],
    };
    if family == AF_INET6 {
        ends.local = read(sock, offset!(sock_local_v6))?;
        ends.peer = read(sock, offset!(sock_peer_v6))?;
    } else {
        let local: [u8; 4] = read(sock, offset!(sock_local_v4))?;
        let peer: [u8; 4] = read(sock, offset!(sock_peer_v4))?;
        ends.local[..4].copy_from_slice(&local);
        ends.peer[..4].copy_from_slice(&peer);
    }
    Ok(ends)
}

/// The next positions, as they are now.
#[inline(always)]
pub fn positions(sock: Object) -> Result<Positions, Counter> {
    Ok(Positions {
        receive: received(sock)?,
        send: read(sock, offset!(tcp_write_seq))?,
    })
}

/// Position after the last byte that the process has read. The peer's FIN counts one in the kernel, and is read along with
/// the last byte if it came with it: then it is taken off.
#[inline(always)]
pub fn received(sock: Object) -> Result<u32, Counter> {
    let after: u32 = read(sock, offset!(tcp_copied_seq))?;
    if peer_has_finished(sock)? {
        let arrived: u32 = read(sock, offset!(tcp_rcv_nxt))?;
        return Ok(if after == arrived { after.wrapping_sub(1) } else { after });
    }
    Ok(after)
}

/// Whether the peer's FIN has arrived (`SOCK_DONE`).
#[inline(always)]
pub fn peer_has_finished(sock: Object) -> Result<bool, Counter> {
    const SOCK_DONE: u64 = 1 << 1;
    let flags: u64 = read(sock, offset!(sock_flags))?;
    Ok(flags & SOCK_DONE != 0)
}
