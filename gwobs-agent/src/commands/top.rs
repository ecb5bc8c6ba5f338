//! `gwobs top`: the rates and verdicts of every rule, live.

mod board;
mod exposition;
mod keys;
mod lines;
mod live;
mod screen;

use std::io::{IsTerminal, stdout};
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::board::{Board, Memory};
use self::exposition::{Sample, samples};
use super::agents::{Agents, AgentsArgs, Answer};
use super::{Failure, Outcome};
use crate::cli::{Global, Output, seconds};

const LONG_ABOUT: &str = "\
Shows what gateways do with requests right now: for every rule how many a second, how many of them went wrong or could not \
be decided, and why. The rates are those of the metrics, added up over all agents.

Asks all agents of a cluster (through its API, by port-forward: that needs leave to list pods and to create \
pods/portforward), or those that --agent names; `gwobs observe --metrics-addr` is one too. In a terminal q quits, s changes \
the order, arrows scroll and the space bar holds the picture.";

const EXAMPLES: &str = "\
Examples:
  gwobs top
      Of the cluster that kubectl would use.
  gwobs top --agent http://127.0.0.1:9464
      Of `gwobs observe --metrics-addr 127.0.0.1:9464`.
  gwobs top -o jsonl --count 1
      A line for each rule, once, for scripts.";

/// Show rates and verdicts of every rule, live
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub struct TopArgs {
    #[command(flatten)]
    agents: AgentsArgs,

    /// How often agents are asked; at least 0.2
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    interval: Duration,

    /// End after so many pictures
    #[arg(long, value_name = "N")]
    count: Option<NonZeroU64>,
}

/// Agents are not asked more often: they have other work.
const SHORTEST: Duration = Duration::from_millis(200);

pub(super) fn run(args: &TopArgs, global: &Global) -> Result<Outcome, Failure> {
    let lines = match global.output {
        Some(Output::Jsonl) => true,
        Some(Output::Json) => return usage("top is live: -o jsonl writes a line for each rule, again and again"),
        Some(Output::Table) | None => false,
    };
    if !lines && !stdout().is_terminal() {
        return usage("top draws on a terminal, and standard output is none: -o jsonl writes lines");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(async {
        let boards = watch(Source::find(args).await?, args);
        match lines {
            true => lines::run(boards).await,
            false => live::run(boards).await,
        }
    }))?;
    Ok(Outcome::Fine)
}

fn usage(message: &str) -> Result<Outcome, Failure> {
    Err(Failure::Usage(message.to_owned()))
}

/// What happens, interval after interval; ends when it was often enough.
fn watch(mut source: Source, args: &TopArgs) -> Receiver<Board> {
    let interval = args.interval.max(SHORTEST);
    let mut left = args.count.map(u64::from);
    let (sender, receiver) = channel(1);
    spawn_local(async move {
        let mut ticks = interval_at(source.asked + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while left != Some(0) {
            ticks.tick().await;
            let board = source.ask().await;
            if sender.send(board).await.is_err() {
                return;
            }
            left = left.map(|left| left - 1);
        }
    });
    receiver
}

/// Where the numbers come from.
struct Source {
    agents: Agents,
    memory: Memory,
    asked: Instant,
}

impl Source {
    /// Asks for the first time, for rates are differences.
    async fn find(args: &TopArgs) -> anyhow::Result<Self> {
        let mut source = Self {
            agents: Agents::find(&args.agents).await?,
            memory: Memory::default(),
            asked: Instant::now(),
        };
        let first = source.ask().await;
        ensure!(first.agents > 0, "no agent answered, of {}", first.silent.join(", "));
        Ok(source)
    }

    /// What has happened since the last time.
    async fn ask(&mut self) -> Board {
        let answers = self.agents.ask("/metrics").await;
        let now = Instant::now();
        let elapsed = now - std::mem::replace(&mut self.asked, now);
        let understood: Vec<_> = answers
            .into_iter()
            .map(|(name, answer)| {
                let samples = understood(&name, answer);
                (name, samples)
            })
            .collect();
        self.memory.compare(&understood, elapsed)
    }
}

fn understood(name: &str, answer: Answer) -> Option<Vec<Sample>> {
    match answer {
        Ok(Some(body)) => Some(samples(&String::from_utf8_lossy(&body)).collect()),
        Ok(None) => None,
        Err(error) => {
            tracing::debug!("agent {name} did not answer: {error:#}");
            None
        }
    }
}
