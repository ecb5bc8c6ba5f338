use super::*;

#[test]
fn conditions_read_as_a_person_would_write_them() {
    assert_eq!(prefix("/api").to_string(), "/api");
    let all = exact("/form")
        .method("POST")
        .header("x-env", "canary")
        .query("debug", "1");
    assert_eq!(all.to_string(), "POST = /form + x-env: canary + ?debug=1");
    assert_eq!(
        prefix("/").split(&[("v1", 9), ("v2", 1)]).action.to_string(),
        "v1 9, v2 1"
    );
    assert_eq!(
        prefix("/").redirect(301, "new.example.com").action.to_string(),
        "301 to new.example.com"
    );
}

#[test]
fn backends_include_mirrors_and_are_named_once() {
    let mirrored = prefix("/").to("v1").filter(Filter::Mirror("shadow".to_owned()));
    let routes = [route(
        "a",
        vec![mirrored, prefix("/b").to("v1"), prefix("/old").redirect(302, "x")],
    )];
    assert_eq!(backends(&routes).into_iter().collect::<Vec<_>>(), ["shadow", "v1"]);
}
