//! What xtask tells a person: steps with their time, colours only in a terminal.
#![expect(clippy::print_stdout, reason = "the one place where xtask writes to the screen")]

use anyhow::Result;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Colours and weights used on the screen, as SGR parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As the terminal has it.
    Plain,
    /// Headings.
    Bold,
    /// Less important.
    Dim,
    /// Good.
    Green,
    /// Bad.
    Red,
    /// Doubtful.
    Yellow,
    /// Names.
    Cyan,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Green => "32",
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }
}

/// Whether standard output is a terminal that wants colours and movement (`NO_COLOR` switches them off).
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Columns of the terminal; 100 where there is none.
pub fn width() -> usize {
    // SAFETY: winsize is plain numbers, for which all zeros are valid.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: TIOCGWINSZ writes one winsize through the pointer, which is valid for the call.
    let asked = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if asked == 0 && size.ws_col > 0 {
        size.ws_col.into()
    } else {
        100
    }
}

/// `text` in a style when standard output is a terminal, else as it is.
pub fn paint(style: Style, text: &str) -> String {
    if style == Style::Plain || !is_terminal() {
        return text.to_owned();
    }
    format!("\x1b[{}m{text}\x1b[0m", style.code())
}

/// One line.
pub fn line(text: &str) {
    println!("{text}");
}

/// A heading with an empty line before it.
pub fn heading(text: &str) {
    println!("\n{}", paint(Style::Bold, text));
}

/// A step that has ended well.
pub fn done(text: &str, detail: &str) {
    println!("  {} {text}  {}", paint(Style::Green, "✓"), paint(Style::Dim, detail));
}

/// A step that has failed.
pub fn failed(text: &str, detail: &str) {
    println!("  {} {text}  {detail}", paint(Style::Red, "✗"));
}

/// Writes without a new line, at once.
pub fn raw(text: &str) {
    print!("{text}");
    // A closed screen is no reason to stop the work.
    let _ = std::io::stdout().flush();
}

/// Does `work` while the screen shows that it is being done, then how long it took.
pub fn step<T>(text: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let result = with_spinner(text, work);
    let took = seconds(start.elapsed());
    match &result {
        Ok(_) => done(text, &took),
        Err(_) => failed(text, &took),
    }
    result
}

/// A duration as a person reads it.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn with_spinner<T>(text: &str, work: impl FnOnce() -> T) -> T {
    if !is_terminal() {
        return work();
    }
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| spin(text, &running));
        let result = work();
        running.store(false, Ordering::Relaxed);
        result
    })
}

fn spin(text: &str, running: &AtomicBool) {
    let start = Instant::now();
    for frame in ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇"].iter().cycle() {
        if !running.load(Ordering::Relaxed) {
            break;
        }
        raw(&format!(
            "\r  {} {text}  {} s ",
            paint(Style::Cyan, frame),
            start.elapsed().as_secs()
        ));
        std::thread::sleep(Duration::from_millis(80));
    }
    raw("\r\x1b[2K");
}

/// Why the task failed, on standard error.
#[expect(clippy::print_stderr, reason = "the one place where xtask reports failure")]
pub fn error(text: &str) {
    eprintln!("{} {text}", paint(Style::Red, "error:"));
}
