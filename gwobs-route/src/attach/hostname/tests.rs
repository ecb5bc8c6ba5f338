use super::*;

fn names(list: &[&str]) -> Vec<Arc<str>> {
    list.iter().map(|&name| name.into()).collect()
}

#[test]
fn wildcard_covers_several_labels_and_not_the_apex() {
    assert!(covers("*.example.com", "a.example.com"));
    assert!(covers("*.example.com", "a.b.example.com"));
    assert!(!covers("*.example.com", "example.com"));
    assert!(!covers("*.example.com", ".example.com"));
    assert!(!covers("*.example.com", "badexample.com"));
    assert!(covers("example.com", "example.com"));
}

#[test]
fn effective_hostnames_are_the_intersection() {
    /// Listener, route, effective.
    type Row = (
        Option<&'static str>,
        &'static [&'static str],
        &'static [Option<&'static str>],
    );
    let table: &[Row] = &[
        (None, &[], &[None]),
        (None, &["a.com", "*.b.com"], &[Some("a.com"), Some("*.b.com")]),
        (Some("a.com"), &[], &[Some("a.com")]),
        (Some("a.com"), &["a.com", "b.com"], &[Some("a.com")]),
        (Some("*.a.com"), &["x.a.com", "a.com"], &[Some("x.a.com")]),
        (Some("x.a.com"), &["*.a.com"], &[Some("x.a.com")]),
        (Some("*.a.com"), &["*.b.a.com"], &[Some("*.b.a.com")]),
        (Some("*.b.a.com"), &["*.a.com"], &[Some("*.b.a.com")]),
        (Some("*.a.com"), &["*.a.com"], &[Some("*.a.com")]),
        (Some("*.a.com"), &["*.b.com"], &[]),
    ];
    for (listener, route, expected) in table {
        let listener: Hostname = listener.map(Into::into);
        let found = effective(listener.as_ref(), &names(route));
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(&found, expected, "{listener:?} {route:?}");
    }
}

#[test]
fn host_set_agrees_with_the_intersection_of_each_name() {
    let all = names(&[
        "a.com",
        "x.a.com",
        "*.a.com",
        "*.x.a.com",
        "b.com",
        "*.com",
        "y.x.a.com",
    ]);
    for one in &all {
        let mut set = HostSet::default();
        set.insert(&Some(one.clone()));
        for other in &all {
            let meet = !effective(Some(one), std::slice::from_ref(other)).is_empty();
            assert_eq!(set.meets(&Some(other.clone())), meet, "{one} {other}");
        }
        assert!(set.meets(&None));
    }
    assert!(!HostSet::default().meets(&None));
}
