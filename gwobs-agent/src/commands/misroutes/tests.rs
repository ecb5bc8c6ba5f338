use std::collections::BTreeMap;

use super::merged::Merged;
use super::{follow, show, table};
use crate::misroutes::{Considered, Example, Group, Listing, Proof, Route};
use crate::output::Style;

fn group(id: &str, count: u64, second: u64) -> Group {
    Group {
        id: id.to_owned(),
        gateway: Some("infra/web".to_owned()),
        route: Some(route(1)),
        reason: "wrong_backend".to_owned(),
        expected: "shop/v2:80".to_owned(),
        observed: "shop/v1:80".to_owned(),
        count,
        first: format!("2026-11-23T02:00:{second:02}.000000Z"),
        last: format!("2026-11-23T02:01:{second:02}.000000Z"),
        specs_since: None,
        request: format!("GET shop.example/{second}"),
    }
}

fn route(rule: u16) -> Route {
    Route {
        kind: "HTTPRoute".to_owned(),
        namespace: "shop".to_owned(),
        name: "api".to_owned(),
        rule,
        rule_name: None,
    }
}

fn listing(groups: Vec<Group>) -> Listing {
    Listing {
        version: "0".to_owned(),
        since: Some("2026-11-23T01:00:00.000000Z".to_owned()),
        judged: 200,
        decided: 199,
        forgotten: 0,
        groups,
    }
}

fn merged() -> Merged {
    Merged::of(vec![
        (
            "node-a".to_owned(),
            listing(vec![group("aaaaaaaa", 3, 10), group("bbbbbbbb", 1, 5)]),
        ),
        ("node-b".to_owned(), listing(vec![group("aaaaaaaa", 4, 20)])),
    ])
}

#[test]
fn the_same_group_of_several_agents_is_one() {
    let merged = merged();
    assert_eq!((merged.agents, merged.judged, merged.count()), (2, 400, 8));
    let ids: Vec<_> = merged.groups.iter().map(|seen| seen.group.id.as_str()).collect();
    assert_eq!(ids, ["aaaaaaaa", "bbbbbbbb"], "the one seen last comes first");
    let first = &merged.groups[0];
    assert_eq!((first.group.count, first.agents.len()), (7, 2));
    assert!(first.group.first.contains(":10.") && first.group.last.contains(":20."));
    assert_eq!(first.group.request, "GET shop.example/20");
}

#[test]
fn the_table_has_the_groups_and_what_could_be_seen() {
    let text = table::text(&merged(), Style::Plain);
    for wanted in [
        "aaaaaaaa       7  02:01:20  wrong_backend        infra/web, HTTPRoute shop/api rule 1",
        "due shop/v2:80, went to shop/v1:80",
        "8 requests misrouted in 2 groups, seen by 2 agents",
        "99.5 % of 400 requests could be decided",
        "gwobs misroutes show aaaaaaaa",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    let none = table::text(&Merged::of(vec![("a".to_owned(), listing(Vec::new()))]), Style::Plain);
    assert!(none.starts_with("No misroute was seen by 1 agent since"), "{none}");
}

#[test]
fn what_grows_is_news_once() {
    let mut known = BTreeMap::new();
    let merged = merged();
    let all = follow::news(&mut known, &merged);
    let told: Vec<_> = all.iter().map(|(seen, more)| (seen.group.id.as_str(), *more)).collect();
    assert_eq!(told, [("bbbbbbbb", 1), ("aaaaaaaa", 7)]);
    assert!(follow::news(&mut known, &merged).is_empty());
    let again = Merged::of(vec![("node-a".to_owned(), listing(vec![group("aaaaaaaa", 2, 30)]))]);
    let told = follow::news(&mut known, &again);
    assert_eq!(
        told.iter().map(|(_, more)| *more).collect::<Vec<_>>(),
        [2],
        "an agent began anew"
    );
}

#[test]
fn a_proof_says_what_was_due_and_how_to_see_it_again() {
    let decision = serde_json::json!({
        "id": "r-1", "time": "2026-11-23T02:00:10.000000Z", "gateway": "infra/web",
        "downstream": {"peer": "10.0.0.9:5000", "local": "10.0.0.1:80", "protocol": "http/1.1", "tls": false},
        "request": {
            "method": "POST", "authority": "shop.example", "path": "/api/v2/it's?a=[redacted]",
            "headers": [["x-tenant", "blue"], ["cookie", "[redacted]"]],
        },
        "upstreams": [{"address": "10.0.1.2:80", "backend": "shop/v1:80", "purpose": "forward"}],
        "response": {"status": 200, "origin": "upstream"},
        "expected": {
            "action": "forward", "route": {"kind": "HTTPRoute", "namespace": "shop", "name": "api", "rule": 1, "match": 0},
            "backends": [{"backend": "shop/v2:80", "weight": 1}],
        },
        "observed_route": {"kind": "HTTPRoute", "namespace": "shop", "name": "api", "rule": 0, "match": 0},
        "pairing": {"evidence": ["adjacent"], "candidates": 1},
    });
    let considered = [(1, None), (0, Some("outranked:path"))].map(|(rule, lost_by)| Considered {
        route: route(rule),
        r#match: 0,
        condition: format!("path prefix /{rule}"),
        lost_by: lost_by.map(str::to_owned),
    });
    let proof = Proof {
        group: group("aaaaaaaa", 3, 10),
        examples: vec![Example {
            decision,
            considered: considered.to_vec(),
            mend: vec!["Mend it.".to_owned()],
        }],
    };
    insta::assert_snapshot!(show::text(&proof), @r"
    aaaaaaaa  wrong_backend
      at        infra/web, HTTPRoute shop/api rule 1
      due       shop/v2:80
      went to   shop/v1:80
      requests  3, the first at 2026-11-23T02:00:10.000000Z, the last at 2026-11-23T02:01:10.000000Z

    one of them (r-1)
      time      2026-11-23T02:00:10.000000Z, from 10.0.0.9:5000
      request   POST shop.example/api/v2/it's?a=[redacted]
                x-tenant: blue
      answered  200 by shop/v1:80 at 10.0.1.2:80, as if by HTTPRoute shop/api rule 0 match 0
      tied by   adjacent

    what the rules say
      ✔ HTTPRoute shop/api rule 1 match 0: path prefix /1  wins
      ✘ HTTPRoute shop/api rule 0 match 0: path prefix /0  matches too, but ranks lower by path

    to see it again, where the gateway can be reached
      curl -i -X 'POST' -H 'Host: shop.example' -H 'x-tenant: blue' 'http://10.0.0.1:80/api/v2/it'\''s?a=[redacted]'
      [redacted] stands for values that no rule looks at

    the objects
      kubectl get gateway -n infra web -o yaml
      kubectl get httproute -n shop api -o yaml
      kubectl get service -n shop v2 -o yaml
      kubectl get service -n shop v1 -o yaml

    what to do
      Mend it.
    ");
}
