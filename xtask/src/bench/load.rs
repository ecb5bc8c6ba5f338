//! The load: wrk where it can be had, else clients of our own.

use crate::command::{command, quiet};
use crate::setup;
use crate::testbed::client::Client;
use crate::testbed::traffic::get;
use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections at once.
const CONNECTIONS: usize = 64;
/// The path that is asked for.
const PATH: &str = "/api/v2/items?page=7";

/// A load generator.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load {
    Wrk,
    Own,
}

/// What a load yielded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Yield {
    /// Requests answered.
    pub(super) requests: f64,
    /// The time they took.
    pub(super) seconds: f64,
    /// 99th percentile of the latency in milliseconds.
    pub(super) p99_ms: f64,
}

impl Load {
    /// wrk if it is there or can be installed.
    pub(super) fn best() -> Self {
        if setup::has_wrk() { Self::Wrk } else { Self::Own }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wrk => "wrk, 64 connections",
            Self::Own => "the testbed's own clients, 64 connections (wrk cannot be had)",
        }
    }

    pub(super) fn run(self, address: SocketAddr, seconds: u32) -> Result<Yield> {
        match self {
            Self::Wrk => wrk(address, seconds),
            Self::Own => own(address, Duration::from_secs(seconds.into())),
        }
    }
}

fn wrk(address: SocketAddr, seconds: u32) -> Result<Yield> {
    let url = format!("http://{address}{PATH}");
    let (connections, duration) = (CONNECTIONS.to_string(), format!("{seconds}s"));
    let args = [
        "--threads",
        "1",
        "--connections",
        &connections,
        "--duration",
        &duration,
        "--latency",
    ];
    let headers = [
        "--header",
        "Host: shop.example.com",
        "--header",
        "X-Backend-Do: plain",
        &url,
    ];
    parse(&quiet(&mut command("wrk", args.into_iter().chain(headers)))?)
}

/// The lines `  99%    4.66ms` and `  45103 requests in 2.02s, 11.10MB read`.
fn parse(text: &str) -> Result<Yield> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let total = text.lines().find(|line| line.contains(" requests in ")).map(words);
    let p99 = text
        .lines()
        .find(|line| line.trim_start().starts_with("99%"))
        .map(words);
    let field = |line: &Option<Vec<String>>, index: usize| line.as_ref()?.get(index).cloned();
    let unreadable = || format!("unexpected output of wrk:\n{text}");
    Ok(Yield {
        requests: field(&total, 0)
            .and_then(|word| word.parse().ok())
            .with_context(unreadable)?,
        seconds: field(&total, 3)
            .and_then(|word| milliseconds(word.trim_end_matches(',')))
            .with_context(unreadable)?
            / 1e3,
        p99_ms: field(&p99, 1)
            .and_then(|word| milliseconds(&word))
            .with_context(unreadable)?,
    })
}

/// wrk's times: `890.00us`, `4.66ms`, `2.02s`, `1.10m`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)];
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Some(number.parse::<f64>().ok()? * factor)
}

fn own(address: SocketAddr, duration: Duration) -> Result<Yield> {
    let start = Instant::now();
    let latencies = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let own = measure(address, start + duration);
                latencies.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
            });
        }
    });
    let mut latencies = latencies.into_inner().unwrap_or_else(PoisonError::into_inner);
    latencies.sort_unstable();
    let p99 = latencies
        .get(latencies.len() * 99 / 100)
        .context("no request was answered")?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let requests = latencies.len() as f64;
    Ok(Yield {
        requests,
        seconds: start.elapsed().as_secs_f64(),
        p99_ms: p99.as_secs_f64() * 1e3,
    })
}

/// One connection's latencies until the deadline, or until the gateway stops answering.
fn measure(address: SocketAddr, deadline: Instant) -> Vec<Duration> {
    let mut latencies = Vec::new();
    let case = get(PATH).asking("plain").due("v2");
    let Ok(mut session) = Client::new(address).open() else {
        return latencies;
    };
    while Instant::now() < deadline {
        let start = Instant::now();
        if session.send(&case).is_err() {
            break;
        }
        latencies.push(start.elapsed());
    }
    latencies
}

#[cfg(test)]
mod tests;
