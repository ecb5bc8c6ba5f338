//! `cargo xtask demo`: a real data plane that was given the wrong routes, real traffic, and gwobs that sees it.
//!
//! The demo checks what it shows: it fails unless gwobs named exactly the requests that the clients saw misrouted.

mod board;
pub mod cluster;
mod scenario;
mod screen;
mod story;

use crate::testbed::client::Exchange;
use crate::testbed::gwobs::decision::Decision;
use crate::testbed::gwobs::{Gwobs, Observed};
use crate::testbed::plane::{self, DataPlane};
use crate::testbed::rule::Route;
use crate::testbed::tls::Tls;
use crate::testbed::traffic::mixed;
use crate::testbed::{Plan, Testbed, truth};
use crate::{say, setup, test, workspace};
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

/// Runs the demo on the data plane of this name; inside TLS on both its sides, if `tls` is set.
pub fn run(plane: &str, tls: bool) -> Result<()> {
    let plane = plane::named(plane)?;
    say::heading(&format!(
        "gwobs demo: 200 OK from the wrong backend{}, in real {}",
        if tls { " inside TLS" } else { "" },
        plane.title()
    ));
    setup::ensure()?;
    say::step("gwobs is built", test::build_gwobs_quietly)?;
    let (specified, configured) = (scenario::specified(), scenario::configured());
    let plan = Plan {
        tls: if tls { Tls::BOTH } else { Tls::default() },
        ..Plan::wrong(plane, &configured, &specified)
    };
    let bed = say::step(&format!("{} runs with its backends", plane.title()), || {
        Testbed::start(&plan)
    })?;
    let command = bed.observe().arg("--fail-on-mismatch");
    let words = command.args().to_vec();
    let gwobs = say::step("gwobs has attached its probes", || command.start())?;
    introduce(plane, &specified, &configured);
    let (exchanges, observed) = watch(&bed, gwobs)?;
    conclude(&bed, &specified, &exchanges, &observed)?;
    say::heading("It ran");
    wrapped(&words, say::width()).iter().for_each(|line| say::line(line));
    Ok(())
}

/// The two tables side by side, before anything happens.
fn introduce(plane: &dyn DataPlane, specified: &[Route], configured: &[Route]) {
    say::heading(&format!(
        "What the HTTPRoute says              What {} was given: the first match wins",
        plane.title()
    ));
    for (index, (specified, configured)) in rules(specified).iter().zip(rules(configured)).enumerate() {
        let style = if *specified == configured {
            say::Style::Plain
        } else {
            say::Style::Red
        };
        say::line(&format!(
            "  {index}  {specified:<32}  {index}  {}",
            say::paint(style, &configured)
        ));
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
        follow(&mut gwobs, &mut board, &mut screen, &finished, SETTLE)?;
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
fn follow(
    gwobs: &mut Gwobs,
    board: &mut Board,
    screen: &mut Screen,
    finished: &AtomicBool,
    settle: Duration,
) -> Result<()> {
    let mut end: Option<Instant> = None;
    let mut drawn = Instant::now();
    while end.is_none_or(|end| Instant::now() < end) {
        // A controller's own calls to its API server carry no client's id.
        let next = gwobs.next_decision(REDRAW)?;
        next.filter(|decision| decision.id().is_some())
            .into_iter()
            .for_each(|decision| board.add(decision));
        if drawn.elapsed() >= REDRAW {
            screen.progress(&board.lines(say::width()));
            drawn = Instant::now();
        }
        if end.is_none() && finished.load(Ordering::Relaxed) {
            end = Some(Instant::now() + settle);
        }
    }
    Ok(())
}

fn drive(bed: &Testbed) -> Result<Vec<Exchange>> {
    let client = bed.client().concurrency(CLIENTS);
    let cases = mixed(&scenario::cases(), BURSTS * BURST);
    let mut exchanges = Vec::new();
    for burst in cases.chunks(BURST) {
        exchanges.extend(client.run(burst)?);
        std::thread::sleep(PAUSE);
    }
    Ok(exchanges)
}

/// Checks every claim against what the clients know, and tells one of them as a story.
fn conclude(bed: &Testbed, specified: &[Route], exchanges: &[Exchange], observed: &Observed) -> Result<()> {
    if let Some(misroute) = most_telling(&observed.decisions) {
        say::heading("One of them, in plain words");
        story::tell(misroute, specified, bed)?
            .iter()
            .for_each(|line| say::line(&format!("  {line}")));
    }
    say::heading("Is it true?");
    let comparison = truth::compare(exchanges, &observed.decisions);
    comparison.assert_exact().context("gwobs and the clients disagree")?;
    ensure!(
        comparison.misrouted > 0,
        "nothing was misrouted, so there was nothing to see"
    );
    let (wrong, all) = (comparison.misrouted, comparison.requests);
    say::done(
        "clients agree",
        &format!("{wrong} of {all} requests went wrong; gwobs named exactly those"),
    );
    if observed.exit != FOUND_MISROUTES {
        bail!(
            "gwobs observe --fail-on-mismatch ended with exit code {}, not {FOUND_MISROUTES}",
            observed.exit
        );
    }
    say::done(
        "for scripts",
        &format!("--fail-on-mismatch made gwobs end with exit code {FOUND_MISROUTES}"),
    );
    Ok(())
}

/// A misroute that another rule explains, else any.
fn most_telling(decisions: &[Decision]) -> Option<&Decision> {
    let mut mismatches = decisions
        .iter()
        .filter(|decision| decision.verdict() == "mismatch")
        .peekable();
    let any = mismatches.peek().copied();
    mismatches
        .find(|decision| decision.number("/observed_route/rule").is_some())
        .or(any)
}

/// The command line, broken before an option where the line would become too long.
fn wrapped(args: &[String], width: usize) -> Vec<String> {
    let mut lines = vec!["  gwobs".to_owned()];
    for option in options(args) {
        match lines.last_mut() {
            // One column for the space before it, two for a backslash after it.
            Some(line) if line.len() + option.len() + 3 <= width => line.push_str(&format!(" {option}")),
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("    {option}"));
            }
            None => {}
        }
    }
    lines
}

/// Each option with its value, files relative to the workspace.
fn options(args: &[String]) -> Vec<String> {
    let root = format!("{}/", workspace::root().display());
    let mut options: Vec<String> = Vec::new();
    for arg in args.iter().map(|arg| arg.strip_prefix(&root).unwrap_or(arg)) {
        match options
            .last_mut()
            .filter(|option| option.starts_with('-') && !arg.starts_with('-'))
        {
            Some(option) => option.push_str(&format!(" {arg}")),
            None => options.push(arg.to_owned()),
        }
    }
    options
}
