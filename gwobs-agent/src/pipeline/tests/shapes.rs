//! Everything that is not one request, one call, one answer.

use gwobs_route::{Inconclusive, Mismatch, Origin, Purpose, Verdict};

use super::run::{A, B, NOT_FOUND, OK, Run, Specs, get};

const MATCH: Option<Verdict> = Some(Verdict::Match);
const C: &str = "10.0.0.3:8080";

fn wrong(reason: Mismatch) -> Option<Verdict> {
    Some(Verdict::Mismatch(reason))
}

fn open(reason: Inconclusive) -> Option<Verdict> {
    Some(Verdict::Inconclusive(reason))
}

fn purposes(run: &Run) -> Vec<Purpose> {
    run.only().0.upstreams.iter().map(|call| call.purpose).collect()
}

fn answer(status: u16) -> String {
    format!("HTTP/1.1 {status} .\r\nContent-Length: 0\r\n\r\n")
}

/// The rule for `/a` has this filter, and there is a service c.
fn under(filter: &'static str) -> Run {
    let mut run = Run::new(&["gw"]);
    run.set_specs(&Specs {
        rule: filter,
        endpoints: vec![
            ("a", vec!["10.0.0.1", "10.0.0.11"]),
            ("b", vec!["10.0.0.2"]),
            ("c", vec!["10.0.0.3"]),
        ],
        ..Specs::default()
    });
    run.wait(11_000);
    run
}

/// A call that is answered with this.
fn call(run: &mut Run, to: &str, request: &str, answer: &str) {
    let upstream = run.upstream(to);
    run.send(upstream, request);
    run.receive(upstream, answer);
    run.close(upstream);
}

#[test]
fn a_retry_at_another_endpoint_after_an_error() {
    let mut run = under("");
    let client = run.client(80);
    run.receive(client, &get("/a"));
    call(&mut run, A, &get("/a"), &answer(503));
    call(&mut run, "10.0.0.11:8080", &get("/a"), OK);
    run.send(client, OK);
    run.wait(200);
    assert_eq!(run.only().1, MATCH);
    assert_eq!(purposes(&run), [Purpose::Forward, Purpose::Retry]);
}

#[test]
fn a_retry_after_a_failed_connect() {
    let mut run = under("");
    let client = run.client(80);
    run.receive(client, &get("/a"));
    run.fail_to_connect("10.0.0.11:8080");
    call(&mut run, A, &get("/a"), OK);
    run.send(client, OK);
    run.wait(200);
    assert_eq!(run.only().1, MATCH);
    assert!(run.only().0.upstreams[0].request.is_none());
}

#[test]
fn a_retry_that_goes_to_the_wrong_service() {
    let mut run = under("");
    let client = run.client(80);
    run.receive(client, &get("/a"));
    call(&mut run, A, &get("/a"), &answer(503));
    call(&mut run, B, &get("/a"), OK);
    run.send(client, OK);
    run.wait(3_000);
    assert_eq!(run.only().1, wrong(Mismatch::WrongBackend));
}

/// All attempts failed and the gateway says so by itself.
#[test]
fn an_answer_of_the_gateways_own_after_failed_attempts() {
    let mut run = under("");
    let client = run.client(80);
    run.receive(client, &get("/a"));
    run.fail_to_connect(A);
    run.fail_to_connect("10.0.0.11:8080");
    run.send(client, &answer(503));
    run.wait(3_000);
    let (finished, verdict) = run.only();
    assert_eq!(verdict, open(Inconclusive::GatewayReply));
    assert_eq!(finished.response.as_ref().unwrap().origin, Origin::Gateway);
}

const MIRROR: &str = "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: c, port: 80}}}]";

fn shadow() -> String {
    get("/a").replace("Host: shop.test", "Host: shop.test-shadow")
}

#[test]
fn a_mirror_that_ends_long_after_the_request() {
    let mut run = under(MIRROR);
    let client = run.client(80);
    run.receive(client, &get("/a"));
    let copy = run.upstream(C);
    run.send(copy, &shadow());
    call(&mut run, A, &get("/a"), OK);
    run.send(client, OK);
    run.wait(1_000);
    run.receive(copy, OK);
    run.wait(1_000);
    assert_eq!(run.only().1, MATCH);
    assert_eq!(purposes(&run), [Purpose::Forward, Purpose::Mirror]);
}

