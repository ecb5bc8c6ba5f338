//! A shop's routes, and requests for all of them with what is due by the specs.

use super::rule::{Filter, Route, Rule, exact, prefix, route};
use super::traffic::{Body, Case, Dice, get, post};

/// The header that picks the wrong backend.
const MISROUTE: &str = "x-misroute";

/// Routes in an order in which the first match is the right one, so that data planes and the specs agree.
pub fn routes() -> Vec<Route> {
    vec![
        route(
            "shop",
            vec![
                exact("/exact").to("exact"),
                prefix("/api/v2").to("v2"),
                prefix("/api").method("DELETE").to("admin"),
                prefix("/api").header("x-env", "canary").to("canary"),
                prefix("/api").query("debug", "1").to("canary"),
                prefix("/api").to("v1"),
                prefix("/old").redirect(301, "new.example.com"),
                prefix("/shop").to("v1").filter(Filter::ReplacePrefix("/".to_owned())),
                prefix("/header")
                    .to("v2")
                    .filter(Filter::SetHeader("x-added".to_owned(), "yes".to_owned())),
                prefix("/split").split(&[("v1", 3), ("v2", 1)]),
            ],
        ),
        route("admin", vec![prefix("/").to("admin")]).host("admin.example.com"),
    ]
}

/// The wrong order: `/api` before `/api/v2` and before its own special cases.
pub fn wrong_order() -> Vec<Route> {
    changed(|rules| rules.swap(1, 5))
}

/// The canary gets everything that its header should have picked.
pub fn forgotten_headers() -> Vec<Route> {
    changed(|rules| {
        for condition in rules.iter_mut().flat_map(|rule| &mut rule.matches) {
            condition.headers.clear();
        }
    })
}

/// Requests with `x-misroute: yes` go to a backend that no rule gives them.
pub fn misrouted_by_header() -> Vec<Route> {
    let mut routes = routes();
    for route in &mut routes {
        let misroute = prefix("/").header(MISROUTE, "yes").to("stranger");
        route.rules.insert(0, misroute);
    }
    routes
}

/// One in so many of the cases, as chance has it, gets the header of [`misrouted_by_header`].
pub fn misroute_some(cases: &mut [Case], one_in: usize) {
    let mut dice = Dice::new();
    for case in cases.iter_mut().filter(|_| dice.roll(one_in) == 0) {
        case.request = case.request.clone().header(MISROUTE, "yes");
    }
}

fn changed(change: impl FnOnce(&mut Vec<Rule>)) -> Vec<Route> {
    let mut routes = routes();
    if let Some(shop) = routes.first_mut() {
        change(&mut shop.rules);
    }
    routes
}

/// Small requests for every route.
pub fn requests() -> Vec<Case> {
    let delete = |target| super::traffic::Request {
        method: "DELETE".to_owned(),
        ..get(target)
    };
    vec![
        get("/exact").due("exact"),
        get("/exact/not").due_status(404),
        get("/api/v2").due("v2"),
        get("/api/v2/items?x=1").due("v2"),
        get("/api/v2example").due("v1"),
        delete("/api/items").due("admin"),
        get("/api/items").header("x-env", "canary").due("canary"),
        get("/api/items").header("x-env", "Canary").due("v1"),
        get("/api/items?debug=1").due("canary"),
        get("/api/items?debug=2").due("v1"),
        get("/old/page").due_redirect(301, "http://new.example.com/old/page"),
        get("/shop/cart").due("v1"),
        get("/header").due("v2"),
        get("/split").due_any(&["v1", "v2"]),
        get("/api/items").host("admin.example.com").due("admin"),
        get("/").due_status(404),
    ]
}

/// Bodies and heads of all sizes, in both directions and all framings.
pub fn bulky_requests() -> Vec<Case> {
    vec![
        post("/api/v2", Body::Length(0)).due("v2"),
        post("/api/v2", Body::Length(1)).due("v2"),
        post("/api", Body::Length(5_000)).due("v1"),
        post("/api", Body::Length(70_000)).due("v1"),
        post("/api/v2", Body::Length(1 << 20)).due("v2"),
        post("/api/v2", Body::Chunked(0)).due("v2"),
        post("/api", Body::Chunked(70_000)).due("v1"),
        get("/api").padded(8 * 1024).due("v1"),
        get("/api/v2").padded(8 * 1024).due("v2"),
        post("/api", Body::Length(20_000)).padded(4 * 1024).due("v1"),
        get("/api").asking("length=0").due("v1"),
        get("/api").asking("length=1048576").due("v1"),
        get("/api/v2").asking("length=40000 pieces=5 pause-ms=1").due("v2"),
        get("/api/v2").asking("delay-ms=5").due("v2"),
        get("/api").asking("close").due("v1"),
        get("/exact").due("exact"),
    ]
}

/// Everything.
pub fn all_requests() -> Vec<Case> {
    [requests(), bulky_requests()].concat()
}
