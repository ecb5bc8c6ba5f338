//! `cargo xtask bench`: what gwobs costs a busy Envoy, next to what Envoy's own JSON access log costs it.
//!
//! Every round runs all variants, each time in another order, so that a machine that slows down or speeds up meanwhile
//! does so for all of them; ratios are taken within a round, and their medians are shown.

mod cluster;
mod load;
mod observer;

use crate::testbed::plane::envoy::Envoy;
use crate::testbed::rule::{Route, prefix, route};
use crate::testbed::{Plan, Testbed, usage};
use crate::{say, setup, test};
use anyhow::Result;
use load::Load;
use observer::Observer;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Nothing,
    Gwobs,
    AccessLog,
}

const VARIANTS: [Variant; 3] = [Variant::Nothing, Variant::Gwobs, Variant::AccessLog];

/// What one run yielded.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Requests per second.
    throughput: f64,
    /// 99th percentile of the latency in milliseconds.
    p99: f64,
    /// CPU time of the data plane for a request, in microseconds; eBPF programs count here.
    gateway_cpu: f64,
    /// CPU time of gwobs for a request, in microseconds.
    agent_cpu: f64,
    /// Share of the requests that gwobs gave a verdict on; 0 without it.
    covered: f64,
}

/// Two Envoys alike but for the access log.
struct Stage {
    plain: Testbed,
    logging: Testbed,
    load: Load,
    seconds: u32,
}

/// What a large cluster costs an agent.
pub fn cluster() -> Result<()> {
    cluster::run()
}

/// Measures and prints.
pub fn run(rounds: usize, seconds: u32) -> Result<()> {
    setup::ensure()?;
    test::build_gwobs()?;
    let stage = Stage::set(seconds)?;
    say::heading(&format!("{rounds} rounds of {seconds} s with {}", stage.load.name()));
    stage.measure(Variant::Nothing)?; // Warms caches and pools; not counted.
    let mut all = Vec::new();
    for round in 0..rounds {
        all.push(stage.round(round)?);
    }
    report(&all);
    Ok(())
}

impl Stage {
    fn set(seconds: u32) -> Result<Self> {
        let routes = routes();
        let plan = Plan::correct(&Envoy, &routes);
        let plain = Testbed::start(&plan)?;
        let logging = Testbed::start(&Plan {
            access_log: true,
            ..plan
        })?;
        Ok(Self {
            plain,
            logging,
            load: Load::best(),
            seconds,
        })
    }

    /// One run of each variant, beginning with another one each time.
    fn round(&self, round: usize) -> Result<[Run; 3]> {
        let mut runs = [None; 3];
        for offset in 0..VARIANTS.len() {
            let index = (round + offset) % VARIANTS.len();
            if let (Some(variant), Some(place)) = (VARIANTS.get(index), runs.get_mut(index)) {
                *place = Some(self.measure(*variant)?);
            }
        }
        let [Some(nothing), Some(gwobs), Some(access_log)] = runs else {
            anyhow::bail!("a variant was not run")
        };
        say::line(&format!(
            "  round {}: {:>7.0} req/s alone, {:>7.0} with gwobs, {:>7.0} with the access log",
            round + 1,
            nothing.throughput,
            gwobs.throughput,
            access_log.throughput
        ));
        Ok([nothing, gwobs, access_log])
    }

    fn measure(&self, variant: Variant) -> Result<Run> {
        let bed = if variant == Variant::AccessLog {
            &self.logging
        } else {
            &self.plain
        };
        let observer = match variant {
            Variant::Gwobs => Some(Observer::start(bed)?),
            Variant::Nothing | Variant::AccessLog => None,
        };
        let agent = observer.as_ref().map(Observer::pid);
        let (gateway_before, agent_before) = (usage::cpu(bed.plane.pid())?, agent.map_or(Ok(0.0), usage::cpu)?);
        let result = self.load.run(bed.address(), self.seconds)?;
        let gateway_cpu = usage::cpu(bed.plane.pid())? - gateway_before;
        if let Some(observer) = &observer {
            usage::wait_until_idle(observer.pid())?;
        }
        let agent_cpu = agent.map_or(Ok(0.0), usage::cpu)? - agent_before;
        let covered = observer.map_or(Ok(0.0), |observer| observer.stop(result.requests))?;
        let per_request = |seconds: f64| seconds * 1e6 / result.requests.max(1.0);
        Ok(Run {
            throughput: result.requests / result.seconds,
            p99: result.p99_ms,
            gateway_cpu: per_request(gateway_cpu),
            agent_cpu: per_request(agent_cpu),
            covered,
        })
    }
}

/// A few routes, so that matching is neither free nor the main thing.
fn routes() -> Vec<Route> {
    vec![route(
        "shop",
        vec![
            prefix("/api/v2").to("v2"),
            prefix("/api").header("x-env", "canary").to("canary"),
            prefix("/api").to("v1"),
            prefix("/").to("web"),
        ],
    )]
}

fn report(rounds: &[[Run; 3]]) {
    say::heading("Medians over the rounds; ratios are to Envoy alone in the same round");
    say::line("                       throughput           p99        Envoy CPU  gwobs CPU  with a");
    say::line("                            req/s            ms       µs/request µs/request verdict");
    for (index, name) in ["alone", "with gwobs", "with access log"].iter().enumerate() {
        let ratio = |value: fn(&Run) -> f64| {
            median(
                rounds
                    .iter()
                    .filter_map(|round| Some(value(round.get(index)?) / value(round.first()?))),
            )
        };
        let plain = |value: fn(&Run) -> f64| median(rounds.iter().filter_map(|round| round.get(index).map(value)));
        say::line(&format!(
            "  {name:<16} {:>7.0} ×{:.3} {:>6.2} ×{:.3} {:>8.1} ×{:.3} {:>10.1} {:>6.1}%",
            plain(|run| run.throughput),
            ratio(|run| run.throughput),
            plain(|run| run.p99),
            ratio(|run| run.p99),
            plain(|run| run.gateway_cpu),
            ratio(|run| run.gateway_cpu),
            plain(|run| run.agent_cpu),
            plain(|run| run.covered * 100.0),
        ));
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