#[test]
fn a_mirror_that_is_missing() {
    let mut run = under(MIRROR);
    run.exchange(80, "/a", Some(A));
    run.wait(3_000);
    assert_eq!(run.only().1, wrong(Mismatch::WrongMirror));
}

/// Sent when the request was over and handed out: nobody is accused.
#[test]
fn a_mirror_that_begins_late() {
    let mut run = under(MIRROR);
    run.exchange(80, "/a", Some(A));
    run.wait(500);
    call(&mut run, C, &shadow(), OK);
    run.wait(3_000);
    assert_eq!(run.only().1, open(Inconclusive::Unpaired));
}

/// Sent while the next request of its kind was open, which then has two.
#[test]
fn a_mirror_that_is_taken_for_anothers() {
    let mut run = under(MIRROR);
    run.exchange(80, "/a", Some(A));
    run.wait(500);
    let client = run.client(80);
    run.receive(client, &get("/a"));
    call(&mut run, C, &shadow(), OK);
    call(&mut run, C, &shadow(), OK);
    call(&mut run, A, &get("/a"), OK);
    run.send(client, OK);
    run.wait(3_000);
    assert_eq!(run.verdicts(), [MATCH, open(Inconclusive::Unpaired)]);
}

const AUTH: &str =
    "filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: c, port: 80}, http: {}}}]";

#[test]
fn a_question_to_an_authorization_service() {
    let mut run = under(AUTH);
    let client = run.client(80);
    run.receive(client, &get("/a"));
    call(&mut run, C, &get("/a"), OK);
    call(&mut run, A, &get("/a"), OK);
    run.send(client, OK);
    run.wait(200);
    assert_eq!(run.only().1, MATCH);
    assert!(purposes(&run).contains(&Purpose::Auth));
}

#[test]
fn a_request_that_is_refused_by_an_authorization_service() {
    let mut run = under(AUTH);
    let client = run.client(80);
    run.receive(client, &get("/a"));
    call(&mut run, C, &get("/a"), &answer(403));
    run.send(client, &answer(403));
    run.wait(3_000);
    assert_eq!(run.only().1, open(Inconclusive::GatewayReply));
}

/// A policy that the specs do not mention makes the gateway ask c about every request. With two at a time a call may be
/// taken for the other request's; no request is accused, neither the one that seems to have been answered by c.
#[test]
fn authorization_that_the_specs_do_not_mention() {
    let mut run = under("");
    let (one, other) = (run.client(80), run.client(80));
    run.receive(one, &get("/a"));
    call(&mut run, C, &get("/a"), OK);
    run.receive(other, &get("/a"));
    call(&mut run, A, &get("/a"), OK);
    run.send(one, OK);
    run.wait(500);
    call(&mut run, C, &get("/a"), OK);
    call(&mut run, A, &get("/a"), OK);
    run.send(other, OK);
    run.wait(3_000);
    assert_eq!(
        run.verdicts(),
        [open(Inconclusive::Unpaired), open(Inconclusive::Unpaired)]
    );
}

/// Its refusal looks like the answer of a backend that no rule leads to.
#[test]
fn a_refusal_by_a_service_that_no_rule_leads_to() {
    for (status, verdict) in [
        (403, open(Inconclusive::GatewayReply)),
        (302, open(Inconclusive::GatewayReply)),
        (200, wrong(Mismatch::WrongBackend)),
        (404, wrong(Mismatch::WrongBackend)),
    ] {
        let mut run = under("");
        let client = run.client(80);
        run.receive(client, &get("/a"));
        call(&mut run, C, &get("/a"), &answer(status));
        run.send(client, &answer(status));
        run.wait(3_000);
        assert_eq!(run.only().1, verdict, "{status}");
    }
}

#[test]
fn a_health_check_in_the_middle_of_a_request() {
    let mut run = under("");
    let client = run.client(80);
    run.receive(client, &get("/a"));
    let check = get("/a").replace("\r\n\r\n", "\r\nUser-Agent: Envoy/HC\r\n\r\n");
    call(&mut run, B, &check, OK);
    call(&mut run, A, &get("/a"), OK);
    run.send(client, OK);
    run.wait(200);
    assert_eq!(run.only().1, MATCH);
    assert_eq!(purposes(&run), [Purpose::Forward]);
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 10\r\n{headers}\r\n{body}")
}

