//! `gwobs misroutes`: for whoever is on call, from an alert to its proof.

mod answers;
mod follow;
mod merged;
mod show;
mod table;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde::Serialize;

use self::merged::Merged;
use super::agents::{Agents, AgentsArgs};
use super::{Failure, Outcome};
use crate::cli::{Global, Output};
use crate::output::Style;

const LONG_ABOUT: &str = "\
Lists what agents have seen go wrong, in groups: the same Gateway, rule, reason, expected and observed backend. `show ID` \
proves a group by a request: what the rules say, what happened, how to see it again and how to mend it.

Asks all agents of a cluster (through its API, by port-forward: that needs leave to list pods and to create \
pods/portforward), or those that --agent names. Agents answer to their own host alone.";

const EXAMPLES: &str = "\
Examples:
  gwobs misroutes
      Of the cluster that kubectl would use.
  gwobs misroutes show 3f9a12bc
      The proof of one group.
  gwobs misroutes --follow -o jsonl
      Whatever grows, as it grows.
  kubectl -n gwobs-system port-forward ds/gwobs 9095 & gwobs misroutes --agent http://127.0.0.1:9095
      One agent, without further rights.";

/// List what agents have seen go wrong, and prove it
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub struct MisroutesArgs {
    #[command(subcommand)]
    action: Option<Action>,

    #[command(flatten)]
    agents: AgentsArgs,

    /// Say what is new until interrupted
    #[arg(long)]
    follow: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prove a group: request, what the rules say, what happened, how to mend it
    Show {
        /// The group's id
        id: String,
    },
}

pub(super) fn run(args: &MisroutesArgs, global: &Global) -> Result<Outcome, Failure> {
    if args.follow && (args.action.is_some() || global.output == Some(Output::Json)) {
        let message = "--follow lists what is new, as table or jsonl";
        return Err(Failure::Usage(message.to_owned()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(answer(args, global.output.unwrap_or(Output::Table)))?;
    Ok(Outcome::Fine)
}

async fn answer(args: &MisroutesArgs, output: Output) -> anyhow::Result<()> {
    let agents = Agents::find(&args.agents).await?;
    let text = match &args.action {
        Some(Action::Show { id }) => {
            let proof = answers::proof(&agents, id).await?;
            match output {
                Output::Table => show::text(&proof),
                Output::Json => pretty(&proof)?,
                Output::Jsonl => lines(&[proof])?,
            }
        }
        None if args.follow => return follow::run(&agents, output).await,
        None => {
            let merged = Merged::of(answers::listings(&agents).await?);
            match output {
                Output::Table => table::text(&merged, Style::of_stdout()),
                Output::Json => pretty(&merged.groups)?,
                Output::Jsonl => lines(&merged.groups)?,
            }
        }
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn pretty<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}

fn lines<T: Serialize>(values: &[T]) -> Result<String, serde_json::Error> {
    let lines: Vec<String> = values.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    Ok(lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect())
}
