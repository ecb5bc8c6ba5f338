use super::*;

#[test]
fn families_are_named_as_their_samples() {
    let openmetrics = "# HELP a Things.\n# TYPE a counter\na_total{x=\"# y\"} 1\n# HELP b_seconds Time.\n\
                       # TYPE b_seconds histogram\n# UNIT b_seconds seconds\nb_seconds_sum 2.0\n# HELP c What.\n# TYPE c info\n\
                       c_info{v=\"1\"} 1\n# EOF\n";
    let expected = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"# y\"} 1\n# HELP b_seconds Time.\n\
                    # TYPE b_seconds histogram\nb_seconds_sum 2.0\n# HELP c_info What.\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n";
    assert_eq!(classic(openmetrics), expected);
}

#[test]
fn only_who_asks_for_it_gets_it() {
    let wanted = |accept: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static(accept));
        is_wanted(&headers)
    };
    assert!(wanted("text/plain;version=0.0.4"));
    assert!(!wanted(
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    ));
    assert!(!wanted("*/*") && !is_wanted(&HeaderMap::new()));
}
