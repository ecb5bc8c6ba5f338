//! Many questions, one a line; one answer a line in the same order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use gwobs_route::Snapshot;

use super::{Answer, Question, decide, front};

#[cfg(test)]
mod tests;

/// Longest line: a request with the longest head that gateways take is far below.
const MAX_LINE: u64 = 1 << 20;

/// Answers the questions of a file, `-` for standard input.
pub(super) fn run(file: &Path, snapshot: &Snapshot, out: impl Write) -> anyhow::Result<()> {
    if file == Path::new("-") {
        // Whoever asks over a pipe may wait for the answer before the next question: no buffer but the line's own.
        return answer_all("standard input", io::stdin().lock(), snapshot, out);
    }
    let opened = File::open(file).with_context(|| file.display().to_string())?;
    answer_all(
        &file.display().to_string(),
        BufReader::new(opened),
        snapshot,
        BufWriter::new(out),
    )
}

fn answer_all(name: &str, mut lines: impl BufRead, snapshot: &Snapshot, mut out: impl Write) -> anyhow::Result<()> {
    let mut line = String::new();
    let mut number = 0;
    while read_line(&mut lines, &mut line).with_context(|| format!("{name}:{}", number + 1))? {
        number += 1;
        if !line.trim().is_empty() {
            answer(&line, snapshot, &mut out).with_context(|| format!("{name}:{number}"))?;
        }
    }
    out.flush()?;
    Ok(())
}

fn read_line(lines: &mut impl BufRead, line: &mut String) -> anyhow::Result<bool> {
    line.clear();
    let read = lines.take(MAX_LINE).read_line(line)?;
    if read as u64 == MAX_LINE && !line.ends_with('\n') {
        bail!("the line is longer than {MAX_LINE} bytes");
    }
    Ok(read > 0)
}

fn answer(line: &str, snapshot: &Snapshot, out: &mut impl Write) -> anyhow::Result<()> {
    let question = Question::parse(line)?;
    front::require(&question.arrival.front, snapshot)?;
    let (decision, considered) = decide(&question, snapshot);
    serde_json::to_writer(&mut *out, &Answer::new(&question, &decision, &considered, snapshot))?;
    writeln!(out)?;
    Ok(())
}
