use gwobs_route::ObjectName;

use super::*;
use crate::certificates::Target;

const GRACE: i64 = 10;

fn certificate(print: u8, host: &str) -> Arc<Certificate> {
    Arc::new(Certificate {
        fingerprint: [print; 32],
        issuer: "an authority".into(),
        not_before: 0,
        not_after: 1000,
        hosts: vec![host.into()],
    })
}

fn due(print: u8) -> Due {
    let name = || ObjectName {
        namespace: "shop".into(),
        name: "tls".into(),
    };
    Due {
        target: Target {
            gateway: name(),
            listener: "https".into(),
            secret: name(),
            address: ([127, 0, 0, 1], 443).into(),
        },
        server_name: Some("shop.test".into()),
        expected: Some(certificate(print, "shop.test")),
        others: Vec::new(),
    }
}

fn served(print: u8) -> Sight {
    Sight::Served(certificate(print, "shop.test"))
}

fn problems(standing: &Standing) -> Vec<Problem> {
    standing.problems().iter().copied().collect()
}

#[test]
fn a_gateway_has_a_moment_to_follow_its_secret() {
    let mut standing = Standing::default();
    standing.see(&due(1), &served(1), 100, GRACE);
    assert!(problems(&standing).is_empty() && !standing.is_unsettled());
    // Renewed; the gateway follows within the grace.
    standing.expect(&due(2), 200);
    assert!(problems(&standing).is_empty() && standing.is_unsettled());
    standing.see(&due(2), &served(1), 205, GRACE);
    standing.see(&due(2), &served(2), 212, GRACE);
    assert!(problems(&standing).is_empty() && standing.since(Problem::Stale).is_none());
    // And again, but now it does not.
    standing.expect(&due(3), 300);
    standing.see(&due(3), &served(2), 309, GRACE);
    assert!(problems(&standing).is_empty());
    standing.see(&due(3), &served(2), 310, GRACE);
    assert_eq!(
        (problems(&standing), standing.since(Problem::Stale)),
        (vec![Problem::Stale], Some(300))
    );
    standing.see(&due(3), &served(3), 400, GRACE);
    assert!(problems(&standing).is_empty());
}

#[test]
fn what_goes_back_to_the_old_secret_is_not_stale() {
    let mut standing = Standing::default();
    standing.see(&due(1), &served(1), 0, GRACE);
    standing.expect(&due(2), 100);
    standing.see(&due(2), &served(1), 200, GRACE);
    assert_eq!(problems(&standing), [Problem::Stale]);
    standing.expect(&due(1), 300);
    assert!(problems(&standing).is_empty(), "known without another look");
}

#[test]
fn another_certificate_of_the_listener_is_as_good() {
    let mut both = due(1);
    both.others = vec![certificate(2, "shop.test")];
    let mut standing = Standing::default();
    for at in [0, 100] {
        standing.see(&both, &served(2), at, GRACE);
    }
    assert!(problems(&standing).is_empty());
}

#[test]
fn without_the_secret_only_what_is_served_is_judged() {
    let unknown = Due {
        expected: None,
        ..due(1)
    };
    let mut standing = Standing::default();
    for at in [100, 200] {
        standing.see(&unknown, &served(9), at, GRACE);
    }
    assert!(problems(&standing).is_empty());
    for at in [1001, 1100] {
        standing.see(&unknown, &served(9), at, GRACE);
    }
    assert_eq!(problems(&standing), [Problem::Expired]);
}

#[test]
fn names_and_times_that_are_wrong() {
    let mut standing = Standing::default();
    let foreign = Sight::Served(certificate(1, "other.test"));
    for at in [-100, -50] {
        standing.see(&due(1), &foreign, at, GRACE);
    }
    assert_eq!(problems(&standing), [Problem::NotYetValid, Problem::NameMismatch]);
}

#[test]
fn one_failure_is_none() {
    let mut standing = Standing::default();
    standing.see(&due(1), &served(1), 0, GRACE);
    standing.see(&due(1), &Sight::Failed(Failure::Unreachable), 100, GRACE);
    assert!(problems(&standing).is_empty() && standing.served().is_some() && standing.is_unsettled());
    standing.see(&due(1), &served(1), 105, GRACE);
    assert!(!standing.is_unsettled());
    for at in [200, 220] {
        standing.see(&due(1), &Sight::Failed(Failure::Refused), at, GRACE);
    }
    assert_eq!(problems(&standing), [Problem::HandshakeFailing]);
    assert!(
        standing.served().is_none(),
        "nobody knows any more what would be served"
    );
    standing.see(&due(1), &served(1), 300, GRACE);
    assert!(problems(&standing).is_empty());
}
