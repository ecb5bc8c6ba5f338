//! The answer for people: what must happen, what the backend receives, and why each other rule lost.

use std::fmt;

use gwobs_route::Front;

use super::answer::{Answer, Backend, Candidate, Received};
use super::question::Question;

#[cfg(test)]
mod tests;

/// Shows an answer.
pub(super) struct Trace<'a> {
    /// What was asked.
    pub(super) question: &'a Question,
    /// What was answered.
    pub(super) answer: &'a Answer<'a>,
}

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asked(f)?;
        self.outcome(f)?;
        self.backends(f)?;
        self.received(f)?;
        self.response(f)?;
        self.considered(f)?;
        self.caveats(f)
    }
}

impl Trace<'_> {
    fn asked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question {
            arrival,
            method,
            host,
            path,
            sni,
            headers,
            ..
        } = self.question;
        writeln!(f, "{method} {}{path}", host.as_deref().unwrap_or(""))?;
        headers
            .iter()
            .try_for_each(|(name, value)| writeln!(f, "  {name}: {value}"))?;
        let sni = sni
            .as_ref()
            .map(|sni| format!(", server name {sni}"))
            .unwrap_or_default();
        let port = arrival.port;
        match &arrival.front {
            Front::Gateway(gateway) => {
                let listener = self.answer.listener.unwrap_or("none");
                writeln!(f, "at Gateway {gateway}, port {port}{sni}, listener {listener}\n")
            }
            Front::Service { service, client } => {
                writeln!(
                    f,
                    "to Service {service}, port {port}{sni}, from a client in namespace {client}\n"
                )
            }
        }
    }

    fn outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = self.answer;
        match answer.action {
            "forward" => write!(f, "must be forwarded")?,
            "redirect" => write!(f, "must be redirected{}", location(answer))?,
            "respond" => write!(
                f,
                "must be answered by the gateway itself with status {}",
                status(answer)
            )?,
            _ => write!(f, "the connection must be refused")?,
        }
        match answer.considered.iter().find(|candidate| candidate.lost_by.is_none()) {
            Some(winner) => writeln!(f, ", by {}", named(winner)),
            None if answer.route.is_some() => writeln!(f),
            None if answer.action == "forward" => writeln!(f, " to the Service itself: no route applies"),
            None => writeln!(f, ": no rule matches"),
        }
    }

    fn backends(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: u32 = self.answer.backends.iter().map(|backend| backend.weight).sum();
        let width = self
            .answer
            .backends
            .iter()
            .map(|backend| backend.backend.len())
            .max()
            .unwrap_or(0);
        for backend in &self.answer.backends {
            let share = f64::from(backend.weight) * 100.0 / f64::from(all.max(1));
            let remark = remark(backend);
            writeln!(
                f,
                "  to {:<width$}  weight {} ({share:.1} %){remark}",
                backend.backend, backend.weight
            )?;
        }
        for mirror in &self.answer.mirrors {
            writeln!(f, "  a copy to {} ({:.1} %)", mirror.backend, mirror.percent)?;
        }
        Ok(())
    }

    fn received(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(received) = &self.answer.forwarded {
            self.one_received(f, "the backend receives", received)?;
        }
        for backend in &self.answer.backends {
            if let Some(own) = &backend.forwarded {
                self.one_received(f, &format!("{} receives", backend.backend), own)?;
            }
        }
        Ok(())
    }

    fn one_received(&self, f: &mut fmt::Formatter<'_>, who: &str, received: &Received<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{who}\n  {} {}{}",
            received.method,
            received.authority.unwrap_or(""),
            received.path
        )?;
        received
            .headers_set
            .iter()
            .try_for_each(|(name, value)| writeln!(f, "  {name}: {value}  (set)"))?;
        received
            .headers_removed
            .iter()
            .try_for_each(|name| writeln!(f, "  {name}  (removed)"))?;
        received
            .tls_sni
            .iter()
            .try_for_each(|name| writeln!(f, "  over TLS with server name {name}"))
    }

    fn response(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = self.answer;
        let set = answer
            .response_headers
            .iter()
            .map(|(name, value)| format!("  {name}: {value}  (set)"));
        let added = answer
            .response_headers_added
            .iter()
            .map(|(name, value)| format!("  {name}: {value}  (added)"));
        let removed = answer
            .response_headers_removed
            .iter()
            .map(|name| format!("  {name}  (removed)"));
        let lines: Vec<String> = set.chain(added).chain(removed).collect();
        if !lines.is_empty() {
            writeln!(f, "\nin the response\n{}", lines.join("\n"))?;
        }
        Ok(())
    }

    fn considered(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.answer.considered.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nwhat came into question")?;
        let width = self
            .answer
            .considered
            .iter()
            .map(|one| named(one).chars().count())
            .max()
            .unwrap_or(0);
        for candidate in &self.answer.considered {
            let (mark, why) = match candidate.lost_by {
                None => ("✔", "wins".to_owned()),
                Some(reason) => ("✘", why(reason)),
            };
            writeln!(f, "  {mark} {:<width$}  {why}", named(candidate))?;
        }
        Ok(())
    }

    fn caveats(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for caveat in &self.answer.caveats {
            let words = match *caveat {
                "implementation_defined" => {
                    "the spec leaves a part of this to the implementation; --profile may settle it"
                }
                "unsupported_spec" => "the specs use something that is not understood here",
                other => other,
            };
            writeln!(f, "\nnote: {words}")?;
        }
        Ok(())
    }
}

fn location(answer: &Answer<'_>) -> String {
    let Some(to) = &answer.redirect else {
        return String::new();
    };
    let port = to.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!(
        " with status {} to {}://{}{port}{}",
        to.status, to.scheme, to.host, to.path
    )
}

fn status(answer: &Answer<'_>) -> String {
    let status = answer.status.map(|status| status.to_string()).unwrap_or_default();
    let grpc = answer
        .grpc_status
        .map(|status| format!(" (gRPC status {status})"))
        .unwrap_or_default();
    format!("{status}{grpc}")
}

fn remark(backend: &Backend<'_>) -> String {
    match (backend.invalid, backend.endpoints, &backend.redirect) {
        (Some(invalid), _, _) => format!(": invalid ({invalid}), its share is answered with 500"),
        (None, Some("none_ready"), _) => ": no endpoint is ready".to_owned(),
        (None, _, Some(to)) => format!(": redirected to {}://{}{}", to.scheme, to.host, to.path),
        _ => String::new(),
    }
}

fn named(candidate: &Candidate<'_>) -> String {
    let name = candidate.rule_name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!(
        "{} {} rule {}{name} match {}",
        candidate.kind, candidate.route, candidate.rule, candidate.r#match
    )
}

/// The engine's short reason in words.
pub(crate) fn why(reason: &str) -> String {
    match reason.split_once(':') {
        None if reason == "hostname" => "its hostname is another, or a less specific one".to_owned(),
        None => format!("the {reason} does not match"),
        Some(("outranked", line)) => format!("matches too, but ranks lower by {line}"),
        Some((part, name)) => format!("the {part} `{name}` does not match"),
    }
}
