//! What a case expects, and where an answer departs from it.

use std::collections::BTreeMap;

use gwobs_agent::commands::explain::{Answer, Received};
use serde::Deserialize;

use crate::routing::Sent;

/// `expect`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) backend: Option<String>,
    pub(crate) backends: Option<BTreeMap<String, u32>>,
    pub(crate) status: Option<u16>,
    status_in: Option<Vec<u16>>,
    status_not: Option<Vec<u16>>,
    grpc_status: Option<u16>,
    grpc_status_not: Option<Vec<u16>>,
    redirect: Option<RedirectTo>,
    connection: Option<String>,
    /// What the client finally sees: no part of the decision, unless nothing else is stated.
    client_status: Option<u16>,
    #[expect(dead_code, reason = "what the client finally sees is no part of the decision")]
    client_status_in: Option<Vec<u16>>,
}

/// `expect.redirect`; null: not asserted, or the request's own.
#[derive(Debug, Deserialize)]
struct RedirectTo {
    status: u16,
    scheme: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    path: Option<String>,
}

/// Where the answer's action departs from what is expected.
pub(crate) fn faults_of(expected: &Expected, answer: &Answer<'_>, sent: Option<&Sent>) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(backend) = &expected.backend {
        faults.extend(unless(shares(answer).keys().eq([backend]), || {
            format!("backend: expected {backend}, answered {:?}", shares(answer))
        }));
    }
    if let Some(weights) = &expected.backends {
        let weights: BTreeMap<_, _> = weights.iter().filter(|(_, weight)| **weight > 0).collect();
        faults.extend(unless(proportional(&weights, &shares(answer)), || {
            format!("backends: expected {weights:?}, answered {:?}", shares(answer))
        }));
    }
    if let Some(redirect) = &expected.redirect {
        faults.extend(redirect.faults(answer, sent));
    }
    faults.extend(expected.reply_faults(answer));
    faults
}

/// The same in a mesh: of redirects only the status is stated, and a `client_status` alone means the Service itself.
pub(crate) fn mesh_faults_of(expected: &Expected, answer: &Answer<'_>, sent: Option<&Sent>) -> Vec<String> {
    if let Some(redirect) = &expected.redirect {
        let status = answer.redirect.as_ref().map(|answered| answered.status);
        let fault = unless(status == Some(redirect.status), || {
            format!("redirect status: {status:?} not {}", redirect.status)
        });
        return fault.into_iter().collect();
    }
    let unrouted = expected.client_status == Some(200) && expected.backend.is_none();
    if unrouted && (answer.action != "forward" || answer.route.is_some()) {
        return vec![format!("expected the Service itself, answered {}", answer.action)];
    }
    faults_of(expected, answer, sent)
}

impl Expected {
    fn reply_faults(&self, answer: &Answer<'_>) -> Vec<String> {
        let status = answer.status;
        let grpc = answer.grpc_status;
        let reply = answer.action == "respond";
        let checks = [
            self.status
                .map(|wanted| (reply && status == Some(wanted), format!("status {wanted}"))),
            self.status_in.as_ref().map(|wanted| {
                (
                    reply && status.is_some_and(|status| wanted.contains(&status)),
                    format!("status in {wanted:?}"),
                )
            }),
            self.status_not.as_ref().map(|not| {
                (
                    reply && status.is_some_and(|status| !not.contains(&status)),
                    format!("status not in {not:?}"),
                )
            }),
            self.grpc_status
                .map(|wanted| (reply && grpc == Some(wanted), format!("gRPC status {wanted}"))),
            self.grpc_status_not.as_ref().map(|not| {
                (
                    reply && grpc.is_some_and(|status| !not.contains(&status)),
                    format!("gRPC status not in {not:?}"),
                )
            }),
            self.connection.as_ref().map(|wanted| {
                (
                    wanted == "rejected" && answer.action == "reject",
                    format!("connection {wanted}"),
                )
            }),
        ];
        let failed = checks.into_iter().flatten().filter(|(holds, _)| !holds);
        failed
            .map(|(_, wanted)| format!("expected {wanted}, answered {} {status:?} gRPC {grpc:?}", answer.action))
            .collect()
    }
}

