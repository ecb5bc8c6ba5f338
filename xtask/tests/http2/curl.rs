//! curl with prior knowledge: nghttp2's encoder, which writes every path in full and an authority once a connection.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use xtask::testbed::client::{Answer, Exchange};
use xtask::testbed::traffic::Case;

use super::client::with_id;

/// A run of curl: all requests one after the other on one connection.
pub(crate) struct Curl {
    child: Child,
    cases: Vec<(String, Case)>,
}

impl Curl {
    pub(crate) fn start(address: SocketAddr, directory: &Path, cases: &[Case]) -> Result<Self> {
        let host = cases.first().context("no cases")?.request.host.clone();
        let name = |index| format!("curl-{index:08}");
        let cases: Vec<_> = cases
            .iter()
            .enumerate()
            .map(|(index, case)| (name(index), case.clone()))
            .collect();
        let mut urls = String::new();
        for (id, case) in &cases {
            let target = with_id(&case.request.target, id);
            let _ = writeln!(
                urls,
                "url = \"http://{host}:{}{target}\"\noutput = /dev/null",
                address.port()
            );
        }
        let list = directory.join("curl.txt");
        std::fs::write(&list, urls)?;
        let child = Command::new("stdbuf")
            .args(["--output=L", "curl"])
            .args(["--silent", "--http2-prior-knowledge", "--rate", "6000/m"])
            .args(["--resolve", &format!("{host}:{}:{}", address.port(), address.ip())])
            .args(["--write-out", "%{http_code} %header{x-backend} %header{x-endpoint}\n"])
            .arg("--config")
            .arg(list)
            .stdout(Stdio::piped())
            .spawn()
            .context("curl is needed for this test")?;
        Ok(Self { child, cases })
    }

    /// Ends it; the exchanges that were complete by then.
    pub(crate) fn stop(mut self) -> Result<Vec<Exchange>> {
        self.child.kill()?;
        let output = self.child.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let exchange = |((id, case), line): ((String, Case), &str)| Exchange {
            id,
            request: case.request,
            due: case.due,
            answer: answer(line).context("not answered").map_err(|error| error.to_string()),
        };
        Ok(self
            .cases
            .into_iter()
            .zip(text[..whole].lines())
            .map(exchange)
            .collect())
    }
}

fn answer(line: &str) -> Option<Answer> {
    let mut words = line.split(' ');
    let status = words.next()?.parse().ok()?;
    let mut word = || words.next().filter(|word| !word.is_empty()).map(str::to_owned);
    Some(Answer {
        status,
        backend: word(),
        endpoint: word(),
        echo: None,
        location: None,
        body_bytes: 0,
    })
}
