//! The groups for people.

use std::fmt::Write;

use anstyle::{AnsiColor, Style as Ansi};

use super::merged::{Merged, Seen};
use crate::misroutes::Group;
use crate::output::{Style, printable};

const HEADING: Ansi = Ansi::new().bold();
const BAD: Ansi = AnsiColor::Red.on_default();
const FAINT: Ansi = Ansi::new().dimmed();

/// Two lines a group, and the sum.
pub(super) fn text(merged: &Merged, style: Style) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    if !merged.groups.is_empty() {
        let heading = format!(
            "{:<8}  {:>6}  {:<8}  {:<19}  {}",
            "ID", "COUNT", "LAST", "REASON", "GATEWAY, RULE THAT WAS DUE"
        );
        let _ = writeln!(text, "{}", style.paint(HEADING, &heading));
    }
    for seen in &merged.groups {
        text += &lines(seen, style);
    }
    let _ = writeln!(text, "{}", sum(merged));
    text
}

fn lines(seen: &Seen, style: Style) -> String {
    let group = &seen.group;
    let reason = style.paint(BAD, &format!("{:<19}", group.reason));
    format!(
        "{:<8}  {:>6}  {}  {reason}  {}\n{:28}{}\n{:28}{}\n",
        group.id,
        group.count,
        time_of_day(&group.last),
        printable(&place(group)),
        "",
        printable(&format!("due {}, went to {}", group.expected, group.observed)),
        "",
        style.paint(FAINT, &printable(&group.request)),
    )
}

/// Gateway and rule.
pub(super) fn place(group: &Group) -> String {
    let gateway = group.gateway.as_deref().unwrap_or("no Gateway");
    match &group.route {
        Some(route) => {
            let rule = route.rule_name.clone().unwrap_or_else(|| route.rule.to_string());
            format!(
                "{gateway}, {} {}/{} rule {rule}",
                route.kind, route.namespace, route.name
            )
        }
        None => format!("{gateway}, no rule matches"),
    }
}

/// `HH:MM:SS` of a time in RFC 3339.
pub(super) fn time_of_day(time: &str) -> &str {
    time.get(11..19).unwrap_or(time)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn sum(merged: &Merged) -> String {
    let agents = plural(merged.agents, "agent");
    let since = merged
        .since
        .as_deref()
        .map(|since| format!(" since {since}"))
        .unwrap_or_default();
    let coverage = match merged.judged {
        0 => "no request was to be judged yet".to_owned(),
        judged => {
            let share = merged.decided as f64 * 100.0 / judged as f64;
            format!("{share:.1} % of {judged} requests could be decided")
        }
    };
    let forgotten = match merged.forgotten {
        0 => String::new(),
        count => format!(
            "; {} forgotten, there were too many",
            plural(usize::try_from(count).unwrap_or(usize::MAX), "group")
        ),
    };
    match merged.groups.first() {
        None => format!("No misroute was seen by {agents}{since}; {coverage}."),
        Some(first) => format!(
            "{} misrouted in {}, seen by {agents}{since}; {coverage}{forgotten}.\nThe proof: gwobs misroutes show {}",
            plural(usize::try_from(merged.count()).unwrap_or(usize::MAX), "request"),
            plural(merged.groups.len(), "group"),
            first.group.id
        ),
    }
}

fn plural(count: usize, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}
