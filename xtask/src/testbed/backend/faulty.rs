//! Backends that shake no hands.

use crate::testbed::tls::Fault;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// More than any first flight of a client.
const FLIGHT: usize = 16 * 1024;
/// How long the peer may take to close.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers what comes first on a connection, and closes when the peer has.
pub(super) fn serve(mut stream: TcpStream, fault: Fault) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut flight = vec![0; FLIGHT];
    if stream.read(&mut flight)? == 0 {
        return Ok(());
    }
    match fault {
        Fault::Alert(description) => stream.write_all(&alert(description))?,
        Fault::Plain => stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")?,
        Fault::HangsUp | Fault::Certificate(_) => {}
    }
    stream.shutdown(Shutdown::Write)?;
    while stream.read(&mut flight)? != 0 {}
    Ok(())
}

/// A record with a fatal alert (RFC 8446 section 5.1 and 6).
const fn alert(description: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, description]
}
