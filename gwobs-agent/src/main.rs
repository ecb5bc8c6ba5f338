//! The `gwobs` command.

use std::process::ExitCode;

use clap::Parser;
use gwobs_agent::cli::Cli;
use gwobs_agent::commands;

fn main() -> ExitCode {
    // Help, version and usage errors end here, before anything is touched: with codes 0 and 2.
    let cli = Cli::parse();
    commands::run(cli)
}
