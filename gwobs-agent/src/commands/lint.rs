//! `gwobs lint`: no kernel, no traffic; what is wrong with the specs themselves.

mod report;
mod row;
mod scope;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use gwobs_route::ObjectName;
use gwobs_route::lint::{Severity, lint};
use gwobs_route::profile::Profile;

use self::row::{Row, rows};
use self::scope::Scope;
use super::{Failure, Outcome, specs};
use crate::cli::{Global, Output, SpecsArgs, object_name};
use crate::specs::Loaded;

const EXAMPLES: &str = "\
Examples:
  gwobs lint --manifests manifests/
      Everything that is wrong with the Gateway API objects, or worth knowing, and how to mend it.
  gwobs lint --manifests manifests/ --gateway infra/web --fail-on error
      Only what concerns one Gateway and its routes; exit code 3 for errors alone.
  gwobs lint --manifests manifests/ -o jsonl | jq 'select(.code == \"shadowed-rule\")'
      For scripts: one finding a line.

Severities: error (requests fail, or the object is refused), warning (probably not what was meant), info (worth knowing).
Exit codes: 0 no finding as severe as --fail-on; 3 there are some; 1 the manifests could not be read.";

/// Say what is wrong with the specs themselves
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct LintArgs {
    /// The specs.
    #[command(flatten)]
    specs: SpecsArgs,

    /// Only findings in this Gateway, its class, its ListenerSets and routes, as NAMESPACE/NAME; repeatable
    #[arg(long, value_name = "NS/NAME", num_args = 1.., value_parser = object_name)]
    gateway: Vec<ObjectName>,

    /// The least severity that gives exit code 3
    #[arg(long, value_enum, default_value_t = Level::Warning)]
    fail_on: Level,

    /// The least severity that is shown
    #[arg(long, value_enum, default_value_t = Level::Info)]
    show: Level,
}

/// A severity, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Level {
    /// All findings
    Info,
    /// Warnings and errors
    Warning,
    /// Errors
    Error,
    /// No finding
    Never,
}

impl Level {
    fn takes(self, severity: Severity) -> bool {
        let level = match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        };
        level >= self
    }
}

pub(super) fn run(args: &LintArgs, global: &Global) -> Result<Outcome, Failure> {
    let loaded = specs::read(&args.specs)?;
    let scope = Scope::new(&args.gateway, &loaded.objects)?;
    let mut rows = findings(&loaded, global.profile);
    rows.retain(|row| scope.holds(row));
    let fails = rows.iter().any(|row| args.fail_on.takes(row.severity));
    let shown: Vec<_> = rows.into_iter().filter(|row| args.show.takes(row.severity)).collect();
    let text = match global.output.unwrap_or(Output::Table) {
        Output::Table => report::table(&shown, loaded.objects.len()),
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&shown)?),
        Output::Jsonl => report::jsonl(&shown)?,
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if fails { Outcome::Found } else { Outcome::Fine })
}

/// What reading the manifests and looking at the objects found, sorted.
fn findings(loaded: &Loaded, profile: Option<Profile>) -> Vec<Row> {
    rows(lint(&loaded.objects, profile), &loaded.findings)
}
