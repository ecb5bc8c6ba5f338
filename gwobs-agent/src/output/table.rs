//! Lines for people: one a request, a mismatch with what was expected and what was observed, the numbers at the end.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::IsTerminal;

use anstyle::{AnsiColor, Style as Ansi};
use gwobs_http::RequestHead;
use gwobs_route::{Action, Decision, Inconclusive, Judgement, Mismatch, RouteRef, Verdict};

use super::report::{LostReport, Ready, Report};
use super::text::{decode, printable};
use super::{Redaction, WallClock};
use crate::finished::{Finished, Upstream};

mod ending;
#[cfg(test)]
mod tests;
mod weights;

/// Width of a request in a line; a longer one is cut.
const REQUEST_WIDTH: usize = 48;

/// Whether lines are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    Plain,
    /// With colours.
    Coloured,
}

impl Style {
    /// Colours on a terminal that takes them, unless `NO_COLOR` is set (no-color.org).
    #[must_use]
    pub fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if !refused && std::io::stdout().is_terminal() {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    /// Text in a style, if there are colours.
    pub(crate) fn paint(self, style: Ansi, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("{style}{text}{style:#}"),
        }
    }
}

/// Writes reports for people.
#[derive(Debug, Clone)]
pub struct Table {
    style: Style,
    redaction: Redaction,
}

const HEADING: Ansi = Ansi::new().bold();
const FAINT: Ansi = Ansi::new().dimmed();
const GOOD: Ansi = AnsiColor::Green.on_default();
const BAD: Ansi = AnsiColor::Red.on_default().bold();
const DOUBT: Ansi = AnsiColor::Yellow.on_default();

impl Table {
    /// Writes what `redaction` lets through.
    #[must_use]
    pub fn new(style: Style, redaction: Redaction) -> Self {
        Self { style, redaction }
    }

    /// The lines of a report.
    #[must_use]
    pub fn render(&self, report: &Report<'_>, clock: &WallClock) -> String {
        match report {
            Report::Ready(ready) => self.ready(ready),
            Report::Decision(finished) => self.decision(finished, clock),
            Report::WeightSkew(weighed) => weights::line(self, weighed, clock),
            Report::Lost(lost) => self.lost(lost, clock),
            Report::Summary(summary) => ending::summary(self, summary),
        }
    }

    fn ready(&self, ready: &Ready) -> String {
        let mut lines = String::new();
        for process in &ready.processes {
            let name = printable(&process.name);
            let _ = writeln!(
                lines,
                "watching {name} (pid {}, {})",
                process.pid,
                process.data_plane.as_str()
            );
        }
        let heading = format!(
            "{:<12}  {:<12}  {:>6}  {:<REQUEST_WIDTH$}  {}",
            "TIME", "VERDICT", "STATUS", "REQUEST", "UPSTREAM"
        );
        let _ = writeln!(lines, "{}", self.paint(HEADING, &heading));
        lines
    }

    fn decision(&self, finished: &Finished, clock: &WallClock) -> String {
        let verdict = finished.judgement.as_ref().map(|judgement| judgement.verdict);
        let (word, colour) = match verdict {
            None => ("-", FAINT),
            Some(Verdict::Match) => ("match", GOOD),
            Some(Verdict::Mismatch(_)) => ("MISMATCH", BAD),
            Some(Verdict::Inconclusive(_)) => ("inconclusive", DOUBT),
        };
        let status = finished
            .response
            .as_ref()
            .map_or_else(|| "-".into(), |response| response.head.status.to_string());
        let request = fit(&self.request(finished.request.as_ref()), REQUEST_WIDTH);
        let mut line = format!(
            "{}  {}  {status:>6}  {request}  {}",
            self.paint(FAINT, &clock.time_of_day(finished.ended)),
            self.paint(colour, &format!("{word:<12}")),
            self.outcome(finished, verdict),
        );
        line.push('\n');
        if let (Some(Verdict::Mismatch(reason)), Some(judgement)) = (verdict, &finished.judgement) {
            self.explain(&mut line, finished, reason, judgement);
        }
        line
    }

    /// The last column: who answered, and why a verdict is open.
    fn outcome(&self, finished: &Finished, verdict: Option<Verdict>) -> String {
        let answered = observed(finished);
        match verdict {
            Some(Verdict::Inconclusive(reason)) => format!("{answered}  {}", self.paint(DOUBT, reason_text(reason))),
            _ => answered,
        }
    }

