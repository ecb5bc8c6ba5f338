//! `gwobs replay`: recorded decisions judged against other specs; which real requests would go elsewhere.
//!
//! ```text
//! DECISIONS.jsonl ─► record (as `observe` wrote it) ─► compare: decide by the other specs ─► report
//! ```

mod compare;
mod lines;
mod record;
mod report;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use gwobs_route::ObjectName;

use self::compare::{Comparison, Place};
use self::lines::{Line, Lines};
use self::report::Report;
use super::{Failure, Outcome, specs};
use crate::cli::{Global, Output, PortPair, SpecsArgs, object_name};

const EXAMPLES: &str = "\
Examples:
  gwobs observe --process nginx -o jsonl > decisions.jsonl
  gwobs replay decisions.jsonl --manifests new/ --gateway infra/web --port-map 80=8080
      Before a cut-over: requests seen in front of the old ingress, judged by the new HTTPRoutes.
  gwobs replay decisions.jsonl --manifests changed/ -o jsonl | jq 'select(.type == \"elsewhere\")'
      Before a change: every recorded request that would go elsewhere.

Values that observe left out (redacted) are not guessed: a request whose decision depends on one is undecidable, and
counted. Record with `observe --no-redact` to decide all of them.
Exit codes: 0 every decidable request goes where it went; 3 some would go elsewhere; 1 something could not be read.";

/// Judge recorded decisions against other specs
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// Decisions as `gwobs observe -o jsonl` writes them; `-` is standard input
    #[arg(value_name = "DECISIONS.jsonl")]
    decisions: PathBuf,

    /// The specs.
    #[command(flatten)]
    specs: SpecsArgs,

    /// Gateway that the requests reach, as NAMESPACE/NAME, in place of the recorded one
    #[arg(long, value_name = "NS/NAME", value_parser = object_name)]
    gateway: Option<ObjectName>,

    /// The listener's port for the port that the recorded data plane was bound to; repeatable
    #[arg(long, value_name = "LISTENER_PORT=LOCAL_PORT", num_args = 1..)]
    port_map: Vec<PortPair>,
}

pub(super) fn run(args: &ReplayArgs, global: &Global) -> Result<Outcome, Failure> {
    let source = specs::open(&args.specs, global)?;
    if let Some(gateway) = &args.gateway {
        source.require(std::slice::from_ref(gateway))?;
    }
    let place = Place {
        gateway: args.gateway.clone(),
        ports: args.port_map.clone(),
    };
    let comparison = Comparison::new(source.snapshot(), place);
    let form = global.output.unwrap_or(Output::Table);
    let report = replay(open(&args.decisions)?, &comparison, form, &mut io::stdout().lock())?;
    Ok(if report.differs() {
        Outcome::Found
    } else {
        Outcome::Fine
    })
}

fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

/// Compares line by line, so that a file of any length takes little memory; differences are written as they are found.
fn replay(
    input: impl BufRead,
    comparison: &Comparison<'_>,
    form: Output,
    out: &mut impl Write,
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    for line in Lines::new(input) {
        match line? {
            Line::Decision(record) => {
                let result = comparison.of(&record);
                report.write(&record, &result, form, out)?;
            }
            Line::Other => report.note_other(),
            Line::Malformed => report.note_malformed(),
        }
    }
    report.finish(form, out)?;
    Ok(report)
}
