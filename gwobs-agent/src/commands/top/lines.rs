//! `-o jsonl`: a line for each rule, again and again.

use std::io::{self, Write};

use serde::Serialize;
use tokio::sync::mpsc::Receiver;

use super::board::{Board, Place, Row};

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    time: String,
    #[serde(flatten)]
    place: &'a Place,
    #[serde(flatten)]
    row: &'a Row,
    agents: usize,
    silent: &'a [String],
}

/// Writes lines until there is no more to tell, it is interrupted, or nobody reads them.
pub(super) async fn run(mut boards: Receiver<Board>) -> anyhow::Result<()> {
    loop {
        let board = tokio::select! {
            ended = tokio::signal::ctrl_c() => return Ok(ended?),
            board = boards.recv() => board,
        };
        let Some(board) = board else {
            return Ok(());
        };
        match tell(&board) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            told => told?,
        }
    }
}

fn tell(board: &Board) -> io::Result<()> {
    let time = jiff::Timestamp::now().to_string();
    let mut out = io::stdout().lock();
    for (place, row) in &board.rows {
        let line = Line {
            r#type: "rate",
            time: time.clone(),
            place,
            row,
            agents: board.agents,
            silent: &board.silent,
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
