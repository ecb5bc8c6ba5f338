//! The commands: what was typed becomes what is done, and an exit code.

use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::cli::{Cli, Command, LogFormat};

mod agents;
pub mod check;
pub mod explain;
pub mod lint;
mod logging;
pub mod misroutes;
pub mod observe;
pub mod replay;
mod specs;
pub mod status;
pub mod top;

/// How a command ended that did what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing wrong.
    Fine,
    /// It found misroutes or findings, and was asked to say so.
    Found,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// It was asked in a way that has no meaning.
    Usage(String),
    /// Something went wrong.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command that was typed. Exit codes: 0 done, nothing wrong; 1 failed; 2 usage; 3 done, and it found something.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let format = cli.global.log_format;
    logging::start(format);
    let ended = match cli.command {
        Command::Observe(args) => observe::run(*args, &cli.global),
        Command::Agent(args) => observe::agent(*args, &cli.global),
        Command::Explain(args) => explain::run(*args, &cli.global),
        Command::Status(args) => status::run(&args, &cli.global),
        Command::Check(args) => check::run(&args, &cli.global),
        Command::Misroutes(args) => misroutes::run(&args, &cli.global),
        Command::Lint(args) => lint::run(&args, &cli.global),
        Command::Replay(args) => replay::run(&args, &cli.global),
        Command::Top(args) => top::run(&args, &cli.global),
    };
    match ended {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(3),
        Err(Failure::Usage(message)) => usage(&message),
        Err(Failure::Failed(error)) => failed(&error, format),
    }
}

fn usage(message: &str) -> ExitCode {
    let error = Cli::command().error(ErrorKind::ArgumentConflict, message);
    // Nobody is left to be told if standard error is closed.
    let _ = error.print();
    ExitCode::from(2)
}

fn failed(error: &anyhow::Error, format: LogFormat) -> ExitCode {
    match format {
        LogFormat::Json => tracing::error!("{error:#}"),
        #[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
        LogFormat::Text => eprintln!("gwobs: {error:#}"),
    }
    ExitCode::FAILURE
}
