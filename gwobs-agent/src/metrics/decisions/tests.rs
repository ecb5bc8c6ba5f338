use gwobs_route::BackendChoice;
use prometheus_client::encoding::text::encode;

use super::*;
use crate::output::samples;
use crate::weighed::WeightNews;

fn scrape(finished: &[Finished], max_routes: usize) -> String {
    let mut registry = Registry::default();
    let mut decisions = Decisions::register(registry.sub_registry_with_prefix("gwobs"), max_routes);
    finished.iter().for_each(|finished| decisions.finished(finished));
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

fn assert_line(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
}

#[test]
fn verdicts_are_counted_by_rule() {
    let text = scrape(
        &[
            samples::matched(),
            samples::matched(),
            samples::mismatched(),
            samples::undecided(),
        ],
        10,
    );
    let gateway = r#"gateway_namespace="infra",gateway="web""#;
    assert_line(
        &text,
        &format!(
            r#"gwobs_decisions_total{{{gateway},listener="http",route_kind="HTTPRoute",route_namespace="shop",route="api",rule="0",verdict="match",reason=""}} 2"#
        ),
    );
    assert_line(
        &text,
        &format!(
            r#"gwobs_misroutes_total{{{gateway},route_namespace="shop",route="api",rule="v2",expected_backend="shop/api-v2:8080",observed_backend="shop/api:8080",reason="wrong_backend"}} 1"#
        ),
    );
    assert_line(
        &text,
        &format!(r#"gwobs_requests_total{{{gateway},listener="http",data_plane="envoy",protocol="http/1.1"}} 3"#),
    );
    assert_line(&text, &format!("gwobs_coverage_ratio{{{gateway}}} 0.75"));
    assert_line(
        &text,
        &format!(
            r#"gwobs_backend_requests_total{{{gateway},route_namespace="shop",route="api",rule="0",backend="shop/api:8080"}} 2"#
        ),
    );
}

#[test]
fn a_retried_request_counts_for_the_backend_that_answered() {
    let text = scrape(&[samples::retried()], 10);
    let backend = text
        .lines()
        .find(|line| line.starts_with("gwobs_backend_requests_total"))
        .unwrap();
    assert!(backend.ends_with("} 1"), "{backend}");
}

#[test]
fn routes_beyond_the_cap_become_other_and_are_counted() {
    let text = scrape(&[samples::matched()], 0);
    assert!(
        text.contains(r#"route_namespace="other",route="other",rule="""#),
        "{text}"
    );
    assert_line(&text, r#"gwobs_labels_capped_total{label="route"} 1"#);
    assert!(!text.contains(r#"route="api""#), "{text}");
}

fn with_weights(generation: u64, backends: &[(&str, u32)]) -> Finished {
    let Action::Forward { forwarded, .. } = samples::forward("api") else {
        unreachable!("forward forwards")
    };
    let choice = |(name, weight): &(&str, u32)| BackendChoice {
        backend: samples::service(name),
        weight: *weight,
        invalid: None,
        forwarded: None,
        redirect: None,
        endpoints: gwobs_route::Endpoints::Ready,
    };
    let action = Action::Forward {
        backends: backends.iter().map(choice).collect(),
        forwarded,
        mirrors: Vec::new(),
        may_answer_itself: false,
    };
    let decision = Decision {
        generation,
        ..(*samples::decision(Some(samples::route(0, None)), action)).clone()
    };
    Finished {
        decision: Some(Arc::new(decision)),
        ..samples::matched()
    }
}

#[test]
fn weights_are_shares_and_follow_the_specs() {
    let first = with_weights(1, &[("api", 9), ("canary", 1)]);
    let text = scrape(std::slice::from_ref(&first), 10);
    let labels = r#"gateway_namespace="infra",gateway="web",route_namespace="shop",route="api",rule="0""#;
    let weight = |backend: &str, share: &str| {
        format!(r#"gwobs_backend_weight_expected_ratio{{{labels},backend="shop/{backend}:8080"}} {share}"#)
    };
    assert_line(&text, &weight("api", "0.9"));
    assert_line(&text, &weight("canary", "0.1"));
    let text = scrape(&[first, with_weights(2, &[("api", 5)])], 10);
    assert_line(&text, &weight("api", "1.0"));
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn weights_are_those_of_the_newest_specs_and_of_rules_that_are_there() {
    let mut registry = Registry::default();
    let mut decisions = Decisions::register(registry.sub_registry_with_prefix("gwobs"), 10);
    decisions.finished(&with_weights(2, &[("api", 5)]));
    decisions.finished(&with_weights(1, &[("api", 9), ("canary", 1)]));
    let text = |registry: &Registry| {
        let mut text = String::new();
        encode(&mut text, registry).unwrap();
        text
    };
    let before = text(&registry);
    assert!(before.contains("gwobs_backend_weight_expected_ratio{"), "{before}");
    assert!(!before.contains("canary"), "{before}");
    decisions.specs(&Snapshot::default());
    let after = text(&registry);
    assert!(!after.contains("gwobs_backend_weight_expected_ratio{"), "{after}");
}

#[test]
fn a_skew_is_0_or_1_or_not_there() {
    let skew = |news: &[fn(gwobs_route::weights::Report) -> WeightNews]| {
        let mut registry = Registry::default();
        let mut decisions = Decisions::register(registry.sub_registry_with_prefix("gwobs"), 10);
        news.iter().for_each(|news| decisions.weighed(&samples::weighed(*news)));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("gwobs_weight_skew_detected{"));
        line.map(str::to_owned)
    };
    let labels = r#"gateway_namespace="infra",gateway="web",route_namespace="shop",route="api",rule="0""#;
    let line = |value| Some(format!("gwobs_weight_skew_detected{{{labels}}} {value}"));
    assert_eq!(skew(&[]), None);
    assert_eq!(skew(&[|_| WeightNews::Watched]), line(0));
    assert_eq!(skew(&[|_| WeightNews::Watched, WeightNews::Skewed]), line(1));
    assert_eq!(skew(&[WeightNews::Skewed, WeightNews::Honoured]), line(0));
    assert_eq!(skew(&[WeightNews::Skewed, |_| WeightNews::Ended]), None);
}

#[test]
fn paths_hosts_and_addresses_are_no_labels() {
    let text = scrape(&[samples::matched(), samples::mismatched(), samples::redirected()], 10);
    for secret in ["/api/items", "shop.example", "10.0.0.1", "192.0.2.7", "abc", "blue"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
}
