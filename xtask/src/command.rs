//! Running other programs: quietly with the output kept for the error, or with the terminal handed over.

use anyhow::{Context as _, Result, bail};
use std::process::{Command, Stdio};

/// Lines of a failed program's output that an error shows.
const SHOWN_LINES: usize = 20;

/// A command from its words.
pub fn command<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// Runs to the end without showing anything and returns standard output; the error carries the last lines of both.
pub fn quiet(command: &mut Command) -> Result<String> {
    let shown = line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let all = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    bail!(
        "`{shown}` failed ({}):\n{}",
        output.status,
        last_lines(&all, SHOWN_LINES)
    );
}

/// Runs to the end with the caller's own standard streams.
pub fn shown(command: &mut Command) -> Result<()> {
    let shown = line(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// The command as a person would type it, without quoting.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The last `count` lines of `text`, indented.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let start = lines.len().saturating_sub(count);
    lines
        .iter()
        .skip(start)
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a program of this name is on `PATH`.
pub fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
