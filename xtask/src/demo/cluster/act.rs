//! One incident on the screen: what happens, every decision as it comes, what the metrics say of it.

use super::measured::lines;
use super::told::told;
use crate::demo::board::Board;
use crate::demo::follow;
use crate::demo::screen::Screen;
use crate::say::{self, Style, paint};
use crate::testbed::client::Exchange;
use crate::testbed::cluster::Cluster;
use crate::testbed::cluster::incidents::Incident;
use crate::testbed::gwobs::Gwobs;
use anyhow::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the table stays live after the last answer: the hold of mismatches, and a little more.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Brings an incident about and shows it; what the clients saw.
pub(super) fn show(number: usize, incident: Incident, cluster: &Cluster, agent: &mut Gwobs) -> Result<Vec<Exchange>> {
    let told = told(incident);
    say::heading(&format!("{number}  {}", told.title));
    told.story.iter().for_each(|line| say::line(&format!("   {line}")));
    say::line("");
    let exchanges = watch(incident, cluster, agent)?;
    say::line(&paint(Style::Dim, "\n    what Prometheus scrapes"));
    let text = cluster.metrics()?;
    lines(&text, told.measured)?
        .iter()
        .for_each(|line| say::line(&format!("    {line}")));
    Ok(exchanges)
}

fn watch(incident: Incident, cluster: &Cluster, agent: &mut Gwobs) -> Result<Vec<Exchange>> {
    let (mut board, mut screen) = (Board::default(), Screen::new());
    let finished = AtomicBool::new(false);
    let exchanges = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let exchanges = incident.bring_about(cluster);
            finished.store(true, Ordering::Relaxed);
            exchanges
        });
        follow(agent, &mut board, &mut screen, &finished, SETTLE)?;
        traffic.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    screen.draw(&board.lines(say::width()));
    Ok(exchanges)
}
