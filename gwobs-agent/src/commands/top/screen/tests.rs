use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::board::Verdicts;
use super::*;

fn place(route: &str) -> Place {
    Place {
        gateway: "infra/web".to_owned(),
        listener: "http".to_owned(),
        route: route.to_owned(),
        rule: "1".to_owned(),
    }
}

fn row(right: f64, mismatch: f64, inconclusive: f64) -> Row {
    Row {
        rates: Verdicts {
            right,
            mismatch,
            inconclusive,
        },
        totals: Verdicts {
            right,
            mismatch: mismatch * 10.0,
            inconclusive,
        },
        reason: if mismatch > 0.0 { "wrong_backend" } else { "" }.to_owned(),
    }
}

fn board() -> Board {
    let rows = [
        ("HTTPRoute shop/a", row(500.0, 0.0, 0.0)),
        ("HTTPRoute shop/b", row(10.0, 2.5, 0.0)),
        ("HTTPRoute shop/c", row(0.0, 0.0, 4.0)),
    ];
    Board {
        rows: BTreeMap::from(rows.map(|(route, row)| (place(route), row))),
        lost: 0.0,
        agents: 2,
        silent: Vec::new(),
    }
}

/// The text that is drawn, a string a line.
fn drawn(board: &Board, view: View, width: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, 8)).unwrap();
    terminal.draw(|frame| draw(frame, board, view)).unwrap();
    let buffer = terminal.backend().buffer();
    let text = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..8).map(|y| text(y).trim_end().to_owned()).collect()
}

#[test]
fn misroutes_come_first() {
    let lines = drawn(&board(), View::default(), 140);
    assert_eq!(
        lines[0],
        "gwobs top   2 agents   516 req/s   2.5 misrouted/s   99.2 % decided   0 lost/s   by misroutes"
    );
    assert!(lines[1].starts_with("GATEWAY"), "{lines:#?}");
    for text in ["infra/web", "HTTPRoute shop/b, 1", "12.5", "2.5", "25", "wrong_backend"] {
        assert!(lines[2].contains(text), "{text} in {}", lines[2]);
    }
    assert!(lines[3].contains("shop/a"), "{lines:#?}");
    assert!(
        lines[4].contains("shop/c") && lines[4].contains("100.0 %"),
        "{lines:#?}"
    );
    assert_eq!(lines[7], KEYS);
}

#[test]
fn the_order_goes_round() {
    let first = |order| ordered(&board(), order)[0].0.route.clone();
    let mut order = Order::default();
    let routes: Vec<String> = (0..5)
        .map(|_| {
            let route = first(order);
            order = order.next();
            route.trim_start_matches("HTTPRoute shop/").to_owned()
        })
        .collect();
    assert_eq!(routes, ["b", "a", "c", "a", "b"]);
}

#[test]
fn rows_scroll() {
    let view = View {
        order: Order::Name,
        scrolled: 2,
        held: true,
    };
    let lines = drawn(&board(), view, 140);
    assert!(lines[0].ends_with("by name   HELD"), "{lines:#?}");
    assert!(lines[2].contains("shop/c") && lines[3].is_empty(), "{lines:#?}");
}

#[test]
fn who_does_not_answer_is_named() {
    let silent = Board {
        silent: vec!["node-3".to_owned(), "bad\u{1b}[2J".to_owned()],
        ..board()
    };
    let lines = drawn(&silent, View::default(), 100);
    assert!(lines[1].starts_with("no answer from node-3, bad"), "{lines:#?}");
    assert!(!lines[1].contains('\u{1b}'));
}

#[test]
fn any_size_is_drawn() {
    for width in [1, 7, 40] {
        drawn(&board(), View::default(), width);
    }
    drawn(&Board::default(), View::default(), 80);
}