    fn explain(&self, lines: &mut String, finished: &Finished, reason: Mismatch, judgement: &Judgement) {
        let also = judgement
            .also
            .iter()
            .map(|also| format!(", {also}"))
            .collect::<String>();
        let mut fact = |name: &str, value: &str| {
            let _ = writeln!(lines, "{:14}{} {value}", "", self.paint(FAINT, &format!("{name:<9}")));
        };
        fact("reason", &self.paint(BAD, &format!("{}{also}", reason.as_str())));
        if let Some(decision) = &finished.decision {
            fact("expected", &self.expected(decision));
        }
        fact("observed", &observed_by(finished, judgement));
        fact("request", &self.request(finished.request.as_ref()));
        let process = printable(&finished.process.name);
        fact(
            "process",
            &format!("{process} (pid {}), decision {}", finished.process.pid, finished.id),
        );
    }

    fn request(&self, head: Option<&RequestHead>) -> String {
        let Some(head) = head else {
            return "(not readable)".into();
        };
        let mut lossy = false;
        let method = decode(&head.method, &mut lossy);
        let authority = head
            .authority
            .as_ref()
            .map(|bytes| self.redaction.authority(decode(bytes, &mut lossy)));
        let path = head
            .path
            .as_ref()
            .map(|bytes| self.redaction.path(decode(bytes, &mut lossy)));
        let target = authority.unwrap_or_default() + path.unwrap_or_default();
        format!("{} {}", printable(&method), printable(&target))
    }

    fn expected(&self, decision: &Decision) -> String {
        let what = match &decision.action {
            Action::Forward { backends, .. } => {
                let names = backends
                    .iter()
                    .map(|choice| format!("{} (weight {})", choice.backend, choice.weight));
                names.collect::<Vec<_>>().join(" or ")
            }
            Action::Redirect(target) => {
                let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
                let path = self.redaction.path(Cow::Borrowed(&target.path));
                format!(
                    "redirect {} to {}://{}{port}{path}",
                    target.status, target.scheme, target.host
                )
            }
            Action::Reject => "the connection closed".to_owned(),
            Action::Respond { status, .. } => format!("status {status} from the gateway"),
        };
        let why = decision.route.as_ref().map_or_else(|| "no rule matches".into(), rule);
        format!("{what}  by {why}")
    }

    fn lost(&self, lost: &LostReport, clock: &WallClock) -> String {
        let counts: Vec<_> = lost
            .counts
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        let text = format!("not seen: {}", counts.join(", "));
        format!(
            "{}  {}\n",
            self.paint(FAINT, &clock.time_of_day(lost.time)),
            self.paint(DOUBT, &text)
        )
    }

    fn paint(&self, style: Ansi, text: &str) -> String {
        self.style.paint(style, text)
    }
}

/// What an open verdict means, in a few words; the public name is in JSONL and in the summary.
fn reason_text(reason: Inconclusive) -> &'static str {
    match reason {
        Inconclusive::Unpaired => "unpaired: several upstream calls may belong to it",
        Inconclusive::Truncated => "truncated: a head was too long to be read",
        Inconclusive::Encrypted => "encrypted: the bytes cannot be read",
        Inconclusive::LostEvents => "lost_events: something was missed",
        Inconclusive::JoinedMidstream => "joined_midstream: the connection was older than the probes",
        Inconclusive::Aborted => "aborted: client or gateway gave up",
        Inconclusive::GatewayReply => "gateway_reply: the gateway answered by itself",
        Inconclusive::UnsupportedProtocol => "unsupported_protocol: not HTTP",
        Inconclusive::ConfigInFlux => "config_in_flux: the specs were changing",
        Inconclusive::ImplementationDefined => "implementation_defined: the spec leaves it open",
        Inconclusive::UnsupportedSpec => "unsupported_spec: a spec uses what is not understood",
    }
}

/// Who answered.
fn observed(finished: &Finished) -> String {
    match finished.upstreams.last() {
        Some(upstream) => backend(upstream),
        None if finished.response.is_some() => "(the gateway itself)".into(),
        None => "(nobody)".into(),
    }
}

fn backend(upstream: &Upstream) -> String {
    match &upstream.backend {
        Some(backend) => format!("{backend} ({})", upstream.address),
        None => upstream.address.to_string(),
    }
}

fn observed_by(finished: &Finished, judgement: &Judgement) -> String {
    let by = judgement
        .observed_route
        .as_ref()
        .map(|route| format!("  as if by {}", rule(route)));
    observed(finished) + by.as_deref().unwrap_or_default()
}

fn rule(reference: &RouteRef) -> String {
    let name = reference
        .rule_name
        .as_ref()
        .map(|name| format!(" \"{name}\""))
        .unwrap_or_default();
    format!(
        "{} {} rule {}{name} match {}",
        reference.kind.as_str(),
        reference.route,
        reference.rule,
        reference.matched
    )
}

/// Text of exactly `width` characters: padded, or cut with an ellipsis.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:<width$}");
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
