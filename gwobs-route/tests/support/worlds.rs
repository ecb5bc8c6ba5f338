//! Large worlds of the kinds that a gateway meets: routes that differ by hostname, by prefix, or by one header.

use gwobs_route::model::*;

use super::*;

/// A Gateway's routes, and the requests that they get.
#[derive(Debug, Clone)]
pub struct World {
    pub gateway: Gateway,
    pub routes: Vec<Route>,
    pub requests: Vec<Sent>,
}

/// Requests that a benchmark goes through, spread over all routes.
const REQUESTS: usize = 64;

fn world(routes: Vec<Route>, request: impl Fn(usize) -> Sent) -> World {
    let step = (routes.len() / REQUESTS).max(1);
    let requests = (0..routes.len()).step_by(step).take(REQUESTS).map(request).collect();
    let gateway = gateway("gw", vec![listener("http", 80, Protocol::Http, None)]);
    World {
        gateway,
        routes,
        requests,
    }
}

fn numbered(count: usize, make: impl Fn(usize, Route) -> Route) -> Vec<Route> {
    (0..count)
        .map(|index| make(index, http(&format!("ns/r{index}"))))
        .collect()
}

/// One hostname a route, with two rules.
pub fn by_hostname(count: usize) -> World {
    let one = |index: usize, route: Route| {
        let rules = [
            rule(vec![prefix("/")], "app"),
            rule(vec![prefix("/api").method("POST")], "api"),
        ];
        rules
            .into_iter()
            .fold(route.host(&format!("h{index}.example.com")), RouteExt::rule)
    };
    world(numbered(count, one), |index| {
        get(&format!("h{index}.example.com"), "/api/v1/items?page=2")
    })
}

/// All routes share a hostname and differ by prefix.
pub fn by_prefix(count: usize) -> World {
    let one = |index: usize, route: Route| {
        route
            .host("one.example.com")
            .rule(rule(vec![prefix(&format!("/team{}/app{index}", index % 50))], "app"))
    };
    let request = |index: usize| get("one.example.com", &format!("/team{}/app{index}/v1/items", index % 50));
    world(numbered(count, one), request)
}

/// All routes share hostname and prefix and differ by the value of one header.
pub fn by_header(count: usize) -> World {
    let one = |index: usize, route: Route| {
        let one = prefix("/").header("x-tenant", &format!("t{index}"));
        route.host("one.example.com").rule(rule(vec![one], "app"))
    };
    let request = |index: usize| {
        get("one.example.com", "/")
            .header("accept", "*/*")
            .header("x-tenant", &format!("t{index}"))
    };
    world(numbered(count, one), request)
}

impl World {
    pub fn objects(&self) -> Vec<Object> {
        let routes = self.routes.iter().cloned().map(Object::Route);
        let backends = services(&["app", "api"]);
        routes
            .chain(backends)
            .chain([Object::Gateway(self.gateway.clone())])
            .collect()
    }
}
