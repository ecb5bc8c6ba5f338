use gwobs_common::tls::{ALERT_RECEIVED, BORINGSSL_ERRORS, GO_ERRORS, OPENSSL_ERRORS};

use super::{Clue, reported};

const EXPIRED: Option<Clue> = Some(Clue::Alert(45));

#[test]
fn libraries_name_the_same_reason_alike() {
    for (library, reason) in [(BORINGSSL_ERRORS, 240), (OPENSSL_ERRORS, 258), (GO_ERRORS, 70)] {
        assert_eq!(reported(library, reason, None), "protocol_version");
    }
    for library in [BORINGSSL_ERRORS, OPENSSL_ERRORS, GO_ERRORS] {
        assert_eq!(reported(library, ALERT_RECEIVED + 48, None), "unknown_ca");
    }
}

#[test]
fn an_alert_in_the_clear_tells_why_a_certificate_is_refused() {
    assert_eq!(reported(OPENSSL_ERRORS, 134, None), "certificate_verify_failed");
    assert_eq!(reported(OPENSSL_ERRORS, 134, EXPIRED), "certificate_expired");
    assert_eq!(reported(BORINGSSL_ERRORS, 125, EXPIRED), "certificate_expired");
    let internal = Some(Clue::Alert(80));
    assert_eq!(reported(OPENSSL_ERRORS, 134, internal), "certificate_verify_failed");
}

#[test]
fn a_connection_that_ends_without_a_word_was_closed() {
    assert_eq!(reported(0, 0, None), "closed");
    assert_eq!(reported(0, 0, EXPIRED), "certificate_expired");
    assert_eq!(reported(0, 0, Some(Clue::Foreign)), "wrong_version_number");
    assert_eq!(reported(OPENSSL_ERRORS, 294, None), "closed");
}

#[test]
fn what_is_not_known_is_another_reason() {
    assert_eq!(reported(7, 1, None), "other");
    assert_eq!(reported(GO_ERRORS, 999, None), "other");
    assert_eq!(reported(OPENSSL_ERRORS, u32::MAX, None), "other");
}
