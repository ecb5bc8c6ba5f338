//! Routing cases: `cases.jsonl`, and those of the mesh, `mesh_cases.jsonl`.

use std::collections::BTreeMap;

use gwobs_agent::commands::explain::{Answer, Question};
use gwobs_route::Snapshot;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::expectation::{Expected, Forwarded, ResponseHeaders, faults_of, mesh_faults_of};
use crate::suite::{Mutation, Suite};
use crate::tally::Tally;
use crate::world::Worlds;

/// Host of a request to the Gateway's own address; it stands in no manifest.
const GATEWAY_ADDRESS: &str = "203.0.113.7";

/// A line of `cases.jsonl`.
#[derive(Debug, Deserialize)]
struct Case {
    test: String,
    case: String,
    manifests: Vec<String>,
    #[serde(default)]
    mutations: Vec<Mutation>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(flatten)]
    front: Front,
    listener: Option<String>,
    port: u16,
    protocol: String,
    sni: Option<String>,
    request: Option<Sent>,
    expect: Expected,
    forwarded: Option<Forwarded>,
    #[serde(default)]
    mirrors: Vec<String>,
    #[serde(default)]
    mirror_percent: BTreeMap<String, f64>,
    #[serde(flatten)]
    response: ResponseHeaders,
}

/// What a request is sent to.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Front {
    Gateway { gateway: String },
    Service { service: String, client: Value },
}

/// What the client sends.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) host: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
}

/// Checks every case at a Gateway that one decision can settle.
pub(crate) fn check(suite: &Suite) -> Tally {
    check_file(suite, "cases.jsonl")
}

/// Checks every case in a mesh that one decision can settle.
pub(crate) fn check_mesh(suite: &Suite) -> Tally {
    check_file(suite, "mesh_cases.jsonl")
}

fn check_file(suite: &Suite, file: &str) -> Tally {
    let mut tally = Tally::default();
    let mut worlds = Worlds::default();
    for case in suite.cases::<Case>(file) {
        if case.needs.is_empty() {
            let mut objects = worlds.objects(suite, &case.manifests, &case.mutations);
            tally.note(&case.test, &case.case, &faults(&case, &objects.snapshot()));
        } else {
            tally.leave_out(&case.test);
        }
    }
    tally
}

fn faults(case: &Case, snapshot: &Snapshot) -> Vec<String> {
    let question = Question::parse(&line(case).to_string()).unwrap_or_else(|error| panic!("{}: {error}", case.case));
    let fields = question.fields();
    let request = question.request(&fields);
    let (decision, considered) = gwobs_route::explain(snapshot, &question.arrival, &request);
    let answer = Answer::new(&question, &decision, &considered, snapshot);
    let sent = case.request.as_ref();
    let mut faults = match &case.front {
        Front::Gateway { .. } => faults_of(&case.expect, &answer, sent),
        Front::Service { .. } => mesh_faults_of(&case.expect, &answer, sent),
    };
    faults.extend(listener_fault(case, &answer));
    if case.expect.backend.is_some() {
        let due = forwarded_due(case);
        faults.extend(
            due.iter()
                .zip(&case.request)
                .flat_map(|(due, sent)| due.faults(sent, &answer)),
        );
        faults.extend(mirror_faults(case, &answer));
    }
    faults.extend(case.response.faults(&answer));
    if !faults.is_empty() {
        faults.push(format!("answer: {}", json!(answer)));
    }
    faults
}

/// Without `forwarded`, an HTTP backend must receive the request unchanged; of gRPC nothing is implied, and nothing in a
/// mesh, where rewritten paths and hosts are not stated either.
fn forwarded_due(case: &Case) -> Option<Forwarded> {
    match &case.front {
        Front::Service { .. } => case.forwarded.clone().map(Forwarded::headers_alone),
        Front::Gateway { .. } => {
            let implied = || (case.protocol != "GRPC").then(Forwarded::default);
            case.forwarded.clone().or_else(implied)
        }
    }
}

/// The case as a line of `explain --requests`.
fn line(case: &Case) -> Value {
    let mut line = json!({"port": case.port, "protocol": case.protocol, "sni": case.sni});
    match &case.front {
        Front::Gateway { gateway } => line["gateway"] = json!(gateway),
        Front::Service { service, client } => {
            line["service"] = json!(service);
            line["client"] = client.clone();
        }
    }
    if let Some(sent) = &case.request {
        line["method"] = json!(sent.method);
        line["host"] = json!(sent.host.as_deref().unwrap_or(GATEWAY_ADDRESS));
        line["path"] = json!(sent.path);
        line["headers"] = json!(sent.headers);
    }
    line
}

/// The listener is named where only one has the port; a request that none owns has none.
fn listener_fault(case: &Case, answer: &Answer<'_>) -> Option<String> {
    let wanted = case.listener.as_deref()?;
    let answered = answer.listener?;
    let own = answered.rsplit('/').next().unwrap_or(answered);
    let wanted = wanted.rsplit('/').next().unwrap_or(wanted);
    (own != wanted).then(|| format!("listener: expected {wanted}, answered {answered}"))
}

fn mirror_faults(case: &Case, answer: &Answer<'_>) -> Vec<String> {
    let service = |backend: &str| {
        backend
            .rsplit_once(':')
            .map_or(backend, |(service, _)| service)
            .to_owned()
    };
    let answered: Vec<String> = answer.mirrors.iter().map(|mirror| service(&mirror.backend)).collect();
    let mut faults = Vec::new();
    if answered != case.mirrors {
        faults.push(format!("mirrors: expected {:?}, answered {answered:?}", case.mirrors));
    }
    for mirror in &answer.mirrors {
        let wanted = case.mirror_percent.get(&service(&mirror.backend)).copied();
        if wanted.is_some_and(|wanted| (wanted - mirror.percent).abs() > f64::EPSILON) {
            faults.push(format!(
                "mirror percent: expected {wanted:?}, answered {}",
                mirror.percent
            ));
        }
    }
    faults
}
