//! `--follow`: a line for each group that grows.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use super::answers::listings;
use super::merged::{Merged, Seen};
use super::table::{place, time_of_day};
use crate::cli::Output;
use crate::commands::agents::Agents;
use crate::output::printable;

/// How often agents are asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// Says what is new until interrupted, or until nobody reads it.
pub(super) async fn run(agents: &Agents, output: Output) -> anyhow::Result<()> {
    let mut known = BTreeMap::new();
    loop {
        let merged = Merged::of(listings(agents).await?);
        for (seen, more) in news(&mut known, &merged) {
            match tell(output, seen, more) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                told => told?,
            }
        }
        tokio::select! {
            ended = tokio::signal::ctrl_c() => return Ok(ended?),
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// The groups that have grown, the oldest first, and by how much. An agent that starts again counts anew.
pub(super) fn news<'a>(known: &mut BTreeMap<String, u64>, merged: &'a Merged) -> Vec<(&'a Seen, u64)> {
    let mut news = Vec::new();
    for seen in merged.groups.iter().rev() {
        let count = seen.group.count;
        let before = known
            .insert(seen.group.id.clone(), count)
            .filter(|before| *before <= count);
        let more = count - before.unwrap_or(0);
        if more > 0 {
            news.push((seen, more));
        }
    }
    news
}

fn tell(output: Output, seen: &Seen, more: u64) -> io::Result<()> {
    let group = &seen.group;
    let line = match output {
        Output::Jsonl | Output::Json => serde_json::to_string(seen)?,
        Output::Table => printable(&format!(
            "{}  {}  +{more:<5}  {:<19}  {}: due {}, went to {}",
            time_of_day(&group.last),
            group.id,
            group.reason,
            place(group),
            group.expected,
            group.observed
        ))
        .into_owned(),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
