//! What `gwobs top` draws.

use std::cmp::Ordering;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row as TableRow, Table};

use super::board::{Board, Place, Row};
use crate::output::printable;

#[cfg(test)]
mod tests;

const KEYS: &str = "q quit · s order · ↑↓ scroll · space hold    the proof of a misroute: gwobs misroutes";

/// What rows are ordered by, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    /// Misroutes now, then since the agents started.
    #[default]
    Misroutes,
    /// Requests now.
    Requests,
    /// Undecided requests now.
    Undecided,
    /// Gateway, route and rule, from A to Z.
    Name,
}

impl Order {
    /// The one that comes next when the key is pressed.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Misroutes => Self::Requests,
            Self::Requests => Self::Undecided,
            Self::Undecided => Self::Name,
            Self::Name => Self::Misroutes,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Misroutes => "misroutes",
            Self::Requests => "requests",
            Self::Undecided => "undecided",
            Self::Name => "name",
        }
    }

    fn compare(self, one: &Row, other: &Row) -> Ordering {
        let by = |key: fn(&Row) -> f64| key(other).total_cmp(&key(one));
        match self {
            Self::Misroutes => by(|row| row.rates.mismatch)
                .then(by(|row| row.totals.mismatch))
                .then(by(|row| row.rates.all())),
            Self::Requests => by(|row| row.rates.all()).then(by(|row| row.totals.all())),
            Self::Undecided => by(|row| row.rates.inconclusive).then(by(|row| row.totals.inconclusive)),
            Self::Name => Ordering::Equal,
        }
    }
}

/// What the person at the keyboard chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct View {
    pub(super) order: Order,
    /// Rows above the first that is drawn.
    pub(super) scrolled: usize,
    /// The picture stands still.
    pub(super) held: bool,
}

/// The rows in the order of the view; equal ones by name.
pub(super) fn ordered(board: &Board, order: Order) -> Vec<(&Place, &Row)> {
    let mut rows: Vec<(&Place, &Row)> = board.rows.iter().collect();
    rows.sort_by(|(_, one), (_, other)| order.compare(one, other));
    rows
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Board, view: View) {
    let [head, warning, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(!board.silent.is_empty())),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(board, view), head);
    frame.render_widget(silence(board), warning);
    frame.render_widget(table(board, view), body);
    frame.render_widget(Line::from(KEYS).dim(), foot);
}

fn headline(board: &Board, view: View) -> Line<'static> {
    let rates = board.rates();
    let coverage = match rates.coverage() {
        Some(coverage) => format!("{:.1} % decided", coverage * 100.0),
        None => "no requests".to_owned(),
    };
    let held = if view.held { "   HELD" } else { "" };
    Line::from(vec![
        Span::from(format!("gwobs top   {}   ", agents(board.agents))).bold(),
        Span::from(format!("{} req/s   ", rate(rates.all()))),
        Span::styled(format!("{} misrouted/s", rate(rates.mismatch)), alarm(rates.mismatch)),
        Span::from(format!("   {coverage}   ")),
        Span::styled(format!("{} lost/s", rate(board.lost)), doubt(board.lost)),
        Span::from(format!("   by {}{held}", view.order.name())).dim(),
    ])
}

fn agents(count: usize) -> String {
    format!("{count} agent{}", if count == 1 { "" } else { "s" })
}

/// Who does not answer: what they see is missing from the picture.
fn silence(board: &Board) -> Line<'static> {
    Line::from(printable(&format!("no answer from {}", board.silent.join(", "))).into_owned()).red()
}

fn table(board: &Board, view: View) -> Table<'static> {
    let columns = [
        ("GATEWAY", Constraint::Fill(2)),
        ("ROUTE, RULE", Constraint::Fill(3)),
        ("REQ/S", Constraint::Length(9)),
        ("MISROUTED/S", Constraint::Length(11)),
        ("UNDECIDED", Constraint::Length(9)),
        ("MISROUTED", Constraint::Length(10)),
        ("WHY", Constraint::Fill(2)),
    ];
    let rows = ordered(board, view.order);
    let rows = rows
        .into_iter()
        .skip(view.scrolled)
        .map(|(place, row)| line(place, row));
    Table::new(rows, columns.map(|(_, width)| width)).header(TableRow::new(columns.map(|(name, _)| name)).bold())
}

fn line(place: &Place, row: &Row) -> TableRow<'static> {
    let undecided = row.rates.coverage().map(|coverage| 1.0 - coverage);
    let cells = [
        Cell::from(printable(&place.gateway).into_owned()),
        Cell::from(printable(&rule(place)).into_owned()),
        Cell::from(rate(row.rates.all())),
        Cell::from(rate(row.rates.mismatch)).style(alarm(row.rates.mismatch)),
        Cell::from(undecided.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0)))
            .style(doubt(undecided.unwrap_or_default())),
        Cell::from(format!("{:.0}", row.totals.mismatch)).style(alarm(row.totals.mismatch)),
        Cell::from(printable(&row.reason).into_owned()).dim(),
    ];
    TableRow::new(cells)
}

fn rule(place: &Place) -> String {
    match (place.route.as_str(), place.rule.as_str()) {
        ("", _) => "(no rule matches)".to_owned(),
        (route, "") => route.to_owned(),
        (route, rule) => format!("{route}, {rule}"),
    }
}

/// Something a second, with a digit behind the point where that says anything.
fn rate(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        rate if rate < 100.0 => format!("{rate:.1}"),
        rate => format!("{rate:.0}"),
    }
}

fn alarm(misroutes: f64) -> Style {
    coloured(misroutes, Color::Red)
}

fn doubt(undecided: f64) -> Style {
    coloured(undecided, Color::Yellow)
}

fn coloured(amount: f64, color: Color) -> Style {
    if amount > 0.0 {
        Style::new().fg(color).bold()
    } else {
        Style::new()
    }
}
