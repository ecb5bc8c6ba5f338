//! The ordered rule table that both sides are rendered from.

use std::collections::BTreeSet;
use std::fmt;

/// An HTTPRoute, and to a data plane that knows no precedence: its rules in this very order.
#[derive(Debug, Clone)]
pub struct Route {
    /// Object name.
    pub name: String,
    /// Hostnames; empty means all.
    pub hostnames: Vec<String>,
    /// Rules in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Any of these.
    pub matches: Vec<Match>,
    /// Changes to the request on its way.
    pub filters: Vec<Filter>,
    /// What happens then.
    pub action: Action,
    /// Attempts after the first one, when the backend answers 503.
    pub retries: u32,
}

/// All of these conditions.
#[derive(Debug, Clone)]
pub struct Match {
    /// The path.
    pub path: Path,
    /// The method, if it matters.
    pub method: Option<String>,
    /// Headers with exact values.
    pub headers: Vec<(String, String)>,
    /// Query parameters with exact values.
    pub query: Vec<(String, String)>,
}

/// How a path matches.
#[derive(Debug, Clone)]
pub enum Path {
    /// Whole path elements.
    Prefix(String),
    /// The whole path.
    Exact(String),
    /// A regular expression for the whole path.
    Regex(String),
}

/// What is changed on the way to the backend.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Replace the matched prefix.
    ReplacePrefix(String),
    /// Replace the whole path.
    ReplacePath(String),
    /// Replace the Host.
    ReplaceHost(String),
    /// Set a header.
    SetHeader(String, String),
    /// Remove a header.
    RemoveHeader(String),
    /// Send a copy to this backend.
    Mirror(String),
}

/// What a rule does.
#[derive(Debug, Clone)]
pub enum Action {
    /// To backends by name and weight.
    Forward(Vec<(String, u32)>),
    /// A redirect to another host.
    Redirect {
        /// 301 or 302.
        status: u16,
        /// The new host.
        host: String,
    },
}

/// A route for all hosts.
pub fn route(name: &str, rules: Vec<Rule>) -> Route {
    Route {
        name: name.to_owned(),
        hostnames: Vec::new(),
        rules,
    }
}

/// A condition on a path prefix.
pub fn prefix(path: &str) -> Match {
    Match {
        path: Path::Prefix(path.to_owned()),
        method: None,
        headers: Vec::new(),
        query: Vec::new(),
    }
}

/// A condition on the whole path.
pub fn exact(path: &str) -> Match {
    Match {
        path: Path::Exact(path.to_owned()),
        ..prefix("/")
    }
}

impl Route {
    /// Only for this host; repeatable.
    pub fn host(mut self, hostname: &str) -> Self {
        self.hostnames.push(hostname.to_owned());
        self
    }
}

impl Match {
    /// And this header with this value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// And this query parameter with this value.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// And this method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Forwards to one backend.
    pub fn to(self, backend: &str) -> Rule {
        self.act(Action::Forward(vec![(backend.to_owned(), 1)]))
    }

    /// Forwards to several backends by weight.
    pub fn split(self, backends: &[(&str, u32)]) -> Rule {
        let backends = backends.iter().map(|(name, weight)| ((*name).to_owned(), *weight));
        self.act(Action::Forward(backends.collect()))
    }

    /// Redirects to another host.
    pub fn redirect(self, status: u16, host: &str) -> Rule {
        self.act(Action::Redirect {
            status,
            host: host.to_owned(),
        })
    }

    fn act(self, action: Action) -> Rule {
        Rule {
            matches: vec![self],
            filters: Vec::new(),
            action,
            retries: 0,
        }
    }
}

impl Rule {
    /// Or this match.
    pub fn or(mut self, other: Match) -> Self {
        self.matches.push(other);
        self
    }

    /// With this change to the request.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Tried again this many times.
    pub fn retry(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }
}

impl fmt::Display for Match {
    /// As short as a person would write it: `/api`, `= /exact`, `POST /form + x-env: canary`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.method {
            write!(f, "{method} ")?;
        }
        match &self.path {
            Path::Prefix(path) => write!(f, "{path}")?,
            Path::Exact(path) => write!(f, "= {path}")?,
            Path::Regex(regex) => write!(f, "~ {regex}")?,
        }
        self.headers
            .iter()
            .try_for_each(|(name, value)| write!(f, " + {name}: {value}"))?;
        self.query
            .iter()
            .try_for_each(|(name, value)| write!(f, " + ?{name}={value}"))
    }
}

impl fmt::Display for Action {
    /// `v1`, `v1 90, v2 10` or `301 to host`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(backends) => match backends.as_slice() {
                [(only, _)] => write!(f, "{only}"),
                several => {
                    let shares: Vec<String> = several
                        .iter()
                        .map(|(name, weight)| format!("{name} {weight}"))
                        .collect();
                    write!(f, "{}", shares.join(", "))
                }
            },
            Self::Redirect { status, host } => write!(f, "{status} to {host}"),
        }
    }
}

/// All backends that the routes name, mirrors too.
pub fn backends<'a>(routes: impl IntoIterator<Item = &'a Route>) -> BTreeSet<String> {
    let rules = routes.into_iter().flat_map(|route| &route.rules);
    rules
        .flat_map(|rule| forwarded(rule).into_iter().chain(mirrored(rule)))
        .collect()
}

fn forwarded(rule: &Rule) -> Vec<String> {
    match &rule.action {
        Action::Forward(backends) => backends.iter().map(|(name, _)| name.clone()).collect(),
        Action::Redirect { .. } => Vec::new(),
    }
}

fn mirrored(rule: &Rule) -> Vec<String> {
    let mirrors = rule.filters.iter().filter_map(|filter| match filter {
        Filter::Mirror(backend) => Some(backend.clone()),
        _ => None,
    });
    mirrors.collect()
}

#[cfg(test)]
mod tests;