impl RedirectTo {
    fn faults(&self, answer: &Answer<'_>, sent: Option<&Sent>) -> Vec<String> {
        let Some(redirect) = &answer.redirect else {
            return vec![format!("expected a redirect, answered {}", answer.action)];
        };
        let well_known = |scheme: &str| if scheme == "https" { 443 } else { 80 };
        let host_of_request = sent
            .and_then(|sent| sent.host.as_deref())
            .map(|host| host.split(':').next().unwrap_or(host));
        let wanted_host = self.host.as_deref().or(host_of_request);
        let answered_port = redirect.port.filter(|port| *port != well_known(redirect.scheme));
        let wanted_port = self
            .port
            .filter(|port| *port != well_known(self.scheme.as_deref().unwrap_or(redirect.scheme)));
        let path = redirect.path.split('?').next();
        [
            unless(redirect.status == self.status, || {
                format!("redirect status: {} not {}", redirect.status, self.status)
            }),
            unless(self.scheme.as_deref().is_none_or(|s| s == redirect.scheme), || {
                format!("redirect scheme: {}", redirect.scheme)
            }),
            unless(wanted_host.is_none_or(|host| host == redirect.host), || {
                format!("redirect host: {}", redirect.host)
            }),
            unless(answered_port == wanted_port, || {
                format!("redirect port: {answered_port:?} not {wanted_port:?}")
            }),
            unless(self.path.is_none() || self.path.as_deref() == path, || {
                format!("redirect path: {path:?}")
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn unless(holds: bool, fault: impl FnOnce() -> String) -> Option<String> {
    (!holds).then(fault)
}

/// What gets requests: Services with their weights, invalid references as `invalid`.
fn shares(answer: &Answer<'_>) -> BTreeMap<String, u32> {
    let mut shares = BTreeMap::new();
    for backend in answer.backends.iter().filter(|backend| backend.weight > 0) {
        let service = backend
            .backend
            .rsplit_once(':')
            .map_or(&*backend.backend, |(service, _)| service);
        let name = if backend.invalid.is_some() { "invalid" } else { service };
        *shares.entry(name.to_owned()).or_default() += backend.weight;
    }
    shares
}

fn proportional(wanted: &BTreeMap<&String, &u32>, answered: &BTreeMap<String, u32>) -> bool {
    let (all, sum): (u32, u32) = (wanted.values().copied().sum(), answered.values().sum());
    wanted.keys().copied().eq(answered.keys())
        && wanted
            .iter()
            .all(|(name, weight)| answered.get(*name).is_some_and(|own| own * all == **weight * sum))
}

/// `forwarded`; without it the request must arrive unchanged.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forwarded {
    host: Option<String>,
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers_set: BTreeMap<String, String>,
    #[serde(default)]
    headers_absent: Vec<String>,
    tls_sni: Option<String>,
    #[expect(dead_code, reason = "a matter of the connection to the backend, not of routing")]
    tls_client_certificate: Option<String>,
    #[expect(dead_code, reason = "a matter of the connection to the backend, not of routing")]
    tls: Option<bool>,
    #[serde(skip)]
    headers_only: bool,
}

impl Forwarded {
    /// Without method, host and path, which the suite's client in a mesh does not compare.
    pub(crate) fn headers_alone(self) -> Self {
        Self {
            headers_only: true,
            ..self
        }
    }

    /// Where what the backend must receive departs from what the filters make of the request.
    pub(crate) fn faults(&self, sent: &Sent, answer: &Answer<'_>) -> Vec<String> {
        let first = answer.backends.iter().find(|backend| backend.weight > 0);
        let own = first.and_then(|backend| backend.forwarded.as_ref());
        match own.or(answer.forwarded.as_ref()) {
            Some(received) if self.headers_only => self.header_faults(sent, received),
            Some(received) => [self.target_faults(sent, received), self.header_faults(sent, received)].concat(),
            None => vec!["nothing is said of the forwarded request".to_owned()],
        }
    }

    fn target_faults(&self, sent: &Sent, received: &Received<'_>) -> Vec<String> {
        let host = self.host.as_deref().or(sent.host.as_deref());
        let method = self.method.as_deref().unwrap_or(&sent.method);
        let path = self.path.as_deref().or(sent.path.as_deref());
        let sni = self.tls_sni.as_deref();
        let faults = [
            unless(host.is_none() || received.authority == host, || {
                format!("forwarded host: {:?} not {host:?}", received.authority)
            }),
            unless(received.method == method, || {
                format!("forwarded method: {}", received.method)
            }),
            unless(path.is_none_or(|path| received.path == path), || {
                format!("forwarded path: {} not {path:?}", received.path)
            }),
            unless(sni.is_none() || sni == received.tls_sni, || {
                format!("server name towards the backend: {:?} not {sni:?}", received.tls_sni)
            }),
        ];
        faults.into_iter().flatten().collect()
    }

    fn header_faults(&self, sent: &Sent, received: &Received<'_>) -> Vec<String> {
        let mut headers = lower(&sent.headers);
        headers.retain(|name, _| !received.headers_removed.contains(&name.as_str()));
        let set = received.headers_set.iter();
        headers.extend(set.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let stated = !self.headers_set.is_empty() || !self.headers_absent.is_empty();
        let wanted = lower(if stated { &self.headers_set } else { &sent.headers });
        let wrong = wanted.iter().filter(|(name, value)| headers.get(*name) != Some(*value));
        let wrong = wrong.map(|(name, value)| {
            format!(
                "forwarded header {name}: expected {value:?}, answered {:?}",
                headers.get(name)
            )
        });
        let there = self
            .headers_absent
            .iter()
            .filter(|name| headers.contains_key(&name.to_ascii_lowercase()));
        wrong
            .chain(there.map(|name| format!("forwarded header {name} must be absent")))
            .collect()
    }
}

fn lower(headers: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

/// What the client must see in the response.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ResponseHeaders {
    #[serde(default)]
    backend_response_headers: BTreeMap<String, String>,
    #[serde(default)]
    response_headers_set: BTreeMap<String, String>,
    #[serde(default)]
    response_headers_one_of: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    response_headers_absent: Vec<String>,
    #[serde(default)]
    response_headers_ignore_whitespace: bool,
}

impl ResponseHeaders {
    pub(crate) fn faults(&self, answer: &Answer<'_>) -> Vec<String> {
        let seen = self.seen(answer);
        let plain = |value: &str| match self.response_headers_ignore_whitespace {
            true => value.replace(' ', ""),
            false => value.to_owned(),
        };
        let set = self
            .response_headers_set
            .iter()
            .map(|(name, value)| (name, vec![value.clone()]));
        let one_of = self
            .response_headers_one_of
            .iter()
            .map(|(name, values)| (name, values.clone()));
        let mut faults = Vec::new();
        for (name, wanted) in set.chain(one_of) {
            let value = seen.get(&name.to_ascii_lowercase());
            let holds = value.is_some_and(|value| wanted.iter().any(|wanted| plain(wanted) == plain(value)));
            faults.extend(unless(holds, || {
                format!("response header {name}: expected {wanted:?}, answered {value:?}")
            }));
        }
        let there = self
            .response_headers_absent
            .iter()
            .filter(|name| seen.contains_key(&name.to_ascii_lowercase()));
        faults.extend(there.map(|name| format!("response header {name} must be absent")));
        faults
    }

    /// What the gateway makes of the backend's response.
    fn seen(&self, answer: &Answer<'_>) -> BTreeMap<String, String> {
        let mut seen = lower(&self.backend_response_headers);
        for (name, value) in &answer.response_headers {
            seen.insert((*name).to_owned(), (*value).to_owned());
        }
        for (name, value) in &answer.response_headers_added {
            seen.entry((*name).to_owned())
                .and_modify(|own| *own = format!("{own},{value}"))
                .or_insert_with(|| (*value).to_owned());
        }
        seen.retain(|name, _| !answer.response_headers_removed.contains(&name.as_str()));
        seen
    }
}
