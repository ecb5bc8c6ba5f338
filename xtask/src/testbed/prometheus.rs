//! A real Prometheus, from Debian's package, that scrapes one target and evaluates rules.

use super::cluster::page;
use super::directory::Directory;
use super::process::Process;
use super::yaml;
use crate::command::quiet;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to start.
const START: Duration = Duration::from_secs(30);
/// How often to look meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// A running Prometheus; ends with the value.
pub struct Prometheus {
    address: SocketAddr,
    process: Process,
}

impl Prometheus {
    /// Starts it at an address, with its data in the directory; it scrapes the target five times a second, and has done so
    /// when this returns: it looks for targets every five seconds only, and what happened before is no increase to it.
    pub fn start(address: SocketAddr, target: SocketAddr, rules: &Path, directory: &Directory) -> Result<Self> {
        let config = json!({
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "500ms"},
            "rule_files": [rules],
            "scrape_configs": [{"job_name": "gwobs", "static_configs": [{"targets": [target]}]}],
        });
        let file = directory.path().join("prometheus.yaml");
        std::fs::write(&file, yaml::document(&config)).with_context(|| format!("cannot write {}", file.display()))?;
        let log = File::create(directory.path().join("prometheus.log")).context("cannot create prometheus.log")?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut prometheus = Self {
            address,
            process: Process::spawn(&mut command)?,
        };
        prometheus.wait_until_ready(directory)?;
        Ok(prometheus)
    }

    fn wait_until_ready(&mut self, directory: &Directory) -> Result<()> {
        let deadline = Instant::now() + START;
        while !self.has_scraped() {
            if Instant::now() > deadline || self.process.ended()?.is_some() {
                let log = std::fs::read_to_string(directory.path().join("prometheus.log")).unwrap_or_default();
                bail!("Prometheus does not start:\n{log}");
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn has_scraped(&self) -> bool {
        matches!(page(self.address, "/-/ready"), Ok((200, _))) && self.query("up == 1").is_ok_and(|up| !up.is_empty())
    }

    /// The series of an instant query; fails if it is not understood.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let data = self.api(&format!("query?query={}", encoded(expression)))?;
        let result = data.get("result").and_then(Value::as_array);
        result.cloned().with_context(|| format!("{expression}: {data}"))
    }

    /// The names of all alerts that were pending or firing at some time.
    pub fn alerts_so_far(&self) -> Result<BTreeSet<String>> {
        self.alert_names("last_over_time(ALERTS[1h])")
    }

    /// The names of all alerts that are pending or firing.
    pub fn alerts_now(&self) -> Result<BTreeSet<String>> {
        self.alert_names("ALERTS")
    }

    fn alert_names(&self, series: &str) -> Result<BTreeSet<String>> {
        let series = self.query(&format!("group by (alertname) ({series})"))?;
        let name = |one: &Value| Some(one.pointer("/metric/alertname")?.as_str()?.to_owned());
        Ok(series.iter().filter_map(name).collect())
    }

    fn api(&self, path: &str) -> Result<Value> {
        let (status, body) = page(self.address, &format!("/api/v1/{path}"))?;
        let answer: Value = serde_json::from_str(&body).with_context(|| format!("{status}: {body}"))?;
        ensure!(answer.get("status") == Some(&json!("success")), "{path}: {answer}");
        answer.get("data").cloned().context("no data")
    }
}

/// Runs promtool; its output.
pub fn promtool(args: &[&str], directory: &Path) -> Result<String> {
    quiet(Command::new("promtool").args(args).current_dir(directory))
}

/// Percent-encoding of all but letters and digits (RFC 3986 section 2.1).
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
