use proptest::prelude::*;

use super::*;

#[test]
fn lines_of_each_kind() {
    let text = "# TYPE gwobs_requests counter\n\
        gwobs_requests_total{gateway=\"web\",route=\"a \\\"b\\\" \\\\ c\\nd\"} 17\n\
        gwobs_coverage_ratio 0.5 1732300000\n\
        gwobs_x_total{} 3 # {trace_id=\"1\"} 1\n\
        gwobs_y{le=\"+Inf\",} +Inf\n\
        # EOF\n";
    let found: Vec<Sample> = samples(text).collect();
    let values: Vec<(&str, f64)> = found
        .iter()
        .map(|sample| (sample.name.as_str(), sample.value))
        .collect();
    assert_eq!(
        values,
        [
            ("gwobs_requests_total", 17.0),
            ("gwobs_coverage_ratio", 0.5),
            ("gwobs_x_total", 3.0),
            ("gwobs_y", f64::INFINITY)
        ]
    );
    assert_eq!(found[0].label("gateway"), "web");
    assert_eq!(found[0].label("route"), "a \"b\" \\ c\nd");
    assert_eq!(found[0].label("absent"), "");
}

#[test]
fn what_is_no_sample_is_left_out() {
    for line in [
        "",
        "gwobs_x",
        "gwobs_x{",
        "gwobs_x{a=\"b} 1",
        "gwobs_x{a=\"b\\",
        "gwobs_x{a} 1",
        "{a=\"b\"} 1",
        "gwobs_x many",
        "<html>",
    ] {
        assert_eq!(samples(line).count(), 0, "{line}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in ".{0,200}") {
        let _ = samples(&text).count();
        let _ = samples(&format!("gwobs_x{{{text}")).count();
    }

    #[test]
    fn what_was_encoded_is_read_back(value in "[^\r\n]{0,40}", count: u32) {
        use prometheus_client::{encoding::text::encode, metrics::{counter::Counter, family::Family}, registry::Registry};
        let family = Family::<[(String, String); 1], Counter>::default();
        family.get_or_create(&[("name".to_owned(), value.clone())]).inc_by(u64::from(count));
        let mut registry = Registry::default();
        registry.register("x", "help", family);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let found: Vec<Sample> = samples(&text).collect();
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].label("name"), value);
        prop_assert_eq!(found[0].value, f64::from(count));
    }
}
