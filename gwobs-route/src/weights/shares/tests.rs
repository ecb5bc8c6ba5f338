use super::tests_support::{backend, choice, invalid};
use super::*;

#[test]
fn weights_become_probabilities() {
    let shares = Shares::of(&[choice("a", 9), choice("b", 1)]).unwrap();
    assert_eq!(shares.probabilities(), [0.9, 0.1]);
    assert_eq!(shares.position(&backend("b")), Some(1));
}

#[test]
fn a_backend_named_twice_is_one_share() {
    let shares = Shares::of(&[choice("a", 1), choice("b", 2), choice("a", 1)]).unwrap();
    assert_eq!(shares.probabilities(), [0.5, 0.5]);
}

#[test]
fn weight_zero_has_no_share() {
    let shares = Shares::of(&[choice("a", 1), choice("b", 0), choice("c", 1)]).unwrap();
    assert_eq!(shares.len(), 2);
    assert_eq!(shares.position(&backend("b")), None);
}

#[test]
fn invalid_references_are_one_share_together() {
    let shares = Shares::of(&[invalid("x", 1), choice("a", 2), invalid("y", 1)]).unwrap();
    assert_eq!(shares.probabilities(), [0.5, 0.5]);
    assert_eq!(shares.invalid_position(), Some(1));
    assert_eq!(shares.names().collect::<Vec<_>>(), [Some(&backend("a")), None]);
}

#[test]
fn what_cannot_be_tested_says_why() {
    assert_eq!(Shares::of(&[]), Err(Untestable::NoShare));
    assert_eq!(Shares::of(&[choice("a", 0)]), Err(Untestable::NoShare));
    assert_eq!(Shares::of(&[choice("a", 7), choice("b", 0)]), Err(Untestable::OneShare));
    let many = (0..=MAX_SHARES)
        .map(|i| choice(&format!("s{i}"), 1))
        .collect::<Vec<_>>();
    assert_eq!(Shares::of(&many), Err(Untestable::TooMany));
}
