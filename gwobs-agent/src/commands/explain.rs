//! `gwobs explain`: no kernel, no traffic; what the specs say must happen to a request, and why.

mod answer;
mod batch;
mod front;
mod question;
mod trace;
mod url;

pub use answer::{Answer, Backend, Candidate, Mirror, Received, Redirect, Route};
pub use question::{BadQuestion, Question};
pub(crate) use trace::why;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use gwobs_route::{Arrival, Considered, Decision, Front, ObjectName, Snapshot};

use crate::cli::{Global, Output, SpecsArgs};
use crate::commands::{Failure, Outcome, specs};

const EXAMPLES: &str = "\
Examples:
  gwobs explain --manifests routes.yaml --gateway infra/web http://shop.example/cart?id=1
      Who must get this request, by which rule, and why not by another.
  gwobs explain --manifests routes.yaml --gateway infra/web -X POST -H 'x-tenant: a' -o json https://shop.example/
      The same as JSON; the port is the one of the URL, else of its scheme.
  gwobs explain --manifests routes.yaml --service shop/cart --client web http://cart.shop/items
      In a mesh: what happens to a request of a client in namespace `web` to the Service `cart`.
  gwobs explain --manifests routes.yaml --requests requests.jsonl -o jsonl
      One answer a line for one request a line; `-` reads standard input.";

/// Say what the specs want to happen to a request, and why
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The specs.
    #[command(flatten)]
    specs: SpecsArgs,

    /// Gateway that the request reaches, as NAMESPACE/NAME
    #[arg(long, value_name = "NS/NAME", value_parser = question::object_name)]
    gateway: Option<ObjectName>,

    /// Service that the request is sent to in a mesh, as NAMESPACE/NAME, in place of a Gateway
    #[arg(long, value_name = "NS/NAME", value_parser = question::object_name, conflicts_with = "gateway")]
    service: Option<ObjectName>,

    /// Namespace of the client in the mesh; without it the Service's own
    #[arg(long, value_name = "NS", requires = "service", conflicts_with = "gateway")]
    client: Option<String>,

    /// Port of the listener or Service; without it the URL's own or that of its scheme
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// Server name of the TLS handshake; without it the URL's host
    #[arg(long, value_name = "HOST")]
    sni: Option<String>,

    /// Method
    #[arg(short = 'X', long = "method", value_name = "METHOD", default_value = "GET")]
    method: String,

    /// Header field; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = url::header)]
    headers: Vec<(String, String)>,

    /// Many requests, one JSON object a line; `-` is standard input
    #[arg(
        long, value_name = "FILE",
        conflicts_with_all = ["gateway", "service", "client", "port", "sni", "method", "headers", "url"]
    )]
    requests: Option<PathBuf>,

    /// http, https, grpc, grpcs, tls, tcp or udp; without a scheme it is http
    #[arg(value_name = "URL")]
    url: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// If the specs or requests cannot be read, the Gateway is not in the specs, or standard output is closed early.
pub fn run(mut args: ExplainArgs, global: &Global) -> Result<Outcome, Failure> {
    args.find_url();
    let source = specs::open(&args.specs, global)?;
    let mut out = io::stdout().lock();
    match &args.requests {
        Some(_) if !matches!(global.output, None | Some(Output::Jsonl)) => {
            return Err(Failure::Usage(
                "--requests is answered in JSON lines: -o jsonl".to_owned(),
            ));
        }
        Some(file) => batch::run(file, source.snapshot(), out)?,
        None => {
            let question = args.question()?;
            match &question.arrival.front {
                Front::Gateway(gateway) => source.require(std::slice::from_ref(gateway))?,
                mesh @ Front::Service { .. } => front::require(mesh, source.snapshot())?,
            }
            single(&question, source.snapshot(), global.output, &mut out)?;
        }
    }
    Ok(Outcome::Fine)
}

impl ExplainArgs {
    /// `--manifests` takes as many paths as follow it, for the sake of patterns that a shell expands; so it takes the URL
    /// as well if that comes next.
    fn find_url(&mut self) {
        let is_url = |path: &PathBuf| path.to_str().is_some_and(|text| text.contains("://"));
        if self.url.is_none() && self.specs.manifests.last().is_some_and(is_url) {
            self.url = self
                .specs
                .manifests
                .pop()
                .and_then(|path| path.into_os_string().into_string().ok());
        }
    }

    /// What the request is sent to.
    fn front(&self) -> Option<Front> {
        let service = self.service.clone();
        let client = self.client.as_deref().map(Into::into);
        let in_mesh = || service.map(|service| front::to_service(service, client));
        self.gateway.clone().map(Front::Gateway).or_else(in_mesh)
    }

    /// The request of the command line.
    fn question(&self) -> Result<Question, Failure> {
        let (Some(text), Some(front)) = (&self.url, self.front()) else {
            return Err(Failure::Usage(
                "a URL and a --gateway (or --service) are needed, or --requests".to_owned(),
            ));
        };
        let target = url::Target::parse(text).with_context(|| format!("URL {text}"))?;
        let sni = target
            .is_tls()
            .then(|| self.sni.clone().or_else(|| target.host_name().map(str::to_owned)));
        Ok(Question {
            id: serde_json::Value::Null,
            arrival: Arrival {
                front,
                port: self.port.unwrap_or(target.port),
                protocol: target.protocol,
            },
            sni: sni.flatten(),
            method: self.method.clone(),
            host: target.authority,
            path: target.path,
            headers: self.headers.clone(),
        })
    }
}

/// The decision for a question with every match that came into question.
fn decide(question: &Question, snapshot: &Snapshot) -> (Decision, Vec<Considered>) {
    let fields = question.fields();
    let request = question.request(&fields);
    gwobs_route::explain(snapshot, &question.arrival, &request)
}

fn single(
    question: &Question,
    snapshot: &Snapshot,
    output: Option<Output>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let (decision, considered) = decide(question, snapshot);
    let answer = Answer::new(question, &decision, &considered, snapshot);
    match output.unwrap_or(Output::Table) {
        Output::Table => write!(
            out,
            "{}",
            trace::Trace {
                question,
                answer: &answer
            }
        )?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &answer)?;
            writeln!(out)?;
        }
        Output::Jsonl => {
            serde_json::to_writer(&mut *out, &answer)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
