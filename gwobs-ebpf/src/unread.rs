//! Sockets of followed processes that may carry requests and are not read: unix sockets and multipath TCP. What is told of
//! them is when something was received: bytes of a request that nobody sees, or of the answer to one.

use gwobs_common::counter::Counter;
use gwobs_common::offsets::Offsets;
use gwobs_common::record::{UnreadRecord, kind, transport};
use gwobs_common::table::{RECEIVE, ROLE_ACCEPTED, ROLE_CONNECTED, ROLE_UNKNOWN};

use crate::Outcome;
use crate::connection::{AF_INET, AF_INET6, AF_UNIX, IPPROTO_MPTCP};
use crate::emit::{self, Origin};
use crate::kernel::{Object, offset, read};
use crate::maps::PROCESSES;

const SOCK_STREAM: u16 = 1;
const SOCK_SEQPACKET: u16 = 5;

/// The other end of a unix socket.
struct Peer {
    cookie: u64,
    role: u8,
    own: u8,
}

/// Something, or the end, was received on a socket that is none of TCP.
#[inline(always)]
pub fn try_receive(sock: Object, origin: &Origin) -> Outcome {
    let family: u16 = read(sock, offset!(sock_family))?;
    let protocol: u16 = read(sock, offset!(sock_protocol))?;
    match family {
        AF_UNIX => receive_unix(sock, origin),
        AF_INET | AF_INET6 if protocol == IPPROTO_MPTCP => receive_multipath(sock, origin),
        _ => Ok(()),
    }
}

/// Datagrams carry no requests.
#[inline(always)]
fn receive_unix(sock: Object, origin: &Origin) -> Outcome {
    let kind: u16 = read(sock, offset!(sock_type))?;
    if kind != SOCK_STREAM && kind != SOCK_SEQPACKET {
        return Ok(());
    }
    let Some(Peer { cookie, role, own }) = peer(sock, origin.pid)? else {
        return Ok(());
    };
    emit::put(
        UnreadRecord {
            peer: cookie,
            role,
            own,
            ..record(origin, transport::UNIX)
        },
        Counter::Unread,
    );
    Ok(())
}

/// An accepted socket has the address of its listener, and its other end has none, unless a client took care to bind it.
/// The ends of a pair (`socketpair`) have none either: nobody offers a service by such a thing, so both count as asking.
/// `None` for a pair that a followed process has made, by which the gateway's processes talk to each other: HAProxy's at a
/// reload.
#[inline(always)]
fn peer(sock: Object, pid: u32) -> Result<Option<Peer>, Counter> {
    if offset!(unix_peer) == Offsets::ABSENT {
        return Ok(Some(Peer {
            cookie: 0,
            role: ROLE_UNKNOWN,
            own: 0,
        }));
    }
    let other: Object = read(sock, offset!(unix_peer))?;
    let named = |end: Object| read::<u64>(end, offset!(unix_address)).map(|address| address != 0);
    let (cookie, other_is_named) = if other.is_null() {
        (0, false)
    } else {
        (read(other, offset!(sock_cookie))?, named(other)?)
    };
    let role = match (named(sock)?, other_is_named) {
        (false, _) => ROLE_CONNECTED,
        (true, false) => ROLE_ACCEPTED,
        (true, true) => ROLE_UNKNOWN,
    };
    let maker: Object = read(sock, offset!(sock_peer_pid))?;
    let maker = if maker.is_null() {
        0
    } else {
        read::<u32>(maker, offset!(pid_number))?
    };
    let is_pair = role == ROLE_CONNECTED && !other_is_named && !other.is_null();
    // SAFETY: a plain integer that is not looked at.
    if is_pair && unsafe { PROCESSES.get(&maker) }.is_some() {
        return Ok(None);
    }
    Ok(Some(Peer {
        cookie,
        role,
        own: u8::from(maker == pid),
    }))
}

#[inline(always)]
fn receive_multipath(sock: Object, origin: &Origin) -> Outcome {
    let role = if offset!(mptcp_accepted) == Offsets::ABSENT {
        ROLE_UNKNOWN
    } else if read::<u8>(sock, offset!(mptcp_accepted))? != 0 {
        ROLE_ACCEPTED
    } else {
        ROLE_CONNECTED
    };
    emit::put(
        UnreadRecord {
            role,
            local_port: read(sock, offset!(sock_local_port))?,
            ..record(origin, transport::MULTIPATH_TCP)
        },
        Counter::Unread,
    );
    Ok(())
}

#[inline(always)]
fn record(origin: &Origin, transport: u8) -> UnreadRecord {
    UnreadRecord {
        header: emit::header(origin, kind::UNREAD, RECEIVE),
        peer: 0,
        local_port: 0,
        transport,
        role: ROLE_UNKNOWN,
        own: 0,
        reserved: [0; 3],
    }
}
