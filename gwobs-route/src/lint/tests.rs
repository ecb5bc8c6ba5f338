//! One finding of every kind, and beside each a near miss that must not be found.

mod build;
mod docs;

mod overlaps;
mod property;
mod references;
mod size;
mod values;

use build::{class, gateway, route, rule, service};

use super::{Code, Finding, Severity};
use crate::model::Object;

fn lint(objects: &[Object]) -> Vec<Finding> {
    super::lint(objects, None)
}

/// The findings of that kind as `object field`.
fn found(code: Code, objects: &[Object]) -> Vec<String> {
    let own = |finding: &Finding| finding.code == code;
    let place = |finding: Finding| format!("{} {}", finding.object, finding.field);
    lint(objects).into_iter().filter(own).map(place).collect()
}

#[track_caller]
fn finds(code: Code, objects: &[Object], place: &str) {
    assert_eq!(found(code, objects), [place], "{:#?}", lint(objects));
}

#[track_caller]
fn passes(code: Code, objects: &[Object]) {
    assert_eq!(found(code, objects), [""; 0], "{:#?}", lint(objects));
}

#[track_caller]
fn severity(code: Code, objects: &[Object]) -> Severity {
    lint(objects)
        .into_iter()
        .find(|finding| finding.code == code)
        .unwrap()
        .severity
}

#[test]
fn a_sound_set_has_no_findings() {
    let objects = [
        class(&[]).into(),
        gateway().into(),
        service("shop", "cart", 80).into(),
        route("shop", "cart")
            .rule(rule("/cart").to("cart", 80))
            .rule(rule("/").to("cart", 80))
            .into(),
    ];
    assert_eq!(lint(&objects), []);
}

#[test]
fn the_order_of_objects_does_not_matter() {
    let mut objects = vec![
        gateway().into(),
        service("shop", "cart", 80).into(),
        route("shop", "a").rule(rule("/").to("gone", 80)).into(),
        route("tenant", "b").rule(rule("/").to("cart", 81)).into(),
    ];
    let findings = lint(&objects);
    assert!(findings.len() > 3, "{findings:#?}");
    objects.reverse();
    assert_eq!(lint(&objects), findings);
}

#[test]
fn names_of_codes_are_unique() {
    let names = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .collect::<std::collections::BTreeSet<_>>();
    assert_eq!(names.len(), Code::ALL.len());
}

#[test]
fn nothing_at_all_is_clean() {
    assert_eq!(lint(&[]), []);
}
