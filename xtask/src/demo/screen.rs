//! Lines that are drawn again in place on a terminal, and now and then as plain text elsewhere.

use crate::say;
use std::time::{Duration, Instant};

/// Where nothing can be drawn in place, one line of progress in this time is enough.
const PLAIN: Duration = Duration::from_secs(2);

/// The part of the screen below the last fixed line.
pub(super) struct Screen {
    drawn: usize,
    said: Instant,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            drawn: 0,
            said: Instant::now(),
        }
    }

    /// Shows that things move: the whole table on a terminal, else its first line every other second.
    pub(super) fn progress(&mut self, lines: &[String]) {
        if say::is_terminal() {
            self.draw(lines);
        } else if self.said.elapsed() >= PLAIN {
            self.said = Instant::now();
            lines.first().into_iter().for_each(|line| say::line(line));
        }
    }

    /// Draws the lines over those drawn before.
    pub(super) fn draw(&mut self, lines: &[String]) {
        let up = if say::is_terminal() && self.drawn > 0 {
            format!("\x1b[{}A", self.drawn)
        } else {
            String::new()
        };
        let clear = if say::is_terminal() { "\x1b[2K" } else { "" };
        let text: String = lines.iter().map(|line| format!("{clear}{line}\n")).collect();
        say::raw(&format!("{up}{text}"));
        self.drawn = lines.len();
    }

    /// Leaves what is drawn where it is; the next drawing goes below.
    pub(super) fn keep(&mut self) {
        self.drawn = 0;
    }
}
