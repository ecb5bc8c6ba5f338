//! Clients on nghttp2: curl and h2load. They put no path into the dynamic table, and name the authority once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use xtask::setup::package::Package;
use xtask::testbed::client::{Answer, Exchange};
use xtask::testbed::gwobs::Observed;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::http2::{Http2, with_id};
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::process::Process;
use xtask::testbed::rule::{Route, exact, prefix, route};
use xtask::testbed::tls::Tls;
use xtask::testbed::traffic::{Case, Due, get, mixed};
use xtask::testbed::trial;
use xtask::testbed::truth::{Comparison, compare};
use xtask::testbed::{Plan, Testbed};
use xtask::versions;

/// Requests a second, and seconds, where gwobs joins midway: it takes some of them to start on a busy machine.
const RATE: usize = 400;
const SECONDS: usize = 10;
/// Requests before gwobs starts.
const BEFORE: u64 = 100;

/// A client that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every case with an id in its target.
fn marked(cases: &[Case]) -> Vec<(String, Case)> {
    let with = |(index, case): (usize, &Case)| {
        let id = format!("nghttp2-{index:08}");
        let mut case = case.clone();
        case.request.target = with_id(&case.request.target, &id);
        (id, case)
    };
    cases.iter().enumerate().map(with).collect()
}

fn cases() -> Vec<Case> {
    vec![
        get("/exact").due("exact"),
        get("/api/v2/items").due("v2"),
        get("/api/items").due("v1"),
    ]
}

/// A client that is running.
struct Running {
    process: Process,
    output: PathBuf,
}

impl Running {
    fn start(mut command: Command, output: PathBuf) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(Stdio::inherit());
        let process = Process::spawn(&mut command)?;
        Ok(Self { process, output })
    }

    /// What it printed.
    fn finish(mut self) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.ended()? {
                ensure!(status.success(), "it ended with {status}");
                return Ok(std::fs::read_to_string(&self.output)?);
            }
            ensure!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A client that can be told what to send.
trait Client {
    fn start(&self, bed: &Testbed, sent: &[(String, Case)], rate: Option<usize>) -> Result<Running>;
    /// Who answered each request, in the order of sending.
    fn answers(&self, bed: &Testbed, sent: &[(String, Case)], output: &str) -> Result<Vec<Exchange>>;
}

/// One connection, one request at a time, in TLS: curl 7.88 cannot use a connection twice without.
struct Curl;

impl Client for Curl {
    fn start(&self, bed: &Testbed, sent: &[(String, Case)], rate: Option<usize>) -> Result<Running> {
        let (address, dir) = (bed.address(), bed.directory.path());
        let mut list = String::new();
        for (_, case) in sent {
            let (host, target) = (&case.request.host, &case.request.target);
            let _ = writeln!(
                list,
                "url = \"https://{host}:{}{target}\"\noutput = /dev/null",
                address.port()
            );
        }
        std::fs::write(dir.join("curl.txt"), list)?;
        let mut command = Command::new("curl");
        std::fs::write(dir.join("authority.pem"), bed.authority.pem())?;
        command.args(["--silent", "--show-error", "--noproxy", "*", "--http2", "--cacert"]);
        command.arg(dir.join("authority.pem")).arg("--connect-to");
        command.arg(format!("::{address}"));
        command.args([
            "--write-out",
            "%{url_effective} %{http_code} %header{x-backend} %header{x-endpoint}\\n",
        ]);
        if let Some(rate) = rate {
            command.args(["--rate", &format!("{rate}/s")]);
        }
        command.arg("--config").arg(dir.join("curl.txt"));
        Running::start(command, dir.join("curl.out"))
    }

    fn answers(&self, _: &Testbed, sent: &[(String, Case)], output: &str) -> Result<Vec<Exchange>> {
        let mut lines = HashMap::new();
        for line in output.lines() {
            let (url, answer) = line.split_once(' ').context("a strange line")?;
            let id = url.rsplit('=').next().unwrap_or_default();
            lines.insert(id, answer);
        }
        let answered = |(id, case): &(String, Case)| {
            let mut words = lines.get(&**id).context("no answer")?.split(' ');
            let status = words.next().unwrap_or_default().parse()?;
            let mut text = || words.next().filter(|word| !word.is_empty()).map(str::to_owned);
            Ok(exchange(id, case, status, text(), text()))
        };
        sent.iter().map(answered).collect()
    }
}

/// One connection, 8 requests at a time. It does not tell the answers, but what the data plane is configured to do is known.
struct H2load;

impl Client for H2load {
    fn start(&self, bed: &Testbed, sent: &[(String, Case)], rate: Option<usize>) -> Result<Running> {
        let (address, dir) = (bed.address(), bed.directory.path());
        let lines = sent
            .iter()
            .map(|(_, case)| format!("http://{address}{}\n", case.request.target));
        std::fs::write(dir.join("h2load.txt"), lines.collect::<String>())?;
        let mut command = Package(versions::H2LOAD).command()?;
        command.args([
            "--requests",
            &sent.len().to_string(),
            "--clients",
            "1",
            "--max-concurrent-streams",
            "8",
        ]);
        command.args(["--header", ":authority: shop.example.com"]);
        if let Some(rate) = rate {
            command.args(["--rps", &rate.to_string()]);
        }
        command.arg("--input-file").arg(dir.join("h2load.txt"));
        Running::start(command, dir.join("h2load.out"))
    }

