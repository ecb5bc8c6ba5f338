use axum::extract::connect_info::MockConnectInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// The status line that a caller with this address gets for a path.
async fn answer(peer: &str, path: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    let service = router(Misroutes::default()).layer(MockConnectInfo(peer));
    tokio::spawn(async move { axum::serve(listener, service).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn only_callers_on_this_host_are_answered() {
    for here in ["127.0.0.1:5", "127.9.8.7:5", "[::1]:5", "[::ffff:127.0.0.1]:5"] {
        assert_eq!(answer(here, PATH).await, "HTTP/1.1 200 OK", "{here}");
    }
    for elsewhere in ["10.0.0.1:5", "[2001:db8::1]:5", "[::ffff:10.0.0.1]:5"] {
        for path in [PATH, "/api/v1/misroutes/00000000"] {
            assert_eq!(answer(elsewhere, path).await, "HTTP/1.1 403 Forbidden", "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn a_group_that_is_not_there_is_not_found() {
    assert_eq!(
        answer("127.0.0.1:5", "/api/v1/misroutes/00000000").await,
        "HTTP/1.1 404 Not Found"
    );
}