#[test]
fn an_answer_before_the_body_has_ended() {
    let mut run = under("");
    let client = run.client(80);
    run.receive(client, &post("/a", "", "12345"));
    call(&mut run, A, &post("/a", "", "12345"), &answer(413));
    run.send(client, &answer(413));
    run.close(client);
    run.wait(500);
    assert_eq!(run.only().1, MATCH);
}

#[test]
fn a_continue_before_the_answer() {
    let mut run = under("");
    let client = run.client(80);
    let head = post("/a", "Expect: 100-continue\r\n", "");
    run.receive(client, &head);
    let upstream = run.upstream(A);
    run.send(upstream, &head);
    run.receive(upstream, "HTTP/1.1 100 Continue\r\n\r\n");
    run.send(client, "HTTP/1.1 100 Continue\r\n\r\n");
    run.receive(client, "1234567890");
    run.send(upstream, "1234567890");
    run.receive(upstream, OK);
    run.send(client, OK);
    run.wait(200);
    assert_eq!(run.only().1, MATCH);
    assert_eq!(run.only().0.response.as_ref().unwrap().head.status, 200);
}

#[test]
fn an_upgrade() {
    let mut run = under("");
    let client = run.client(80);
    let request = get("/a").replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    run.receive(client, &request);
    let upstream = run.upstream(A);
    run.send(upstream, &request);
    run.receive(upstream, switch);
    run.send(client, switch);
    run.wait(200);
    run.receive(client, "\u{81}\u{5}hello");
    run.send(upstream, "\u{81}\u{5}hello");
    run.wait(1_000);
    assert_eq!(run.only().1, MATCH);
}

#[test]
fn a_client_that_leaves_before_the_answer() {
    let mut run = under("");
    let client = run.client(80);
    run.receive(client, &get("/a"));
    let upstream = run.upstream(A);
    run.send(upstream, &get("/a"));
    run.close(client);
    run.close(upstream);
    run.wait(500);
    let (finished, verdict) = run.only();
    assert_ne!(verdict, wrong(Mismatch::UnexpectedReply));
    assert!(finished.response.is_none());
}

#[test]
fn a_client_that_leaves_at_once_is_no_request() {
    let mut run = under("");
    let client = run.client(80);
    run.close(client);
    run.exchange(80, "/a", Some(A));
    run.wait(500);
    assert_eq!(run.only().1, MATCH);
}

/// The gateway forwards to its own listener: two requests of one process, one inside the other.
#[test]
fn a_gateway_that_calls_itself() {
    let mut run = under("");
    run.set_specs(&Specs {
        a: vec![("own", 1)],
        rule: "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /b}}}]",
        endpoints: vec![("own", vec!["10.0.0.9"]), ("b", vec!["10.0.0.2"])],
        more: "\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: self, namespace: default, \
               labels: {kubernetes.io/service-name: own}}\naddressType: IPv4\nports: [{port: 80}]\n\
               endpoints: [{addresses: [10.0.0.9]}]\n",
        ..Specs::default()
    });
    run.wait(11_000);
    let outer = run.client(80);
    run.receive(outer, &get("/a"));
    let out = run.upstream("10.0.0.9:80");
    run.send(out, &get("/b"));
    let inner = run.client(80);
    run.receive(inner, &get("/b"));
    call(&mut run, B, &get("/b"), OK);
    run.send(inner, OK);
    run.receive(out, OK);
    run.send(outer, OK);
    run.wait(3_000);
    assert_eq!(run.verdicts(), [MATCH, MATCH]);
}

#[test]
fn a_404_of_the_gateway_and_one_of_the_backend() {
    let mut run = under("");
    run.exchange(80, "/a", None);
    let client = run.client(80);
    run.receive(client, &get("/a"));
    call(&mut run, A, &get("/a"), NOT_FOUND);
    run.send(client, NOT_FOUND);
    run.wait(3_000);
    assert_eq!(run.verdicts(), [MATCH, wrong(Mismatch::UnexpectedReply)]);
}
