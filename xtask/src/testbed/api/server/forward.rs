//! A port of a pod over WebSocket, as `kubectl port-forward` and kube-rs ask for it (`v4.channel.k8s.io`): each message
//! begins with its channel, an even one for data and the next one for errors, and each channel with the port.

use crate::testbed::http::{Connection, Head};
use crate::testbed::tls::Stream;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;
use tungstenite::{Error, Message, WebSocket};

/// The subprotocol.
const PROTOCOL: &str = "v4.channel.k8s.io";
/// The channels of the only port.
const DATA: u8 = 0;
const ERRORS: u8 = 1;
/// How long to wait on one side before the other is looked at.
const TURN: Duration = Duration::from_millis(5);

/// Answers the handshake, then carries bytes both ways until one side ends.
pub(super) fn serve(mut connection: Connection, head: &Head, port: u16, to: SocketAddr) -> io::Result<()> {
    let key = head.header("sec-websocket-key").unwrap_or_default();
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\nsec-websocket-protocol: {PROTOCOL}\r\n\r\n"
    );
    connection.write(answer.as_bytes())?;
    let client = connection.into_stream()?;
    client.socket().set_read_timeout(Some(TURN))?;
    let mut socket = WebSocket::from_raw_socket(client, Role::Server, None);
    let [low, high] = port.to_le_bytes();
    for channel in [DATA, ERRORS] {
        tell(&mut socket, vec![channel, low, high])?;
    }
    let pod = TcpStream::connect(to)?;
    pod.set_read_timeout(Some(TURN))?;
    carry(&mut socket, pod)
}

fn carry(socket: &mut WebSocket<Stream>, mut pod: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) if bytes.first() == Some(&DATA) => {
                pod.write_all(bytes.get(1..).unwrap_or_default())?;
            }
            Ok(Message::Close(_)) => return Ok(()),
            Ok(_) => {}
            Err(Error::Io(error)) if is_quiet(&error) => {}
            Err(error) => return Err(io::Error::other(error)),
        }
        match pod.read(&mut buffer) {
            Ok(0) => return close(socket),
            Ok(count) => {
                let mut message = vec![DATA];
                message.extend_from_slice(buffer.get(..count).unwrap_or_default());
                tell(socket, message)?;
            }
            Err(error) if is_quiet(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn tell(socket: &mut WebSocket<Stream>, message: Vec<u8>) -> io::Result<()> {
    socket.send(Message::binary(message)).map_err(io::Error::other)
}

fn close(socket: &mut WebSocket<Stream>) -> io::Result<()> {
    socket
        .close(None)
        .and_then(|()| socket.flush())
        .map_err(io::Error::other)
}

fn is_quiet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
