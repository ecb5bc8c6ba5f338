//! What a decision says about a misroute, beyond that it is one.

use crate::{observe, shop};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::plane::envoy::Envoy;

#[test]
fn a_misroute_is_explained() -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let case = shop::requests().remove(3);
    let (exchanges, observed) = observe(&Plan::wrong(&Envoy, &configured, &specified), |client| {
        client.run(&[case])
    })?;
    let answer = exchanges[0].answer.clone().map_err(anyhow::Error::msg)?;
    let [decision] = observed.decisions.as_slice() else {
        anyhow::bail!("{:?}", observed.decisions)
    };

    assert_eq!((decision.verdict(), decision.reason()), ("mismatch", "wrong_backend"));
    assert_eq!(decision.text("/gateway"), "shop/gateway");
    assert_eq!(decision.text("/listener"), "http");
    assert_eq!(decision.text("/request/method"), "GET");
    assert!(decision.path().starts_with("/api/v2/items?x=1"));
    assert_eq!(decision.text("/request/authority"), "shop.example.com");
    assert_eq!(decision.text("/expected/action"), "forward");
    assert_eq!(decision.text("/expected/route/name"), "shop");
    assert_eq!(decision.number("/expected/route/rule"), Some(1));
    assert_eq!(decision.text("/expected/backends/0/backend"), "shop/v2:80");
    assert_eq!(
        decision.number("/observed_route/rule"),
        Some(5),
        "rule 5 is the one that leads to v1"
    );
    assert_eq!(decision.text("/upstreams/0/backend"), "shop/v1:80");
    assert_eq!(decision.chosen(), answer.endpoint.as_deref());
    assert_eq!(decision.number("/upstreams/0/status"), Some(200));
    assert_eq!(decision.number("/response/status"), Some(200));
    assert_eq!(decision.text("/response/origin"), "upstream");
    assert_eq!(decision.text("/downstream/protocol"), "http/1.1");
    Ok(())
}
