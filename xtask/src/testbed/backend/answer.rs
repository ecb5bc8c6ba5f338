//! How a backend answers one request.

use super::instructions::Instructions;
use crate::testbed::http::{Connection, Head};
use std::io;

/// Writes one response, whole or in chunks.
pub(super) fn answer(
    connection: &mut Connection,
    request: &Head,
    instructions: &Instructions,
    status: u16,
    headers: &str,
    body: &[u8],
) -> io::Result<()> {
    let framing = match instructions.pieces {
        0 => format!("content-length: {}\r\n", body.len()),
        _ => "transfer-encoding: chunked\r\n".to_owned(),
    };
    let close = if instructions.close {
        "connection: close\r\n"
    } else {
        ""
    };
    let mut message = format!("HTTP/1.1 {status} Testbed\r\n{headers}{framing}{close}\r\n").into_bytes();
    let [method, ..] = &request.start;
    if method == "HEAD" {
        return connection.write(&message);
    }
    if instructions.pieces == 0 {
        message.extend(body);
        return connection.write(&message);
    }
    connection.write(&message)?;
    chunks(connection, body, instructions)
}

fn chunks(connection: &mut Connection, body: &[u8], instructions: &Instructions) -> io::Result<()> {
    for piece in body.chunks(body.len().div_ceil(instructions.pieces).max(1)) {
        std::thread::sleep(instructions.pause);
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        connection.write(&chunk)?;
    }
    connection.write(b"0\r\n\r\n")
}
