//! Findings as text.

use std::fmt::Write as _;

use gwobs_route::lint::Severity;

use super::row::{Named, Row};
use crate::output::printable;

/// One JSON object a line.
pub(super) fn jsonl(rows: &[Row]) -> Result<String, serde_json::Error> {
    let mut lines = String::new();
    for row in rows {
        lines += &serde_json::to_string(row)?;
        lines.push('\n');
    }
    Ok(lines)
}

/// For people: findings under the objects that they are in, and the sum.
pub(super) fn table(rows: &[Row], objects: usize) -> String {
    let mut text = String::new();
    let mut last: Option<&Named> = None;
    for row in rows {
        if last != Some(&row.object) {
            let _ = writeln!(text, "{}", heading(row));
            last = Some(&row.object);
        }
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "  {:<7}  {:<20}  {}",
            row.severity,
            row.code,
            printable(&row.field)
        );
        let _ = writeln!(text, "           {}", printable(&row.why));
        let _ = writeln!(text, "           → {}\n", printable(&row.mend));
    }
    let _ = writeln!(text, "{}", sum(rows, objects));
    text
}

fn heading(row: &Row) -> String {
    let Named { kind, namespace, name } = &row.object;
    let place = row
        .place
        .as_ref()
        .map(|place| format!("  ({place})"))
        .unwrap_or_default();
    let object = match (&**kind, &**namespace) {
        ("", _) => "a document".to_owned(),
        (kind, "") => format!("{kind} {name}"),
        (kind, namespace) => format!("{kind} {namespace}/{name}"),
    };
    printable(&format!("{object}{place}")).into_owned()
}

fn sum(rows: &[Row], objects: usize) -> String {
    let count = |severity: Severity| rows.iter().filter(|row| row.severity == severity).count();
    let parts = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
        (count(Severity::Info), "hint"),
    ];
    let told: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|&(count, name)| plural(count, name))
        .collect();
    match told.is_empty() {
        true => format!("Nothing found in {}.", plural(objects, "object")),
        false => format!("{} in {}.", told.join(", "), plural(objects, "object")),
    }
}

fn plural(count: usize, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}
