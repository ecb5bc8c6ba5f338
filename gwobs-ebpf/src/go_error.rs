//! The alert in an error of Go's `crypto/tls`: a `*net.OpError` whose operation is "remote error" and whose cause is the
//! alert, by itself or in a `*tls.permanentError`. The operation's name tells that it is one: no type needs to be known.

use crate::registers::read_user;

/// What `crypto/tls` calls an alert from the peer.
const REMOTE_ERROR: [u8; 12] = *b"remote error";

/// `struct OpError { Op, Net string; Source, Addr Addr; Err error }`: the data word of `Err`.
const CAUSE: u64 = 4 * 16 + 8;

/// The alert, if the error is one.
#[inline(always)]
pub fn alert(error: u64) -> Option<u8> {
    if let Some(alert) = of_operation(error) {
        return Some(alert);
    }
    // `struct permanentError { err net.Error }`
    let [_, inner] = read_user(error)?;
    of_operation(inner)
}

#[inline(always)]
fn of_operation(error: u64) -> Option<u8> {
    let [name, length] = read_user(error)?;
    if length != REMOTE_ERROR.len() as u64 {
        return None;
    }
    let [first, _] = read_user(name)?;
    let [second, _] = read_user(name.wrapping_add(4))?;
    if first.to_le_bytes() != *REMOTE_ERROR.first_chunk::<8>()?
        || second.to_le_bytes() != *REMOTE_ERROR.last_chunk::<8>()?
    {
        return None;
    }
    // The alert is one byte, which Go keeps where the word points.
    let [cause, _] = read_user(error.wrapping_add(CAUSE))?;
    let [value, _] = read_user(cause)?;
    Some(value as u8)
}
