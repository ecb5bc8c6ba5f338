//! When to ask: each certificate once in a while, a few at a time, at no fixed moment.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gwobs_route::model::Certificate;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::due::{Due, Target};
use super::handshake::look;
use super::standing::{Failure, Problem, Sight, Standing};
use super::{Certificates, Known};

/// Certificates that are asked for, at most: each takes about 2 KiB, and a handshake every interval.
const MAX_TARGETS: usize = 512;
/// Handshakes at a time.
const CONCURRENT: usize = 4;
/// Least time between the beginnings of two handshakes: 20 a second trouble no gateway.
const SPACING: Duration = Duration::from_millis(50);
/// The first handshakes after something changed are spread over this time, or over the interval if that is shorter.
const FIRST: Duration = Duration::from_secs(2);
/// Least time between two handshakes for one certificate.
const AT_LEAST: Duration = Duration::from_secs(1);
/// As good as never.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How often each certificate is looked at; a tenth more or less, so that nodes do not march in step.
    pub interval: Duration,
    /// How long something may be so before it is wrong.
    pub grace: Duration,
}

/// Looks at what is due, for ever, and tells what it finds. Ends when nobody says any more what is due.
pub async fn probe(settings: Settings, mut due: Receiver<Vec<Due>>, out: Arc<ArcSwap<Certificates>>) {
    let mut prober = Prober::new(settings, out);
    let mut looking = JoinSet::new();
    loop {
        let next = prober.next(looking.len());
        tokio::select! {
            changed = due.changed() => {
                if changed.is_err() {
                    return;
                }
                let due = due.borrow_and_update().clone();
                prober.expect(due, now());
            }
            Some(looked) = looking.join_next() => {
                // One that panicked or was aborted tells nothing.
                if let Ok((target, sight)) = looked {
                    prober.see(&target, &sight, now());
                }
            }
            () = sleep_until(next) => {
                if let Some((target, server_name)) = prober.begin() {
                    looking.spawn(async move {
                        let sight = look(target.address, server_name.as_deref()).await;
                        (target, sight)
                    });
                }
            }
        }
    }
}

struct Prober {
    settings: Settings,
    entries: BTreeMap<Target, Entry>,
    outcomes: BTreeMap<&'static str, u64>,
    beyond: usize,
    /// No handshake begins before.
    spaced: Instant,
    out: Arc<ArcSwap<Certificates>>,
}

struct Entry {
    due: Due,
    standing: Standing,
    next: Instant,
    looking: bool,
}

impl Prober {
    fn new(settings: Settings, out: Arc<ArcSwap<Certificates>>) -> Self {
        Self {
            settings,
            entries: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            beyond: 0,
            spaced: Instant::now(),
            out,
        }
    }

    /// This is due from now on, and nothing else.
    fn expect(&mut self, mut due: Vec<Due>, now: i64) {
        self.beyond = due.len().saturating_sub(MAX_TARGETS);
        if self.beyond > 0 {
            tracing::warn!("{} certificates are due here, {MAX_TARGETS} are looked at", due.len());
            due.truncate(MAX_TARGETS);
        }
        let mut before = std::mem::take(&mut self.entries);
        for due in due {
            let entry = match before.remove(&due.target) {
                Some(entry) => self.expect_anew(entry, due, now),
                None => self.entry(due),
            };
            self.entries.insert(entry.due.target.clone(), entry);
        }
        self.publish();
    }

    fn entry(&self, due: Due) -> Entry {
        Entry {
            due,
            standing: Standing::default(),
            next: Instant::now() + FIRST.min(self.settings.interval).mul_f64(random()),
            looking: false,
        }
    }

    fn expect_anew(&self, mut entry: Entry, due: Due, now: i64) -> Entry {
        if entry.due != due {
            entry.due = due;
            entry.standing.expect(&entry.due, now);
            entry.next = entry.next.min(Instant::now() + self.again(&entry.standing));
        }
        entry
    }

    /// How long until the next look.
    fn again(&self, standing: &Standing) -> Duration {
        let settled = self.settings.interval.mul_f64(0.9 + 0.2 * random());
        if standing.is_unsettled() {
            settled.min(self.settings.grace).max(AT_LEAST)
        } else {
            settled.max(AT_LEAST)
        }
    }

