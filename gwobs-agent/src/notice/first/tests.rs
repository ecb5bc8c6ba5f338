use super::*;
use crate::output::samples;

fn misrouted(at: u64, rule: u16, mismatch: Mismatch) -> Finished {
    let mut finished = samples::mismatched();
    finished.ended = Timestamp(at);
    if let Some(judgement) = &mut finished.judgement {
        judgement.verdict = Verdict::Mismatch(mismatch);
    }
    let decision = finished.decision.as_deref().cloned();
    finished.decision = decision.map(|mut decision| {
        decision.route = Some(samples::route(rule, None));
        decision.into()
    });
    finished
}

#[test]
fn the_first_of_each_rule_and_reason() {
    let mut first = First::default();
    let mut told = |at, rule, mismatch| {
        first
            .finished(&misrouted(at, rule, mismatch))
            .map(|notice| notice.reason)
    };
    assert_eq!(told(1, 0, Mismatch::WrongBackend), Some(Reason::RequestsMisrouted));
    assert_eq!(told(2, 0, Mismatch::WrongBackend), None);
    assert_eq!(
        told(3, 0, Mismatch::StaleEndpoint),
        None,
        "the rule is known to be misrouted"
    );
    assert_eq!(told(4, 1, Mismatch::WrongBackend), Some(Reason::RequestsMisrouted));
    assert_eq!(
        told(5, 0, Mismatch::NoReferenceGrant),
        Some(Reason::TrafficWithoutReferenceGrant)
    );
    assert_eq!(told(QUIET, 0, Mismatch::WrongBackend), None, "it never stopped");
    assert_eq!(
        told(3 * QUIET, 0, Mismatch::WrongBackend),
        Some(Reason::RequestsMisrouted)
    );
    assert_eq!(First::default().finished(&samples::matched()), None);
}

#[test]
fn what_is_remembered_has_a_bound() {
    let mut first = First::default();
    let rules = u16::try_from(MAX_RULES).expect("fits");
    for rule in 0..rules {
        assert!(first.finished(&misrouted(1, rule, Mismatch::WrongBackend)).is_some());
    }
    assert!(first.finished(&misrouted(1, rules, Mismatch::WrongBackend)).is_none());
    let later = first.finished(&misrouted(2 * QUIET, rules, Mismatch::WrongBackend));
    assert!(later.is_some(), "what was quiet for long makes room");
}

/// Events are read by many: they hold names of objects, and nothing that a client sent.
#[test]
fn a_notice_names_objects_only() {
    let finished = misrouted(1, 0, Mismatch::WrongBackend);
    let request = finished.request.clone().expect("a request");
    let notice = First::default().finished(&finished).expect("a notice");
    assert_eq!(
        notice.regarding.to_string(),
        format!("HTTPRoute {}", samples::route(0, None).route)
    );
    for sent in [request.path, request.authority].into_iter().flatten() {
        let sent = String::from_utf8_lossy(&sent).into_owned();
        assert!(sent.len() > 1 && !notice.text.contains(&sent), "{}", notice.text);
    }
    assert!(
        notice.text.contains("wrong_backend") && notice.text.contains(&finished.id),
        "{}",
        notice.text
    );
}
