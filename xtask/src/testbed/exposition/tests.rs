use super::*;

#[test]
fn labels_and_values_are_read_back() -> Result<()> {
    let text = "# TYPE a counter\na_total{x=\"1\",y=\"q\\\"\\\\\\n,}\"} 3\nb 0.5\nc_bucket{le=\"+Inf\"} 2\n# EOF\n";
    let all = samples(text)?;
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].label("y"), "q\"\\\n,}");
    assert_eq!((all[0].label("x"), all[0].value), ("1", 3.0));
    assert_eq!((all[1].name.as_str(), all[1].value), ("b", 0.5));
    assert_eq!(all[2].label("le"), "+Inf");
    Ok(())
}

#[test]
fn what_is_no_sample_is_refused() {
    for line in ["a", "a{x=\"1} 3", "a{x} 3", "a b"] {
        assert!(samples(line).is_err(), "{line}");
    }
}
