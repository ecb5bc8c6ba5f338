//! Statuses for people: a line for each condition, marked where what is there differs from what must be.

use std::fmt;

use super::row::{Row, Values};

/// Shows rows.
pub(super) struct Table<'a>(pub(super) &'a [Row<'a>]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(
                f,
                "no Gateways and no Services with routes, and so no status to predict"
            );
        }
        self.0.iter().try_for_each(|row| one(f, row))
    }
}

fn one(f: &mut fmt::Formatter<'_>, row: &Row<'_>) -> fmt::Result {
    write!(f, "{} {}/{}", row.kind, row.namespace, row.name)?;
    if let (Some(kind), Some(parent)) = (row.parent_kind, &row.parent) {
        write!(f, " towards {kind} {parent}")?;
    }
    if let Some(section) = row.section {
        write!(f, " section {section}")?;
    }
    writeln!(f)?;
    let width = row.conditions.keys().map(|kind| kind.len()).max().unwrap_or(0);
    for (kind, values) in &row.conditions {
        condition(f, kind, width, values)?;
    }
    facts(f, row)
}

fn condition(f: &mut fmt::Formatter<'_>, kind: &str, width: usize, values: &Values<'_>) -> fmt::Result {
    let words = |[status, reason]: [&str; 2]| {
        if reason.is_empty() {
            status.to_owned()
        } else {
            format!("{status} ({reason})")
        }
    };
    let differs = matches!((values.expected, values.actual), (Some([due, _]), Some([there, _])) if due != there);
    let mark = if differs { '!' } else { ' ' };
    match (values.expected, values.actual) {
        (Some(due), None) => writeln!(f, "{mark} {kind:<width$}  {}", words(due)),
        (Some(due), Some(there)) => writeln!(f, "{mark} {kind:<width$}  {}, is {}", words(due), words(there)),
        (None, there) => writeln!(
            f,
            "{mark} {kind:<width$}  not predicted, is {}",
            there.map(words).unwrap_or_default()
        ),
    }
}

fn facts(f: &mut fmt::Formatter<'_>, row: &Row<'_>) -> fmt::Result {
    let counts = [
        ("attached routes", &row.attached_routes),
        ("attached ListenerSets", &row.attached_listener_sets),
    ];
    for (what, count) in counts
        .into_iter()
        .filter_map(|(what, side)| Some((what, side.as_ref()?)))
    {
        match count.actual {
            Some(actual) if actual != count.expected => writeln!(f, "! {what}: {}, are {actual}", count.expected)?,
            _ => writeln!(f, "  {what}: {}", count.expected)?,
        }
    }
    match &row.supported_kinds {
        Some(kinds) => writeln!(f, "  supported kinds: {}", kinds.expected.join(", ")),
        None => Ok(()),
    }
}
