//! The life of a run on a real kernel: first and last line, every way to end. Needs root; fails without.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_gwobs");

/// A program that runs until it is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// A process to watch that does nothing.
    fn idle() -> Self {
        Self::start(
            Command::new("sleep")
                .arg("1000")
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        )
    }

    fn id(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `gwobs observe -o jsonl` that has said `ready`.
struct Observer {
    process: Running,
    lines: BufReader<ChildStdout>,
    ready: String,
}

impl Observer {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command
            .args(["observe", "-o", "jsonl"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = Running::start(&mut command);
        let mut lines = BufReader::new(process.0.stdout.take().unwrap());
        let mut ready = String::new();
        lines.read_line(&mut ready).unwrap();
        assert!(ready.starts_with(r#"{"type":"ready","#), "{ready}");
        Self { process, lines, ready }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process.0);
        kill_process(pid, signal).unwrap();
    }

    /// The rest of what it writes, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        let code = self.process.0.wait().unwrap().code();
        (self.ready.clone() + &rest, code)
    }
}

fn last(lines: &str) -> Value {
    serde_json::from_str(lines.lines().last().unwrap()).unwrap()
}

#[test]
fn ready_tells_the_processes_and_a_signal_ends_with_a_summary() {
    for signal in [Signal::INT, Signal::TERM] {
        let idle = Running::idle();
        let observer = Observer::start(&["--pid", &idle.id()]);
        let ready: Value = serde_json::from_str(&observer.ready).unwrap();
        assert_eq!(ready["processes"][0]["pid"].to_string(), idle.id());
        assert_eq!(
            (&ready["processes"][0]["name"], &ready["processes"][0]["data_plane"]),
            (&"sleep".into(), &"unknown".into())
        );
        assert!(
            ready["probes"].as_array().unwrap().contains(&"sock_recv_length".into()),
            "{ready}"
        );
        observer.signal(signal);
        let (lines, code) = observer.end();
        assert_eq!((code, &last(&lines)["type"]), (Some(0), &"summary".into()), "{lines}");
    }
}

#[test]
fn a_duration_ends_by_itself() {
    let idle = Running::idle();
    let (lines, code) = Observer::start(&["--pid", &idle.id(), "--duration", "0.1", "--fail-on-mismatch"]).end();
    assert_eq!((code, &last(&lines)["type"]), (Some(0), &"summary".into()), "{lines}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let idle = Running::idle();
    let Observer { mut process, lines, .. } = Observer::start(&["--pid", &idle.id(), "--duration", "0.3"]);
    drop(lines);
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_process_that_ends_does_not_end_the_run() {
    let idle = Running::idle();
    let observer = Observer::start(&["--pid", &idle.id()]);
    drop(idle);
    observer.signal(Signal::INT);
    let (lines, code) = observer.end();
    assert_eq!((code, &last(&lines)["type"]), (Some(0), &"summary".into()), "{lines}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(BINARY)
        .args(["observe", "--pid", "1", "--metrics-addr", &address])
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(&address), "{log}");
}

#[test]
fn metrics_are_served_while_watching() {
    let idle = Running::idle();
    // Two runs may not share a port: the kernel chooses one, which is free again a moment later.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let observer = Observer::start(&["--pid", &idle.id(), "--metrics-addr", &address.to_string()]);
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.contains("gwobs_build_info") && page.ends_with("# EOF\n"), "{page}");
    observer.signal(Signal::INT);
    assert_eq!(observer.end().1, Some(0));
}

/// Recordings of what the run read give the same lines again.
#[test]
fn a_recording_gives_the_same_output() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("recording");
    let lines = record_a_server(&file);
    let replayed = Command::new(BINARY)
        .args(["observe", "-o", "jsonl", "--replay"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(replayed.stdout).unwrap(), lines);
    let events = last(&lines)["events"].as_u64().unwrap();
    assert!(
        events >= 4,
        "a connection was opened, used both ways, and closed: {lines}"
    );
}

/// Watches a small HTTP server answer three requests, and records it.
fn record_a_server(file: &Path) -> String {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "http.server",
        "--bind",
        "127.0.0.1",
        "--protocol",
        "HTTP/1.1",
        &port.to_string(),
    ]);
    let server = Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
    let mut stream = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(_) => std::thread::yield_now(),
        }
    };
    let observer = Observer::start(&["--pid", &server.id(), "--record", file.to_str().unwrap()]);
    for _ in 0..3 {
        stream.write_all(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = [0; 4096];
        assert!(stream.read(&mut answer).unwrap() > 0);
    }
    observer.signal(Signal::INT);
    let (lines, code) = observer.end();
    assert_eq!(code, Some(0), "{lines}");
    lines
}
