//! Names that resemble one that was not found.

use std::collections::BTreeSet;

/// Names that are offered.
const OFFERED: usize = 5;

/// Changes that still make a typing error.
const TYPING_ERROR: usize = 2;

/// Names among `names` that contain `wanted`, are contained in it, or are a typing error away from it; each once.
pub(super) fn to<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let resembles = |name: &&str| {
        let name = name.to_lowercase();
        let contained = name.len() > 2 && (name.contains(&wanted) || wanted.contains(&name));
        contained || distance(&wanted, &name) <= TYPING_ERROR.min(wanted.len() / 2)
    };
    let found: BTreeSet<_> = names.filter(resembles).map(str::to_owned).collect();
    found.into_iter().take(OFFERED).collect()
}

/// The end of a message that offers names.
pub(super) fn hint(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("; running: {}", names.join(", "))
    }
}

/// Levenshtein's distance, by one row of its table at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((to, above), diagonal) in right.iter().zip(row.iter().skip(1)).zip(&row) {
            let before = next.last().copied().unwrap_or_default();
            let replaced = diagonal + usize::from(from != *to);
            next.push(replaced.min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
