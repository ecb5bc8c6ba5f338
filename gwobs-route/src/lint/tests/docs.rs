//! The table of codes in the documentation.

use crate::lint::Code;

const DOCS: &str = include_str!("../../../../docs/lint.md");

#[test]
fn the_table_in_the_documentation_is_complete_and_true() {
    let rows: Vec<_> = DOCS.lines().filter(|line| line.starts_with("| `")).collect();
    let cells = |row: &&str| -> Vec<String> { row.split('|').map(|cell| cell.trim().to_owned()).collect() };
    let told: Vec<_> = rows
        .iter()
        .map(cells)
        .map(|cells| (cells[1].clone(), cells[2].clone()))
        .collect();
    let true_ones: Vec<_> = Code::ALL
        .iter()
        .map(|code| (format!("`{code}`"), code.severity().to_string()))
        .collect();
    assert_eq!(told, true_ones);
    assert!(rows.iter().all(|row| cells(row)[3].len() > 10));
}
