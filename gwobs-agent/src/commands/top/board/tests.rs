use super::super::exposition::samples;
use super::*;

/// What an agent answers: the counters of one rule, by verdict and reason.
fn answer(agent: &str, counts: &[(&str, &str, u32)]) -> (String, Option<Vec<Sample>>) {
    let line = |(verdict, reason, count): &(&str, &str, u32)| {
        format!(
            "gwobs_decisions_total{{gateway_namespace=\"infra\",gateway=\"web\",listener=\"http\",route_kind=\"HTTPRoute\",\
             route_namespace=\"shop\",route=\"cart\",rule=\"1\",verdict=\"{verdict}\",reason=\"{reason}\"}} {count}\n"
        )
    };
    let text: String = counts.iter().map(line).collect();
    (agent.to_owned(), Some(samples(&text).collect()))
}

const SECONDS: Duration = Duration::from_secs(2);

fn only(board: &Board) -> (&Place, &Row) {
    assert_eq!(board.rows.len(), 1, "{board:?}");
    board.rows.first_key_value().unwrap()
}

#[test]
fn rates_are_what_counters_grew_by() {
    let mut memory = Memory::default();
    let first = memory.compare(
        &[answer("a", &[("match", "", 100), ("mismatch", "wrong_backend", 5)])],
        SECONDS,
    );
    let (place, row) = only(&first);
    assert_eq!(
        (place.gateway.as_str(), place.route.as_str(), place.rule.as_str()),
        ("infra/web", "HTTPRoute shop/cart", "1")
    );
    assert_eq!(row.rates, Verdicts::default(), "what was before says nothing of now");
    assert_eq!(row.totals.all(), 105.0);
    let counts = [
        ("match", "", 110),
        ("mismatch", "wrong_backend", 7),
        ("inconclusive", "unpaired", 90),
    ];
    let second = memory.compare(&[answer("a", &counts)], SECONDS);
    let (_, row) = only(&second);
    let expected = Verdicts {
        right: 5.0,
        mismatch: 1.0,
        inconclusive: 45.0,
    };
    assert_eq!(row.rates, expected);
    assert_eq!(row.reason, "wrong_backend", "of mismatches, however few");
    assert_eq!(second.rates().coverage(), Some(6.0 / 51.0));
}

#[test]
fn agents_are_added_up() {
    let mut memory = Memory::default();
    memory.compare(
        &[answer("a", &[("match", "", 1)]), answer("b", &[("match", "", 1)])],
        SECONDS,
    );
    let board = memory.compare(
        &[answer("a", &[("match", "", 3)]), answer("b", &[("match", "", 7)])],
        SECONDS,
    );
    assert_eq!(only(&board).1.rates.right, 4.0);
    assert_eq!((board.agents, only(&board).1.totals.all()), (2, 10.0));
}

#[test]
fn an_agent_that_started_again_counts_anew() {
    let mut memory = Memory::default();
    memory.compare(&[answer("a", &[("match", "", 1_000)])], SECONDS);
    let board = memory.compare(&[answer("a", &[("match", "", 4)])], SECONDS);
    assert_eq!(only(&board).1.rates.right, 2.0);
}

/// The whole past of an agent that is asked for the first time did not happen in the last seconds.
#[test]
fn an_agent_that_comes_later_makes_no_peak() {
    let mut memory = Memory::default();
    memory.compare(&[answer("a", &[("match", "", 1)])], SECONDS);
    let board = memory.compare(
        &[answer("a", &[("match", "", 1)]), answer("b", &[("match", "", 9_000)])],
        SECONDS,
    );
    assert_eq!(only(&board).1.rates.right, 0.0);
}

#[test]
fn silent_agents_are_named() {
    let mut memory = Memory::default();
    let board = memory.compare(&[("a".to_owned(), None), answer("b", &[("match", "", 1)])], SECONDS);
    assert_eq!((board.agents, board.silent), (1, vec!["a".to_owned()]));
}

#[test]
fn losses_are_a_rate_too() {
    let mut memory = Memory::default();
    let lost = |count: u32| {
        let text = format!("gwobs_events_lost_total{{reason=\"ring\"}} {count}");
        ("a".to_owned(), Some(samples(&text).collect()))
    };
    memory.compare(&[lost(10)], SECONDS);
    assert_eq!(memory.compare(&[lost(16)], SECONDS).lost, 3.0);
}

/// What happened while nobody could ask is no rate.
#[test]
fn an_agent_that_was_silent_makes_no_peak() {
    let mut memory = Memory::default();
    memory.compare(&[answer("a", &[("match", "", 1)])], SECONDS);
    memory.compare(&[("a".to_owned(), None)], SECONDS);
    let board = memory.compare(&[answer("a", &[("match", "", 9_000)])], SECONDS);
    assert_eq!(only(&board).1.rates.right, 0.0);
}
