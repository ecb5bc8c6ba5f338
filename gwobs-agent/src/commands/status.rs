//! `gwobs status`: the conditions that each object must have, predicted from the specs, next to those it has.

mod row;
mod table;

pub use row::{Row, Side, Values};

use std::io::{self, BufWriter, Write};

use clap::Args;
use gwobs_route::status::predict;

use crate::cli::{Global, Output, SpecsArgs};
use crate::commands::{Failure, Outcome, specs};

const EXAMPLES: &str = "\
Examples:
  gwobs status --manifests routes.yaml
      What every Gateway, listener, ListenerSet, route and policy must have in its status.
  gwobs status --context production
      The same of a cluster, as your kubeconfig leads to it.
  kubectl get gateways,httproutes,services,secrets -A -o yaml > now.yaml; gwobs status --manifests now.yaml
      The same next to what the controller wrote; `!` marks what differs.";

/// Predict the conditions of each object, next to those it has
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// The specs.
    #[command(flatten)]
    specs: SpecsArgs,
}

/// Runs the command.
///
/// # Errors
///
/// If the specs cannot be read, or standard output is closed early.
pub fn run(args: &StatusArgs, global: &Global) -> Result<Outcome, Failure> {
    let source = specs::open(&args.specs, global)?;
    let statuses = predict(source.objects(), source.snapshot());
    let rows: Vec<Row<'_>> = statuses.iter().map(Row::new).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    match global.output.unwrap_or(Output::Table) {
        Output::Table => write!(out, "{}", table::Table(&rows))?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, &rows)?;
            writeln!(out)?;
        }
        Output::Jsonl => rows.iter().try_for_each(|row| write_line(&mut out, row))?,
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn write_line(out: &mut impl Write, row: &Row<'_>) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    writeln!(out)?;
    Ok(())
}

#[cfg(test)]
mod tests;
