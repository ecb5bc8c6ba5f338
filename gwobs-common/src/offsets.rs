//! Where fields of kernel structures lie on the running kernel.

macro_rules! offsets {
    ($($(#[$doc:meta])* $field:ident: $kind:ident . $($path:ident).+,)+) => {
        /// Byte offsets, worked out from the kernel's BTF at start-up and passed to the programs as one global
        /// (compilers for Rust emit no CO-RE relocations).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[repr(C)]
        pub struct Offsets { $($(#[$doc])* pub $field: u32,)+ }

        impl Offsets {
            /// Before the agent has looked them up.
            pub const UNSET: Self = Self { $($field: 0,)+ };
            /// Of a field of [`OPTIONAL`] structures that the running kernel does not have.
            pub const ABSENT: u32 = u32::MAX;

            /// Looks every field up: `find(structure, path)` answers the offset of the nested member.
            ///
            /// # Errors
            /// The first error of `find`.
            pub fn resolve<E>(mut find: impl FnMut(&'static str, &'static [&'static str]) -> Result<u32, E>) -> Result<Self, E> {
                Ok(Self { $($field: find(stringify!($kind), &[$(stringify!($path)),+])?,)+ })
            }
        }
    };
}

/// Structures that a kernel built without such sockets does not have.
pub const OPTIONAL: [&str; 2] = ["unix_sock", "mptcp_sock"];

offsets! {
    /// Address family, u16.
    sock_family: sock.__sk_common.skc_family,
    /// TCP state, u8.
    sock_state: sock.__sk_common.skc_state,
    /// Peer's port, big endian u16.
    sock_peer_port: sock.__sk_common.skc_dport,
    /// Own port, host order u16.
    sock_local_port: sock.__sk_common.skc_num,
    /// Peer's IPv4 address.
    sock_peer_v4: sock.__sk_common.skc_daddr,
    /// Own IPv4 address.
    sock_local_v4: sock.__sk_common.skc_rcv_saddr,
    /// Peer's IPv6 address.
    sock_peer_v6: sock.__sk_common.skc_v6_daddr,
    /// Own IPv6 address.
    sock_local_v6: sock.__sk_common.skc_v6_rcv_saddr,
    /// Flags, u64; bit 1 (`SOCK_DONE`) is set once the peer's FIN has arrived.
    sock_flags: sock.__sk_common.skc_flags,
    /// Protocol, u16.
    sock_protocol: sock.sk_protocol,
    /// Type (`SOCK_STREAM` and others), u16.
    sock_type: sock.sk_type,
    /// The `struct pid` of who made the other end of a unix socket.
    sock_peer_pid: sock.sk_peer_pid,
    /// The cookie, u64; 0 before somebody asked for it.
    sock_cookie: sock.__sk_common.skc_cookie,
    /// A process's number in the outermost namespace, i32.
    pid_number: pid.numbers,
    /// The address of a unix socket; null if it has none.
    unix_address: unix_sock.addr,
    /// The other end of a unix socket.
    unix_peer: unix_sock.peer,
    /// 1 if a connection of multipath TCP was accepted.
    mptcp_accepted: mptcp_sock.pm.server_side,
    /// The `struct socket` that files refer to.
    sock_socket: sock.sk_socket,
    /// Position after the last byte the process has read.
    tcp_copied_seq: tcp_sock.copied_seq,
    /// Position after the last byte the process has written.
    tcp_write_seq: tcp_sock.write_seq,
    /// Position after the last byte that has arrived, FIN included.
    tcp_rcv_nxt: tcp_sock.rcv_nxt,
    /// Bytes that have arrived, FIN included, u64.
    tcp_bytes_received: tcp_sock.bytes_received,
    /// The `struct sock` of a `struct socket`.
    socket_sk: socket.sk,
    /// The `struct socket` of a file that is one.
    file_private_data: file.private_data,
    /// Open files of a task.
    task_files: task_struct.files,
    /// Thread group id.
    task_tgid: task_struct.tgid,
    /// Parent.
    task_real_parent: task_struct.real_parent,
    /// State shared by the threads of a process.
    task_signal: task_struct.signal,
    /// Command name, 16 bytes.
    task_comm: task_struct.comm,
    /// Number of live threads, i32.
    signal_live: signal_struct.live.counter,
    /// Current table of open files.
    files_fdt: files_struct.fdt,
    /// Size of that table, u32.
    fdt_max_fds: fdtable.max_fds,
    /// Array of pointers to files.
    fdt_fd: fdtable.fd,
}

#[cfg(feature = "user")]
// SAFETY: `repr(C)` of `u32` only: no padding, every bit pattern is valid.
unsafe impl aya::Pod for Offsets {}
