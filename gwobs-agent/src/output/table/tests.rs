use bytes::Bytes;
use gwobs_route::Mismatch;

use super::*;
use crate::output::report::Summary;
use crate::output::samples;
use crate::weighed::WeightNews;

const CLOCK: WallClock = WallClock::from_offset(1_790_000_000_000_000_000);

fn render(style: Style, finished: &Finished) -> String {
    Table::new(style, Redaction::off()).render(&Report::Decision(finished), &CLOCK)
}

#[test]
fn a_match_is_one_line() {
    assert_eq!(
        render(Style::Plain, &samples::matched()),
        "14:13:20.003  match            200  GET shop.example:80/api/items?page=2&token=abc    \
         shop/api:8080 (10.0.0.1:8080)\n"
    );
}

#[test]
fn a_mismatch_says_what_was_due_and_what_was_done() {
    insta::assert_snapshot!(render(Style::Plain, &samples::mismatched()), @r##"
    14:13:20.003  MISMATCH         200  GET shop.example:80/api/items?page=2&token=abc    shop/api:8080 (10.0.0.1:8080)
                  reason    wrong_backend, filter_not_applied
                  expected  shop/api-v2:8080 (weight 1)  by HTTPRoute shop/api rule 1 "v2" match 0
                  observed  shop/api:8080 (10.0.0.1:8080)  as if by HTTPRoute shop/api rule 0 match 0
                  request   GET shop.example:80/api/items?page=2&token=abc
                  process   envoy (pid 42), decision a1-1
    "##);
}

#[test]
fn the_other_outcomes_read_well() {
    let lines: String = [
        samples::redirected(),
        samples::not_found(),
        samples::undecided(),
        samples::retried(),
    ]
    .iter()
    .map(|finished| render(Style::Plain, finished))
    .collect();
    insta::assert_snapshot!(lines, @r"
    14:13:20.003  match            301  GET shop.example:80/api/items?page=2&token=abc    (the gateway itself)
    14:13:20.003  match            404  GET shop.example:80/api/items?page=2&token=abc    (the gateway itself)
    14:13:20.003  inconclusive       -  (not readable)                                    shop/api:8080 (10.0.0.1:8080)  unpaired: several upstream calls may belong to it
    14:13:20.003  match            200  GET shop.example:80/api/items?page=2&token=abc    shop/api:8080 (10.0.0.2:8080)
    ");
}

#[test]
fn colours_only_where_they_are_wanted() {
    assert!(!render(Style::Plain, &samples::mismatched()).contains('\u{1b}'));
    assert!(render(Style::Coloured, &samples::mismatched()).contains("\u{1b}[1m\u{1b}[31mMISMATCH"));
}

#[test]
fn a_request_cannot_drive_the_terminal() {
    let mut finished = samples::mismatched();
    finished.request.as_mut().unwrap().path = Some(Bytes::from_static(b"/\x1b[2J\r\n\x9b"));
    let lines = render(Style::Plain, &finished);
    assert!(!lines.contains(['\u{1b}', '\r']), "{lines}");
}

#[test]
fn the_end_tells_the_numbers() {
    let summary = Summary {
        time: crate::event::Timestamp(2_500_000_000),
        finished: 10,
        open: 1,
        matched: 8,
        mismatched: [(Mismatch::WrongBackend, 2)].into_iter().collect(),
        lost: [("ring_buffer_full", 7)].into_iter().collect(),
        ..Summary::default()
    };
    let lines = Table::new(Style::Plain, Redaction::off()).render(&Report::Summary(&summary), &CLOCK);
    assert_eq!(
        lines,
        "\n10 requests in 2.5 s, 100.00 % decided, 1 still open\n\
         \x20          8  match\n\
         \x20          2  mismatch: wrong_backend\n\
         \x20          7  not seen: ring_buffer_full\n"
    );
}

#[test]
fn weights_are_told_in_plain_numbers() {
    let line = |news| {
        let weighed = samples::weighed(news);
        Table::new(Style::Plain, Redaction::off()).render(&Report::WeightSkew(&weighed), &CLOCK)
    };
    assert_eq!(
        line(WeightNews::Skewed),
        "14:13:20.003  WEIGHTS       HTTPRoute shop/api rule 0, shop/api:8080 / shop/canary:8080: expected 90/10, \
         observed 50/50 over 400 requests, which fits an equal split\n"
    );
    assert_eq!(line(|_| WeightNews::Ended), "");
}
