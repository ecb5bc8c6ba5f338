//! What streams and connections of HTTP/2 can do besides a request and its answer.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::ext::Protocol;
use h2::{Reason, SendStream};
use http::Method;
use xtask::testbed::client::{Answer, Exchange};
use xtask::testbed::http2::{Connection, Http2, with_id};
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::traffic::{Case, get, mixed};
use xtask::testbed::trial::exact;
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed, shop};

/// Sessions of a WebSocket, and other streams beside them on the connection.
const SESSIONS: usize = 40;

fn wrong(http2: Http2) -> Result<Testbed> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    Testbed::start(&Plan {
        http2,
        ..Plan::wrong(&Envoy, &configured, &specified)
    })
}

/// Extended CONNECT (RFC 8441), to backends that speak HTTP/1.1 and to such that speak HTTP/2.
#[tokio::test(flavor = "multi_thread")]
async fn websockets() -> Result<()> {
    for http2 in [Http2::DOWNSTREAM, Http2::BOTH] {
        let bed = wrong(http2)?;
        let gwobs = bed.observe().start()?;
        let connection = Connection::open(bed.address()).await?;
        let cases = [
            get("/exact").due("exact"),
            get("/api/v2/chat").due("v2"),
            get("/api/chat").due("v1"),
        ];
        let ordinary = mixed(&shop::requests(), 200);
        let (mut exchanges, sessions) = tokio::join!(connection.run(&ordinary, 4), async {
            let mut sessions = Vec::new();
            for (index, case) in mixed(&cases, SESSIONS).into_iter().enumerate() {
                sessions.push(session(&connection, &case, &format!("session-{index:016}")).await);
            }
            sessions
        });
        assert!(sessions.iter().all(|session| session.answer.is_ok()), "{sessions:?}");
        exchanges.extend(sessions);
        let seen = exact(&exchanges, &gwobs.stop()?)?;
        assert!(seen.requests == 200 + SESSIONS && seen.misrouted > 20, "{seen:?}");
    }
    Ok(())
}

async fn session(connection: &Connection, case: &Case, id: &str) -> Exchange {
    let answer = chat(connection, case, id).await.map_err(|error| format!("{error:#}"));
    Exchange {
        id: id.to_owned(),
        request: case.request.clone(),
        due: case.due.clone(),
        answer,
    }
}

/// Opens a WebSocket, sends a little and waits until it has come back.
async fn chat(connection: &Connection, case: &Case, id: &str) -> Result<Answer> {
    const FRAME: &[u8] = b"\x81\x85\0\0\0\0hello";
    let mut requests = connection.requests();
    requests = requests.ready().await?;
    let uri = format!("http://{}{}", case.request.host, with_id(&case.request.target, id));
    let mut head = http::Request::builder().method(Method::CONNECT).uri(uri);
    head = head
        .header("sec-websocket-version", "13")
        .extension(Protocol::from_static("websocket"));
    let (response, mut stream): (_, SendStream<Bytes>) = requests.send_request(head.body(())?, false)?;
    let response = response.await?;
    for _ in 0..3 {
        stream.send_data(Bytes::from_static(FRAME), false)?;
    }
    let (head, mut body) = response.into_parts();
    let mut body_bytes = 0;
    while body_bytes < 3 * FRAME.len() {
        let data = body.data().await.context("the other side has hung up")??;
        body.flow_control().release_capacity(data.len())?;
        body_bytes += data.len();
    }
    stream.send_data(Bytes::new(), true)?;
    let text = |name: &str| head.headers.get(name)?.to_str().ok().map(str::to_owned);
    Ok(Answer {
        status: head.status.as_u16(),
        backend: text("x-backend"),
        endpoint: text("x-endpoint"),
        echo: None,
        location: None,
        body_bytes,
    })
}

/// Every third request is given up by its client while the backend takes its time; the others on the connection, and
/// those that have the same path, are judged as ever.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_given_up() -> Result<()> {
    for http2 in [Http2::DOWNSTREAM, Http2::BOTH] {
        let bed = wrong(http2)?;
        let gwobs = bed.observe().start()?;
        let connection = Connection::open(bed.address()).await?;
        let mut given_up = Vec::new();
        let mut exchanges = Vec::new();
        for (index, cases) in mixed(&shop::requests(), 300).chunks(10).enumerate() {
            let slow = get("/api/v2").asking("delay-ms=200");
            for number in 0..3 {
                let id = format!("given-up-{index:04}-{number:08}");
                let (_, mut stream) = connection.clone().begin(&slow, &with_id(&slow.target, &id)).await?;
                given_up.push(id);
                tokio::time::sleep(Duration::from_millis(1)).await;
                stream.send_reset(Reason::CANCEL);
            }
            exchanges.extend(connection.run(cases, 4).await);
        }
        let mut observed = gwobs.stop()?;
        let is_given_up = |id: Option<&str>| id.is_some_and(|id| given_up.iter().any(|own| own == id));
        let of_given_up: Vec<_> = observed
            .decisions
            .iter()
            .filter(|decision| is_given_up(decision.id()))
            .collect();
        assert_eq!(of_given_up.len(), given_up.len());
        let wrong = |decision: &&&xtask::testbed::gwobs::decision::Decision| decision.verdict() == "match";
        assert_eq!(
            of_given_up.iter().filter(wrong).count(),
            0,
            "they went to v1, or nowhere"
        );
        observed.decisions.retain(|decision| !is_given_up(decision.id()));
        let seen = compare(&exchanges, &observed.decisions);
        seen.assert_exact()?;
        assert!(seen.requests == 300 && seen.misrouted > 30, "{seen:?}");
    }
    Ok(())
}

/// Backends say GOAWAY while requests are under way on the connection.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_take_no_more() -> Result<()> {
    let bed = wrong(Http2::BOTH)?;
    let gwobs = bed.observe().start()?;
    let mut cases = mixed(&shop::requests(), 400);
    for case in cases.iter_mut().step_by(40) {
        case.request = case.request.clone().asking("close");
    }
    let address: SocketAddr = bed.address();
    let exchanges = tokio::task::spawn_blocking(move || {
        let load = xtask::testbed::http2::Load {
            connections: 2,
            streams: 8,
        };
        xtask::testbed::http2::drive(load, "http", &cases, move || xtask::testbed::http2::connect(address))
    })
    .await??;
    let answered = exchanges.iter().filter(|exchange| exchange.answer.is_ok()).count();
    assert_eq!(answered, 400);
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    assert!(seen.misrouted > 40, "{seen:?}");
    Ok(())
}
