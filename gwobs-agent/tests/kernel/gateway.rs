//! A process that plays the gateway: forked from the test, so that it runs a closure with the test's own sockets.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The child, as the test sees it.
pub(crate) struct Gateway {
    pub(crate) pid: u32,
    go: PipeWriter,
    paused: PipeReader,
}

/// The test, as the child sees it.
pub(crate) struct Cues {
    go: PipeReader,
    paused: PipeWriter,
}

impl Gateway {
    /// Forks; of the descriptors of the test the child keeps `keep`, because other tests run in parallel. Returns when the
    /// child first pauses.
    pub(crate) fn start(keep: &[RawFd], body: impl FnOnce(&mut Cues)) -> Self {
        let (child_go, go) = pipe().unwrap();
        let (paused, child_paused) = pipe().unwrap();
        // SAFETY: the child runs on the one thread that it has, prints nothing, and leaves through `_exit`.
        match unsafe { libc::fork() } {
            -1 => panic!("fork: {}", std::io::Error::last_os_error()),
            0 => {
                let mut cues = Cues {
                    go: child_go,
                    paused: child_paused,
                };
                close_others(keep, &[cues.go.as_raw_fd(), cues.paused.as_raw_fd()]);
                let outcome = catch_unwind(AssertUnwindSafe(|| body(&mut cues)));
                // SAFETY: ends the child without running what belongs to the test.
                unsafe { libc::_exit(i32::from(outcome.is_err())) }
            }
            pid => {
                let mut gateway = Self {
                    pid: u32::try_from(pid).unwrap(),
                    go,
                    paused,
                };
                gateway.await_pause();
                gateway
            }
        }
    }

    /// Lets the child run on.
    pub(crate) fn go(&mut self) {
        self.go.write_all(b"g").unwrap();
    }

    /// Waits until the child pauses.
    pub(crate) fn await_pause(&mut self) {
        self.paused
            .read_exact(&mut [0])
            .expect("the gateway pauses instead of failing");
    }

    /// Waits for the end of the child, which must be a good one.
    pub(crate) fn finish(self) {
        assert_eq!(wait_for(self.pid), 0, "exit status of the gateway");
    }
}

impl Cues {
    /// Tells the test that the child has come this far, and waits for its word to go on.
    pub(crate) fn pause(&mut self) {
        self.paused.write_all(b"p").unwrap();
        self.go.read_exact(&mut [0]).unwrap();
    }
}

/// Waits for a child and answers its status.
pub(crate) fn wait_for(pid: u32) -> i32 {
    let mut status = 0;
    // SAFETY: a child of this process, and a place for its status.
    let waited = unsafe { libc::waitpid(i32::try_from(pid).unwrap(), &raw mut status, 0) };
    assert!(waited > 0, "waitpid: {}", std::io::Error::last_os_error());
    status
}

fn close_others(keep: &[RawFd], own: &[RawFd]) {
    const STANDARD: RawFd = 2;
    let mut kept: Vec<u32> = keep
        .iter()
        .chain(own)
        .filter(|fd| **fd > STANDARD)
        .map(|fd| u32::try_from(*fd).unwrap())
        .collect();
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept.into_iter().chain([u32::MAX]) {
        if first < fd {
            // SAFETY: these descriptors belong to parts of the test that do not run in the child.
            unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) };
        }
        first = fd.saturating_add(1);
    }
}

/// A listener on an ephemeral port of the loopback interface.
pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A connection over the loopback interface: the side that connected, the side that accepted.
pub(crate) fn connected_pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listener();
    let connected = TcpStream::connect(address).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    connected.set_nodelay(true).unwrap();
    accepted.set_nodelay(true).unwrap();
    (connected, accepted)
}

/// Takes over a descriptor.
pub(crate) fn owned(fd: RawFd) -> OwnedFd {
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the descriptor was just made and belongs to nobody else.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
