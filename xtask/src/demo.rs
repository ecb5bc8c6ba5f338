//! `cargo xtask demo`: a real data plane that was given the wrong routes, real traffic, and gwobs that sees it.
//!
//! The demo checks what it shows: it fails unless gwobs named exactly the requests that the clients saw misrouted.

mod board;
mod scenario;
mod screen;
mod story;

use crate::testbed::client::{Client, Exchange};
use crate::testbed::gwobs::{Gwobs, Observed};
use crate::testbed::plane::{self, DataPlane};
use crate::testbed::rule::Route;
use crate::testbed::traffic::mixed;
use crate::testbed::{Plan, Testbed, truth};
use crate::{say, setup, test};
use anyhow::{Context as _, Result, bail, ensure};
use board::Board;
use screen::Screen;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bursts of requests that the clients send.
const BURSTS: usize = 40;
/// Requests in a burst.
const BURST: usize = 30;
/// Between bursts, so that one can watch: some 6 s of traffic.
const PAUSE: Duration = Duration::from_millis(120);
/// Clients at once.
const CLIENTS: usize = 8;
/// How often the table is drawn again.
const REDRAW: Duration = Duration::from_millis(100);
/// How long the table stays live after the last answer: the hold of mismatches, and a little more.
const SETTLE: Duration = Duration::from_millis(2_600);
/// The exit code of `--fail-on-mismatch` when there were some.
const FOUND_MISROUTES: i32 = 3;

/// Runs the demo on the data plane of this name.
pub fn run(plane: &str) -> Result<()> {
    let plane = plane::named(plane)?;
    say::heading(&format!(
        "gwobs demo: 200 OK from the wrong backend, in real {}",
        plane.title()
    ));
    setup::ensure()?;
    say::step("gwobs is built", test::build_gwobs_quietly)?;
    let (specified, configured) = (scenario::specified(), scenario::configured());
    let plan = Plan::wrong(plane, &configured, &specified);
    let bed = say::step(&format!("{} runs with its backends", plane.title()), || {
        Testbed::start(&plan)
    })?;
    let command = bed.observe().arg("--fail-on-mismatch");
    let words = command.args().join(" ");
    let gwobs = say::step("gwobs has attached its probes", || command.start())?;
    introduce(plane, &specified, &configured);
    let (exchanges, observed) = watch(&bed, gwobs)?;
    conclude(&bed, &specified, &exchanges, &observed, &words)
}

/// The two tables side by side, before anything happens.
fn introduce(plane: &dyn DataPlane, specified: &[Route], configured: &[Route]) {
    say::heading(&format!(
        "What the HTTPRoute says, and what {} was given, first match first",
        plane.title()
    ));
    let left = rules(specified);
    let right = rules(configured);
    for (index, specified) in left.iter().enumerate() {
        let configured = right.get(index).map_or("", String::as_str);
        say::line(&format!("  {index}  {specified:<38}{index}  {configured}"));
    }
}

fn rules(routes: &[Route]) -> Vec<String> {
    let rules = routes.iter().flat_map(|route| &route.rules);
    rules
        .flat_map(|rule| {
            rule.matches
                .iter()
                .map(move |condition| format!("{condition} → {}", rule.action))
        })
        .collect()
}

/// Drives traffic while the table shows every decision as it comes; then stops gwobs.
fn watch(bed: &Testbed, mut gwobs: Gwobs) -> Result<(Vec<Exchange>, Observed)> {
    say::heading("What gwobs sees on the sockets, judged against the HTTPRoute");
    let (mut board, mut screen) = (Board::default(), Screen::new());
    let finished = AtomicBool::new(false);
    let exchanges = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let exchanges = drive(bed);
            finished.store(true, Ordering::Relaxed);
            exchanges
        });
        follow(&mut gwobs, &mut board, &mut screen, &finished)?;
        traffic.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let seen = board.decisions();
    let observed = gwobs.stop()?;
    observed
        .decisions
        .iter()
        .skip(seen)
        .for_each(|decision| board.add(decision));
    screen.draw(&board.lines(say::width()));
    screen.keep();
    Ok((exchanges, observed))
}

/// Draws the table until the traffic has ended and mismatches are no longer held.
fn follow(gwobs: &mut Gwobs, board: &mut Board, screen: &mut Screen, finished: &AtomicBool) -> Result<()> {
    let mut end: Option<Instant> = None;
    let mut drawn = Instant::now();
    while end.is_none_or(|end| Instant::now() < end) {
        if let Some(decision) = gwobs.next_decision(REDRAW)? {
            board.add(decision);
        }
        if drawn.elapsed() >= REDRAW {
            screen.progress(&board.lines(say::width()));
            drawn = Instant::now();
        }
        if end.is_none() && finished.load(Ordering::Relaxed) {
            end = Some(Instant::now() + SETTLE);
        }
    }
    Ok(())
}

fn drive(bed: &Testbed) -> Result<Vec<Exchange>> {
    let client = Client::new(bed.address()).concurrency(CLIENTS);
    let cases = mixed(&scenario::cases(), BURSTS * BURST);
    let mut exchanges = Vec::new();
    for burst in cases.chunks(BURST) {
        exchanges.extend(client.run(burst)?);
        std::thread::sleep(PAUSE);
    }
    Ok(exchanges)
}

/// Checks every claim against what the clients know, and tells one of them as a story.
fn conclude(
    bed: &Testbed,
    specified: &[Route],
    exchanges: &[Exchange],
    observed: &Observed,
    words: &str,
) -> Result<()> {
    let comparison = truth::compare(exchanges, &observed.decisions);
    let misroute = observed
        .decisions
        .iter()
        .find(|decision| decision.verdict() == "mismatch");
    if let Some(misroute) = misroute {
        say::heading("One of them, in plain words");
        story::tell(misroute, specified, bed)?
            .iter()
            .for_each(|line| say::line(&format!("  {line}")));
    }
    say::heading("Is it true?");
    comparison.assert_exact().context("gwobs and the clients disagree")?;
    ensure!(
        comparison.misrouted > 0,
        "nothing was misrouted, so there was nothing to see"
    );
    say::done(
        "the clients know who answered:",
        &format!(
            "{} of {} requests went wrong; gwobs named each of them and no other",
            comparison.misrouted, comparison.requests
        ),
    );
    if observed.exit != FOUND_MISROUTES {
        bail!(
            "gwobs observe --fail-on-mismatch ended with exit code {}, not {FOUND_MISROUTES}",
            observed.exit
        );
    }
    say::done(
        "for scripts:",
        &format!("--fail-on-mismatch made gwobs end with exit code {FOUND_MISROUTES}"),
    );
    say::line(&say::paint(say::Style::Dim, &format!("\n  It ran: gwobs {words}\n")));
    Ok(())
}
