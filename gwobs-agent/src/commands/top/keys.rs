//! The keyboard.

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::{Receiver, channel};

use super::screen::View;

#[cfg(test)]
mod tests;

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Order,
    Up,
    Down,
    Hold,
    /// The terminal has another size: it is drawn anew.
    Redraw,
}

/// Keys that wait to be acted on; who presses more is not waited for.
const WAITING: usize = 16;

/// Reads the keyboard on a thread of its own, for reading waits.
pub(super) fn keys() -> Receiver<Key> {
    let (sender, receiver) = channel(WAITING);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let sent = meaning(&event).map(|key| sender.blocking_send(key));
            if matches!(sent, Some(Err(_))) {
                return;
            }
        }
    });
    receiver
}

fn meaning(event: &Event) -> Option<Key> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key),
        Event::Resize(..) => Some(Key::Redraw),
        _ => None,
    }
}

/// In raw mode Ctrl-C is a key as any other.
fn of_key(key: &KeyEvent) -> Option<Key> {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Quit),
        KeyCode::Char('q') | KeyCode::Esc => Some(Key::Quit),
        KeyCode::Char('s') => Some(Key::Order),
        KeyCode::Char(' ') => Some(Key::Hold),
        KeyCode::Up | KeyCode::Char('k') => Some(Key::Up),
        KeyCode::Down | KeyCode::Char('j') => Some(Key::Down),
        _ => None,
    }
}

impl View {
    /// What is to be seen after a key, of so many rows; `None` if nothing more.
    pub(super) fn press(self, key: Key, rows: usize) -> Option<Self> {
        Some(match key {
            Key::Quit => return None,
            Key::Redraw => self,
            Key::Order => Self {
                order: self.order.next(),
                scrolled: 0,
                ..self
            },
            Key::Up => Self {
                scrolled: self.scrolled.saturating_sub(1),
                ..self
            },
            Key::Down => Self {
                scrolled: (self.scrolled + 1).min(rows.saturating_sub(1)),
                ..self
            },
            Key::Hold => Self {
                held: !self.held,
                ..self
            },
        })
    }
}
