//! The picture on a terminal.

use anyhow::Context;
use ratatui::DefaultTerminal;
use tokio::sync::mpsc::Receiver;

use super::board::Board;
use super::keys::{Key, keys};
use super::screen::{View, draw};

/// Draws until somebody quits, or there is no more to draw. The terminal is as it was afterwards, whatever happens.
pub(super) async fn run(boards: Receiver<Board>) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init().context("the terminal cannot be drawn on")?;
    let ended = show(&mut terminal, boards).await;
    ratatui::restore();
    ended
}

async fn show(terminal: &mut DefaultTerminal, mut boards: Receiver<Board>) -> anyhow::Result<()> {
    let mut keys = keys();
    let mut board = Board::default();
    let mut view = View::default();
    loop {
        terminal.draw(|frame| draw(frame, &board, view))?;
        tokio::select! {
            key = keys.recv() => match view.press(key.unwrap_or(Key::Quit), board.rows.len()) {
                Some(changed) => view = changed,
                None => return Ok(()),
            },
            now = boards.recv() => match now {
                Some(now) if view.held => drop(now),
                Some(now) => board = now,
                None => return Ok(()),
            },
        }
    }
}