    /// When to begin the next handshake.
    fn next(&self, looking: usize) -> Instant {
        let waiting = self.entries.values().filter(|entry| !entry.looking);
        let first = waiting.map(|entry| entry.next).min().filter(|_| looking < CONCURRENT);
        first.map_or_else(|| Instant::now() + NEVER, |first| first.max(self.spaced))
    }

    /// Whom to ask now, and for which name.
    fn begin(&mut self) -> Option<(Target, Option<Arc<str>>)> {
        let waiting = self.entries.values_mut().filter(|entry| !entry.looking);
        let entry = waiting.min_by_key(|entry| entry.next)?;
        entry.looking = true;
        self.spaced = Instant::now() + SPACING;
        Some((entry.due.target.clone(), entry.due.server_name.clone()))
    }

    fn see(&mut self, target: &Target, sight: &Sight, now: i64) {
        let outcome = match sight {
            Sight::Served(_) => "served",
            Sight::Failed(failure) => failure.as_str(),
        };
        *self.outcomes.entry(outcome).or_default() += 1;
        let grace = i64::try_from(self.settings.grace.as_secs()).unwrap_or(i64::MAX);
        if let Some(mut entry) = self.entries.remove(target) {
            let before = entry.standing.problems().clone();
            entry.standing.see(&entry.due, sight, now, grace);
            entry.looking = false;
            entry.next = Instant::now() + self.again(&entry.standing);
            for problem in Problem::ALL {
                match (before.contains(&problem), entry.standing.problems().contains(&problem)) {
                    (false, true) => tell(problem, &entry, now),
                    (true, false) => tracing::info!("{}: no longer {}", Place(target), problem.as_str()),
                    _ => {}
                }
            }
            self.entries.insert(target.clone(), entry);
        }
        self.publish();
    }

    fn publish(&self) {
        let known = self.entries.values().map(|entry| Known {
            target: entry.due.target.clone(),
            expected: entry.due.expected.clone(),
            served: entry.standing.served().cloned(),
            problems: entry.standing.problems().clone(),
            stale_since: entry
                .standing
                .since(Problem::Stale)
                .filter(|_| entry.standing.problems().contains(&Problem::Stale)),
        });
        self.out.store(Arc::new(Certificates {
            known: known.collect(),
            handshakes: self.outcomes.clone(),
            beyond: self.beyond,
        }));
    }
}

/// Between 0 and 1. What hashers are made from is random.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    #[expect(clippy::cast_precision_loss, reason = "32 bits fit")]
    let random = bits as f64 / (1_u64 << 32) as f64;
    random
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Says what is wrong, with what proves it.
fn tell(problem: Problem, entry: &Entry, now: i64) {
    tracing::warn!("{} {}", Place(&entry.due.target), words(problem, entry, now));
}

fn words(problem: Problem, entry: &Entry, now: i64) -> String {
    let shown = |certificate: Option<&Arc<Certificate>>| {
        certificate.map_or_else(|| "nothing".to_owned(), |certificate| Shown(certificate).to_string())
    };
    let served = shown(entry.standing.served());
    let host = entry.due.server_name.as_deref().unwrap_or("(no server name)");
    match problem {
        Problem::Stale => {
            let seconds = now - entry.standing.since(problem).unwrap_or(now);
            let expected = shown(entry.due.expected.as_ref());
            format!(
                "does not serve what its Secret holds, for {seconds} s: served is {served}; the Secret holds {expected}"
            )
        }
        Problem::Expired => format!("serves a certificate that has expired: {served}"),
        Problem::NotYetValid => format!("serves a certificate that is not valid yet: {served}"),
        Problem::NameMismatch => format!("serves a certificate that is not for {host}: {served}"),
        Problem::HandshakeFailing | Problem::Unreachable => {
            let why = entry.standing.failure().map_or("", Failure::as_str);
            format!("lets no TLS handshake for {host} succeed ({why}): clients get no answer at all")
        }
    }
}

/// Where, for log lines.
struct Place<'a>(&'a Target);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target {
            gateway,
            listener,
            secret,
            address,
        } = self.0;
        write!(
            f,
            "listener {listener} of Gateway {gateway} (Secret {secret}) at {address}"
        )
    }
}

/// A certificate, for log lines.
struct Shown<'a>(&'a Certificate);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = jiff::Timestamp::from_second(self.0.not_after).unwrap_or_default();
        f.write_str("SHA-256 ")?;
        for byte in self.0.fingerprint {
            write!(f, "{byte:02x}")?;
        }
        write!(f, " by {}, valid until {until}", self.0.issuer)
    }
}
