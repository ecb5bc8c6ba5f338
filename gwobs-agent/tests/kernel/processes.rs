//! Trees of processes, and threads.

use std::ffi::CString;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::process::Command;
use std::thread;

use gwobs_agent::event::{Data, EventKind, KernelEvent};
use gwobs_agent::probes::{Config, ProbeError};

use crate::gateway::{Gateway, listener, wait_for};
use crate::observer::{Observer, whole};

fn fork(body: impl FnOnce()) -> u32 {
    // SAFETY: the child leaves through `_exit`.
    match unsafe { libc::fork() } {
        0 => {
            body();
            // SAFETY: ends the child.
            unsafe { libc::_exit(0) }
        }
        pid => u32::try_from(pid).unwrap(),
    }
}

fn serve_one(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 7]).unwrap();
}

fn ask(address: std::net::SocketAddr) -> std::net::SocketAddr {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"request").unwrap();
    let _ = stream.read(&mut [0]).unwrap();
    stream.local_addr().unwrap()
}

fn data_events(events: &[KernelEvent]) -> impl Iterator<Item = (&KernelEvent, &Data)> {
    events.iter().filter_map(|event| match &event.kind {
        EventKind::Data(data) => Some((event, data)),
        _ => None,
    })
}

#[tokio::test]
async fn descendants_are_followed_those_of_before_and_those_of_later() {
    let (own, address) = listener();
    let mut gateway = Gateway::start(&[own.as_raw_fd()], |cues| {
        // A grandchild that is there before anybody follows; it serves the first request.
        let early = fork(|| {
            let grandchild = fork(|| serve_one(&own));
            wait_for(grandchild);
        });
        cues.pause();
        wait_for(early);
        // And one that comes later.
        let late = fork(|| {
            let grandchild = fork(|| serve_one(&own));
            wait_for(grandchild);
        });
        wait_for(late);
    });
    let mut observer = Observer::new();
    // The grandchild may just be being made: until it is told of or found, nothing is asked.
    let followed = observer.follow(&gateway);
    assert_eq!(followed.processes[0].pid, gateway.pid);
    gateway.go();
    let first = ask(address);
    let second = ask(address);
    let pid = gateway.pid;
    drop(own);
    observer.until_gone(gateway).await;
    assert_eq!(observer.streams(first).0, whole(b"request"));
    assert_eq!(observer.streams(second).0, whole(b"request"));
    let started = |parent: u32| {
        observer
            .events
            .iter()
            .filter(move |event| matches!(event.kind, EventKind::ProcessStarted { parent: p, .. } if p == parent))
    };
    let exited = observer
        .events
        .iter()
        .filter(|event| event.kind == EventKind::ProcessExited)
        .count();
    let late = started(pid).next_back().expect("the late child is told");
    assert_eq!(started(late.pid).count(), 1, "{:#?}", observer.events);
    assert_eq!(exited, 5);
    let servers: Vec<u32> = data_events(&observer.events).map(|(event, _)| event.pid).collect();
    assert_ne!(servers[0], servers[1]);
    assert!(!servers.contains(&pid));
}

#[tokio::test]
async fn executing_a_program_is_told_with_its_name() {
    let mut gateway = Gateway::start(&[], |cues| {
        cues.pause();
        let path = CString::new("/bin/true").unwrap();
        let arguments = [path.as_ptr(), std::ptr::null()];
        // SAFETY: terminated strings, and a terminated list of them.
        unsafe { libc::execv(path.as_ptr(), arguments.as_ptr()) };
        panic!("{}", std::io::Error::last_os_error());
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let pid = gateway.pid;
    observer.until_gone(gateway).await;
    let told = observer.events.iter().any(|event| {
        event.pid == pid
            && event.kind
                == EventKind::ProcessStarted {
                    parent: std::process::id(),
                    name: "true".to_owned(),
                }
    });
    assert!(told, "{:#?}", observer.events);
}

#[tokio::test]
async fn threads_are_told_apart_and_are_no_processes() {
    let (own, address) = listener();
    let mut gateway = Gateway::start(&[own.as_raw_fd()], |cues| {
        cues.pause();
        for _ in 0..2 {
            thread::scope(|scope| {
                scope.spawn(|| serve_one(&own));
            });
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    ask(address);
    ask(address);
    let pid = gateway.pid;
    drop(own);
    observer.until_gone(gateway).await;
    let threads: Vec<(u32, u32)> = data_events(&observer.events)
        .map(|(event, _)| (event.pid, event.tid))
        .collect();
    let [(first_pid, first), (second_pid, second)] = threads[..] else {
        panic!("{threads:?}")
    };
    assert_eq!((first_pid, second_pid), (pid, pid));
    assert!(first != pid && second != pid && first != second);
    let about_processes = observer
        .events
        .iter()
        .filter(|e| matches!(e.kind, EventKind::ProcessStarted { .. } | EventKind::ProcessExited));
    assert_eq!(about_processes.count(), 1);
}

/// A gateway that is started anew is seen from its first byte, by the name of its command.
#[tokio::test]
async fn a_command_that_is_executed_later_is_followed_by_its_name() {
    const NAME: &str = "gwobs-by-name";
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join(NAME);
    std::fs::copy("/bin/bash", &program).unwrap();
    let (own, address) = listener();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{}; printf request >&3", address.port());
    let mut observer = Observer::new();
    observer.probes.follow_name(NAME).unwrap();
    for _ in 0..2 {
        let mut child = Command::new(&program).args(["-c", &script]).spawn().unwrap();
        own.accept().unwrap().0.read_exact(&mut [0; 7]).unwrap();
        child.wait().unwrap();
        let pid = child.id();
        observer
            .until("its end", |event| {
                event.pid == pid && event.kind == EventKind::ProcessExited
            })
            .await;
        let name = observer.events.iter().find_map(|event| match &event.kind {
            EventKind::ProcessStarted { name, .. } if event.pid == pid => Some(name.as_str()),
            _ => None,
        });
        assert_eq!(name, Some(NAME));
        let said: Vec<&[u8]> = data_events(&observer.events)
            .filter(|(event, _)| event.pid == pid)
            .map(|(_, data)| &*data.bytes)
            .collect();
        assert_eq!(said, [b"request"]);
    }
}

#[tokio::test]
async fn strangers_are_not_seen() {
    let (own, address) = listener();
    let mut gateway = Gateway::start(&[], |cues| cues.pause());
    let mut observer = Observer::new();
    observer.follow(&gateway);
    let server = thread::spawn(move || serve_one(&own));
    ask(address);
    server.join().unwrap();
    gateway.go();
    observer.until_gone(gateway).await;
    assert_eq!(observer.events.len(), 1, "{:#?}", observer.events);
}

#[tokio::test]
async fn what_cannot_be_followed_is_said() {
    let mut observer = Observer::new();
    let error = observer.probes.follow(u32::MAX / 4).unwrap_err();
    assert!(matches!(error, ProbeError::NoSuchProcess { .. }), "{error}");
    let error = observer.probes.follow(std::process::id()).unwrap_err();
    assert!(matches!(error, ProbeError::OwnProcess), "{error}");
}

/// What the programs say to their developers needs a ring buffer and programs of its own kind: they must pass the
/// verifier as well.
#[tokio::test]
async fn the_messages_for_developers_can_be_switched_on() {
    let mut gateway = Gateway::start(&[], |cues| cues.pause());
    let mut observer = Observer::with(&Config {
        kernel_log: true,
        ..Config::default()
    });
    observer.follow(&gateway);
    gateway.go();
    observer.until_gone(gateway).await;
}