    fn answers(&self, bed: &Testbed, sent: &[(String, Case)], output: &str) -> Result<Vec<Exchange>> {
        let all = format!("{} done", sent.len());
        ensure!(output.contains(&all), "{output}");
        let answered = |(id, case): &(String, Case)| {
            let backend = configured(&case.request.target);
            let endpoint = bed.backends.iter().find(|own| Some(own.name()) == backend);
            let endpoint = endpoint.and_then(|own| own.endpoints().next());
            let status = if backend.is_some() { 200 } else { 404 };
            exchange(
                id,
                case,
                status,
                backend.map(str::to_owned),
                endpoint.map(|own| own.to_string()),
            )
        };
        let exchanges: Vec<_> = sent.iter().map(answered).collect();
        for (name, received) in bed.backends.received() {
            let known = exchanges.iter().filter_map(|exchange| exchange.answer.as_ref().ok());
            let known = known.filter(|answer| answer.backend.as_ref() == Some(&name)).count();
            ensure!(
                u64::try_from(known)? == received,
                "{name} received {received} requests, not {known}"
            );
        }
        Ok(exchanges)
    }
}

/// Rules by path alone: what a client's headers are is not known where it names them by reference.
fn routes(wrong: bool) -> Vec<Route> {
    let mut rules = vec![
        exact("/exact").to("exact"),
        prefix("/api/v2").to("v2"),
        prefix("/api").to("v1"),
    ];
    if wrong {
        rules.swap(1, 2);
    }
    vec![route("shop", rules).host("shop.example.com")]
}

/// Where the wrong routes send these cases.
fn configured(target: &str) -> Option<&'static str> {
    match target.split(['?', '/']).nth(1) {
        Some("exact") => Some("exact"),
        Some("api") => Some("v1"),
        _ => None,
    }
}

fn exchange(id: &str, case: &Case, status: u16, backend: Option<String>, endpoint: Option<String>) -> Exchange {
    let answer = Answer {
        status,
        backend,
        endpoint,
        echo: None,
        location: None,
        body_bytes: 0,
    };
    Exchange {
        id: id.to_owned(),
        request: case.request.clone(),
        due: Due::clone(&case.due),
        answer: Ok(answer),
    }
}

fn bed(http2: Http2, tls: Tls) -> Result<Testbed> {
    let (specified, configured) = (routes(false), routes(true));
    Testbed::start(&Plan {
        http2,
        tls,
        ..Plan::wrong(&Envoy, &configured, &specified)
    })
}

fn from_the_start(client: &impl Client, tls: Tls) -> Result<()> {
    let bed = bed(Http2::DOWNSTREAM, tls)?;
    let gwobs = bed.observe().start()?;
    let sent = marked(&mixed(&cases(), 1000));
    let output = client.start(&bed, &sent, None)?.finish()?;
    let exchanges = client.answers(&bed, &sent, &output)?;
    let seen = trial::exact(&exchanges, &gwobs.stop()?)?;
    assert!(seen.requests == 1000 && seen.misrouted > 200, "{seen:?}");
    Ok(())
}

/// What is decided of the first hundred requests that gwobs saw, which depends on what was under way when it joined
/// (`docs/http2.md`), and of those after. Nothing may be wrong.
fn joined(client: &impl Client, http2: Http2) -> Result<String> {
    let bed = bed(http2, Tls::default())?;
    let sent = marked(&mixed(&cases(), SECONDS * RATE));
    let observe = bed.observe().in_turn()?;
    let running = client.start(&bed, &sent, Some(RATE))?;
    let deadline = Instant::now() + PATIENCE;
    while bed.backends.received().values().sum::<u64>() < BEFORE {
        ensure!(Instant::now() < deadline, "requests do not arrive");
        std::thread::sleep(Duration::from_millis(10));
    }
    let gwobs = observe.start()?;
    let output = running.finish()?;
    let observed = gwobs.stop()?;
    let exchanges = client.answers(&bed, &sent, &output)?;
    let first = exchanges.iter().position(|exchange| is_seen(&exchange.id, &observed));
    let seen = exchanges.get(first.context("nothing was seen")?..).unwrap_or_default();
    let (early, late) = seen.split_at(seen.len().min(100));
    let (early, late) = (judged(early, &observed), judged(late, &observed));
    assert!(late.requests > 100 && late.misrouted > 20, "{late:?}");
    assert!(late.decided() * 10 >= late.requests * 9, "{late:?}");
    Ok(format!(
        "joined midway, {http2:?}: {} of the first {}, {} of {} after them decided; {:?}",
        early.decided(),
        early.requests,
        late.decided(),
        late.requests,
        late.undecided,
    ))
}

fn is_seen(id: &str, observed: &Observed) -> bool {
    observed.decisions.iter().any(|decision| decision.id() == Some(id))
}

/// Nothing that is decided may be wrong.
fn judged(exchanges: &[Exchange], observed: &Observed) -> Comparison {
    let own = |decision: &&Decision| exchanges.iter().any(|exchange| decision.id() == Some(&exchange.id));
    let decisions: Vec<Decision> = observed.decisions.iter().filter(own).cloned().collect();
    let seen = compare(exchanges, &decisions);
    let wrong = [&seen.false_mismatches, &seen.missed, &seen.wrong_upstream];
    assert!(wrong.iter().all(|cases| cases.is_empty()), "{wrong:?}");
    seen
}

#[test]
fn curl_from_the_start() -> Result<()> {
    from_the_start(&Curl, Tls::DOWNSTREAM)
}

#[test]
fn h2load_from_the_start() -> Result<()> {
    from_the_start(&H2load, Tls::default())
}

#[test]
fn h2load_joined_midway() -> Result<()> {
    println!("{}", joined(&H2load, Http2::DOWNSTREAM)?);
    Ok(())
}

/// Both sides of the gateway are joined midway.
#[test]
fn h2load_joined_midway_on_both_sides() -> Result<()> {
    println!("{}", joined(&H2load, Http2::BOTH)?);
    Ok(())
}
