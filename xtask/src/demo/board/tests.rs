use super::*;
use serde_json::json;

fn decision(verdict: &str, expected: &str, observed: &str, rule: u64, path: &str) -> Decision {
    let reason = if verdict == "mismatch" {
        json!("wrong_backend")
    } else {
        json!(null)
    };
    Decision(json!({
        "verdict": verdict, "reason": reason,
        "request": {"method": "GET", "path": path},
        "upstreams": [{"address": "127.0.0.1:1", "backend": format!("shop/{observed}:80"), "purpose": "forward"}],
        "expected": {
            "action": "forward",
            "route": {"name": "shop", "rule": rule},
            "backends": [{"backend": format!("shop/{expected}:80"), "weight": 1}],
        },
    }))
}

#[test]
fn equal_decisions_share_a_row_and_mismatches_come_first() {
    let mut board = Board::default();
    for _ in 0..3 {
        board.add(&decision("match", "api-v1", "api-v1", 0, "/api"));
    }
    board.add(&decision(
        "mismatch",
        "api-v2",
        "api-v1",
        1,
        "/api/v2/a-path-too-long-for-eighty-columns",
    ));
    let lines = board.lines(80);
    assert_eq!(
        lines,
        [
            "  4 requests   3 match   1 mismatch   0 inconclusive",
            "",
            "    EXPECTED     OBSERVED     RULE    REASON         COUNT  SAMPLE REQUEST",
            "  ✗ api-v2       api-v1       shop/1  wrong_backend      1  GET /api/v2/a-path-…",
            "  ✓ api-v1       api-v1       shop/0                     3  GET /api",
        ]
    );
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
}
