//! Logs, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::LogFormat;

/// Environment variable that says what is logged, in the language of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "GWOBS_LOG";

/// Starts logging; once a process.
pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var(VARIABLE)
        .from_env_lossy();
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        LogFormat::Text => {
            let coloured =
                io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            logs.with_target(false).with_ansi(coloured).try_init()
        }
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}
