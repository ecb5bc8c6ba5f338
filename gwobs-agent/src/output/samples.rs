//! Finished requests for tests, one for each kind of outcome.

use std::sync::Arc;

use bytes::Bytes;
use gwobs_http::{Field, RequestHead, ResponseHead, Unknown, Version};
use gwobs_route::{
    Action, Arrival, BackendChoice, BackendName, Decision, Endpoints, Forwarded, Inconclusive, Judgement, Mismatch,
    ObjectName, Origin, Purpose, RedirectTarget, ResponseHeaders, RouteKind, RouteRef, Verdict, WireProtocol,
};

use gwobs_route::weights::{Report, RuleKey, Share, Skew};

use crate::event::Timestamp;
use crate::finished::{ClientProtocol, Downstream, Evidence, Finished, Pairing, Process, Response, Upstream};
use crate::weighed::{Weighed, WeightNews};

pub(crate) fn object(namespace: &str, name: &str) -> ObjectName {
    ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    }
}

pub(crate) fn service(name: &str) -> BackendName {
    BackendName {
        service: object("shop", name),
        port: 8080,
    }
}

pub(crate) fn route(rule: u16, rule_name: Option<&str>) -> RouteRef {
    RouteRef {
        kind: RouteKind::Http,
        route: object("shop", "api"),
        rule,
        matched: 0,
        rule_name: rule_name.map(Into::into),
    }
}

pub(crate) fn head(path: &'static str, headers: &[(&'static str, &'static [u8])]) -> RequestHead {
    let field = |(name, value): &(&'static str, &'static [u8])| Field {
        name: Bytes::from_static(name.as_bytes()),
        value: Bytes::from_static(value),
    };
    RequestHead {
        version: Version::Http11,
        method: Bytes::from_static(b"GET"),
        authority: Some(Bytes::from_static(b"shop.example:80")),
        path: Some(Bytes::from_static(path.as_bytes())),
        headers: headers.iter().map(field).collect(),
        unknown: Unknown::default(),
    }
}

pub(crate) fn answer(status: u16) -> ResponseHead {
    ResponseHead {
        version: Version::Http11,
        status,
        headers: Vec::new(),
        unknown: 0,
    }
}

pub(crate) fn upstream(name: &str, last: u8, status: Option<u16>, purpose: Purpose) -> Upstream {
    Upstream {
        address: ([10, 0, 0, last], 8080).into(),
        backend: Some(service(name)),
        backend_candidates: vec![service(name)],
        pod: None,
        request: status.map(|_| head("/api/items?page=2", &[("x-tenant", b"blue")])),
        response: status.map(answer),
        purpose,
    }
}

pub(crate) fn decision(route: Option<RouteRef>, action: Action) -> Arc<Decision> {
    let arrival = Arrival::at_gateway(&object("infra", "web"), 80, WireProtocol::Http);
    Arc::new(Decision {
        arrival,
        response_headers: ResponseHeaders::default(),
        generation: 3,
        listener: Some("http".into()),
        route,
        action,
        caveats: Vec::new(),
    })
}

pub(crate) fn forward(name: &str) -> Action {
    let choice = BackendChoice {
        backend: service(name),
        weight: 1,
        invalid: None,
        forwarded: None,
        redirect: None,
        endpoints: Endpoints::Ready,
    };
    Action::Forward {
        backends: vec![choice],
        forwarded: Forwarded::default(),
        mirrors: Vec::new(),
        may_answer_itself: false,
    }
}

pub(crate) fn judged(verdict: Verdict) -> Option<Judgement> {
    Some(Judgement {
        verdict,
        also: Vec::new(),
        observed_route: None,
    })
}

pub(crate) fn matched() -> Finished {
    Finished {
        id: "a1-1".into(),
        started: Timestamp(1_000_000),
        ended: Timestamp(3_500_000),
        process: Process {
            pid: 42,
            name: "envoy".into(),
        },
        gateway: Some(object("infra", "web")),
        downstream: Some(Downstream {
            peer: "[::ffff:192.0.2.7]:5000".parse().unwrap(),
            local: "[2001:db8:0:0::1]:80".parse().unwrap(),
            protocol: ClientProtocol::Http(Version::Http11),
            tls: false,
            sni: None,
        }),
        request: Some(head(
            "/api/items?page=2&token=abc",
            &[("x-tenant", b"blue"), ("cookie", b"id=1")],
        )),
        upstreams: vec![upstream("api", 1, Some(200), Purpose::Forward)],
        response: Some(Response {
            head: answer(200),
            grpc_status: None,
            origin: Origin::Upstream,
        }),
        decision: Some(decision(Some(route(0, None)), forward("api"))),
        judgement: judged(Verdict::Match),
        pairing: Pairing {
            evidence: vec![Evidence::Adjacent, Evidence::Id],
            candidates: 1,
        },
    }
}

pub(crate) fn mismatched() -> Finished {
    Finished {
        decision: Some(decision(Some(route(1, Some("v2"))), forward("api-v2"))),
        judgement: Some(Judgement {
            verdict: Verdict::Mismatch(Mismatch::WrongBackend),
            also: vec!["filter_not_applied"],
            observed_route: Some(route(0, None)),
        }),
        ..matched()
    }
}

pub(crate) fn redirected() -> Finished {
    let target = RedirectTarget {
        status: 301,
        scheme: "https".into(),
        host: "shop.example".into(),
        port: Some(8443),
        path: "/new?token=abc".into(),
    };
    Finished {
        upstreams: Vec::new(),
        response: Some(Response {
            head: answer(301),
            grpc_status: None,
            origin: Origin::Gateway,
        }),
        decision: Some(decision(Some(route(2, None)), Action::Redirect(target))),
        pairing: Pairing::default(),
        ..matched()
    }
}

pub(crate) fn not_found() -> Finished {
    Finished {
        upstreams: Vec::new(),
        response: Some(Response {
            head: answer(404),
            grpc_status: None,
            origin: Origin::Gateway,
        }),
        decision: Some(decision(
            None,
            Action::Respond {
                status: 404,
                grpc_status: None,
                backends: Vec::new(),
            },
        )),
        ..matched()
    }
}

pub(crate) fn undecided() -> Finished {
    Finished {
        downstream: None,
        request: None,
        response: None,
        decision: None,
        judgement: judged(Verdict::Inconclusive(Inconclusive::Unpaired)),
        pairing: Pairing {
            evidence: Vec::new(),
            candidates: 4,
        },
        ..matched()
    }
}

pub(crate) fn retried() -> Finished {
    let refused = upstream("api", 1, None, Purpose::Forward);
    Finished {
        upstreams: vec![refused, upstream("api", 2, Some(200), Purpose::Retry)],
        ..matched()
    }
}

/// A rule of weights 90 and 10 whose backends get `news`.
pub(crate) fn weighed(news: fn(Report) -> WeightNews) -> Weighed {
    let share = |name: &str, expected, observed, requests| Share {
        backend: Some(service(name)),
        expected,
        observed: Some(observed),
        requests,
    };
    let report = Report {
        shares: vec![share("api", 0.9, 0.5, 200), share("canary", 0.1, 0.5, 200)],
        requests: 400,
        unknown: 3,
        outside: 0,
        skew: Some(Skew {
            at: 1,
            log_evidence: 12.0,
            fits_equal_split: true,
        }),
    };
    Weighed {
        time: Timestamp(3_500_000),
        rule: RuleKey {
            gateway: object("infra", "web"),
            kind: RouteKind::Http,
            route: object("shop", "api"),
            rule: 0,
        },
        rule_name: None,
        news: news(report),
    }
}
