//! Life and death of connections. State changes mostly happen in softirq, where the current task is somebody else: only a
//! connect begins on a thread of its process, everything later is told by the socket alone.

use gwobs_common::counter::Counter;
use gwobs_common::record::kind;
use gwobs_common::table::{
    Connection, MarkKey, PLAINTEXT_MARK, RECEIVE, ROLE_CONNECTED, SEND, STAGE_ANNOUNCED, STAGE_CONNECTING,
};

use crate::connection;
use crate::emit::{self, Origin};
use crate::kernel::{self, Object};
use crate::maps::{MARKS, PROCESSES, SOCKETS};
use crate::{Outcome, tls, transfer};

const TCP_ESTABLISHED: i32 = 1;
const TCP_SYN_SENT: i32 = 2;
const TCP_FIN_WAIT1: i32 = 4;
const TCP_CLOSE: i32 = 7;
const TCP_LAST_ACK: i32 = 9;

/// A socket enters a TCP state.
#[inline(always)]
pub fn try_change(sock: Object, state: i32) -> Outcome {
    match state {
        TCP_SYN_SENT => begin_connect(sock),
        TCP_ESTABLISHED | TCP_FIN_WAIT1 | TCP_LAST_ACK | TCP_CLOSE => {
            let cookie = kernel::cookie(sock);
            match connection::find(cookie) {
                Some(connection) => change_known(sock, cookie, connection, state),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

#[inline(always)]
fn begin_connect(sock: Object) -> Outcome {
    let (tid, pid) = kernel::current();
    // SAFETY: a plain integer that is not looked at.
    if unsafe { PROCESSES.get(&pid) }.is_none() || !connection::is_tcp(sock)? {
        return Ok(());
    }
    let cookie = kernel::cookie(sock);
    let origin = Origin {
        time: kernel::now(),
        cookie,
        pid,
        tid,
    };
    if connection::find(cookie).is_some_and(|before| before.stage == STAGE_ANNOUNCED) {
        // The socket was disconnected and is used again.
        emit::put(emit::header(&origin, kind::CLOSED, RECEIVE), Counter::Closed);
    }
    connection::enter(cookie, &connection::fresh(pid, ROLE_CONNECTED, STAGE_CONNECTING), false)?;
    connection::tell_attempt(sock, ROLE_CONNECTED, &origin, kind::CONNECTING, Counter::Connecting)
}

#[inline(always)]
fn change_known(sock: Object, cookie: u64, connection: &mut Connection, state: i32) -> Outcome {
    let origin = origin_of(cookie, connection);
    match (connection.stage, state) {
        (STAGE_CONNECTING, TCP_ESTABLISHED) => {
            connection::announce(sock, connection, &origin, connection::positions(sock)?)
        }
        (STAGE_CONNECTING, TCP_CLOSE) => fail_connect(sock, &origin),
        (STAGE_ANNOUNCED, TCP_FIN_WAIT1 | TCP_LAST_ACK) => {
            transfer::tell_end(connection, &origin, SEND);
            Ok(())
        }
        _ => Ok(()),
    }
}

#[inline(always)]
fn fail_connect(sock: Object, origin: &Origin) -> Outcome {
    forget(origin.cookie);
    connection::tell_attempt(
        sock,
        ROLE_CONNECTED,
        origin,
        kind::CONNECT_FAILED,
        Counter::ConnectFailed,
    )
}

/// TCP has ended and the process has let go of the socket.
#[inline(always)]
pub fn try_destroy(sock: Object) -> Outcome {
    let cookie = kernel::cookie(sock);
    let Some(connection) = connection::find(cookie) else {
        return Ok(());
    };
    let origin = origin_of(cookie, connection);
    let stage = connection.stage;
    if stage == STAGE_CONNECTING {
        return fail_connect(sock, &origin);
    }
    tls::unbind(cookie, connection);
    forget(cookie);
    if stage == STAGE_ANNOUNCED {
        emit::put(emit::header(&origin, kind::CLOSED, RECEIVE), Counter::Closed);
    }
    Ok(())
}

#[inline(always)]
fn forget(cookie: u64) {
    // What is not there need not be removed.
    let _ = SOCKETS.remove(&cookie);
    for direction in [u64::from(RECEIVE), u64::from(SEND)] {
        let _ = MARKS.remove(&MarkKey { cookie, direction });
        let direction = direction + PLAINTEXT_MARK;
        let _ = MARKS.remove(&MarkKey { cookie, direction });
    }
}

#[inline(always)]
fn origin_of(cookie: u64, connection: &Connection) -> Origin {
    Origin {
        time: kernel::now(),
        cookie,
        pid: connection.pid,
        tid: 0,
    }
}
