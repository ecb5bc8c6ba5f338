//! The one table of probes, and what each needs.

/// A BPF program and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Hook {
    /// Name of the program in the object, and name of the hook as users see it.
    pub name: &'static str,
    /// Where it goes.
    pub(super) attach: Attach,
    /// What a kernel must have for it.
    pub needs: &'static str,
}

/// Ways to attach a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attach {
    /// A tracepoint, with typed arguments (`tp_btf`), of the program's own name.
    Tracepoint,
}

/// Programs that are attached as long as the probes live.
pub(super) const HOOKS: &[Hook] = &[
    Hook {
        name: "sock_recv_length",
        attach: Attach::Tracepoint,
        needs: "Linux 6.3",
    },
    Hook {
        name: "sock_send_length",
        attach: Attach::Tracepoint,
        needs: "Linux 6.3",
    },
    Hook {
        name: "inet_sock_set_state",
        attach: Attach::Tracepoint,
        needs: "Linux 5.6",
    },
    Hook {
        name: "tcp_destroy_sock",
        attach: Attach::Tracepoint,
        needs: "Linux 5.5",
    },
    Hook {
        name: "sched_process_fork",
        attach: Attach::Tracepoint,
        needs: "Linux 5.5",
    },
    Hook {
        name: "sched_process_exec",
        attach: Attach::Tracepoint,
        needs: "Linux 5.5",
    },
    Hook {
        name: "sched_process_exit",
        attach: Attach::Tracepoint,
        needs: "Linux 5.5",
    },
];

/// Iterators over the open files of all tasks, run when a process is first followed.
pub(super) const ITERATORS: &[&str] = &[LISTENERS, CONNECTIONS];
/// Tells where followed processes listen.
pub(super) const LISTENERS: &str = "discover_listeners";
/// Enters open connections into the table of connections.
pub(super) const CONNECTIONS: &str = "discover_connections";

/// Probes on TLS calls, attached to single processes.
pub(super) const TLS_PROGRAMS: [&str; 5] = [TLS_ENTER, TLS_LEAVE, TLS_REPORT, GO_TLS_ENTER, GO_TLS_LEAVE];
/// The entry of a C function.
pub(super) const TLS_ENTER: &str = "tls_enter";
/// The return of a C function.
pub(super) const TLS_LEAVE: &str = "tls_leave";
/// The entry of the C function that reports errors.
pub(super) const TLS_REPORT: &str = "tls_report";
/// The entry of a Go method.
pub(super) const GO_TLS_ENTER: &str = "go_tls_enter";
/// A return instruction of a Go method.
pub(super) const GO_TLS_LEAVE: &str = "go_tls_leave";
