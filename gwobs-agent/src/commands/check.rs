//! `gwobs check`: what this host lacks for watching, and what the API server does not permit.
//!
//! Looks without loading anything; then, if nothing is lacking, loads and attaches the probes for a moment, because
//! only the kernel's verifier has the last word.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use super::{Failure, Outcome};
use crate::cli::{ClusterArgs, Global, Output};

mod api;
mod host;
#[cfg(test)]
mod tests;
mod tls;

/// Options of `gwobs check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Also say where this process's TLS libraries can be read, and why that is believed (repeatable)
    #[arg(long = "pid", value_name = "PID")]
    pids: Vec<u32>,

    /// Also ask this cluster what it permits; without it that of the pod we are in, if it is one.
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// One thing that watching needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Need {
    /// What.
    need: String,
    /// Whether this host has it.
    ok: bool,
    /// What was found, or what to do.
    detail: String,
}

impl Need {
    fn new(need: impl Into<String>, found: Result<String, String>) -> Self {
        let (ok, detail) = match found {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        Self {
            need: need.into(),
            ok,
            detail,
        }
    }
}

pub(super) fn run(args: &CheckArgs, global: &Global) -> Result<Outcome, Failure> {
    let mut needs = host::needs();
    if needs.iter().all(|need| need.ok) {
        needs.push(host::attach()?);
    }
    needs.extend(tls::needs(&args.pids));
    needs.extend(api::needs(args.cluster.access())?);
    let text = match global.output.unwrap_or(Output::Table) {
        Output::Table => table(&needs),
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&needs)?),
        Output::Jsonl => jsonl(&needs)?,
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if needs.iter().all(|need| need.ok) {
        Outcome::Fine
    } else {
        Outcome::Found
    })
}

fn table(needs: &[Need]) -> String {
    let width = needs.iter().map(|need| need.need.len()).max().unwrap_or_default();
    let mut lines = String::new();
    for need in needs {
        let state = if need.ok { "ok     " } else { "LACKING" };
        let _ = writeln!(lines, "{state}  {:<width$}  {}", need.need, need.detail);
    }
    let lacking = needs.iter().filter(|need| !need.ok).count();
    let _ = match lacking {
        0 => writeln!(lines, "\nThis host has all that gwobs needs."),
        _ => writeln!(
            lines,
            "\ngwobs cannot work here: {lacking} of {} needs are lacking.",
            needs.len()
        ),
    };
    lines
}

fn jsonl(needs: &[Need]) -> Result<String, serde_json::Error> {
    let mut lines = String::new();
    for need in needs {
        lines += &serde_json::to_string(need)?;
        lines.push('\n');
    }
    Ok(lines)
}
