//! The system call that the current task is in: what `pt_regs` says, and whether its file is a certain socket.

use aya_ebpf::bindings::task_struct;
use aya_ebpf::helpers::generated::{bpf_get_current_task_btf, bpf_probe_read_user, bpf_task_pt_regs};
use gwobs_common::record::left_out;
use gwobs_common::table::RECEIVE;

use crate::kernel::{Object, offset, read};

/// The user memory of a call: one buffer, and then an array of further ones.
#[derive(Clone, Copy)]
pub struct Buffers {
    /// The buffer at hand.
    pub address: u64,
    /// Its length.
    pub length: u64,
    /// Array of `struct iovec`.
    pub vectors: u64,
    /// Elements of the array that are left.
    pub count: u64,
}

/// A system call as the task made it.
struct Call {
    number: u64,
    fd: u64,
    second: u64,
    third: u64,
    /// False once the call has its result: what happens now is work on the way back to user space.
    running: bool,
}

/// How the arguments of a call lead to its memory.
enum Shape {
    Buffer,
    Vectors,
    Message,
    Messages,
    Unreadable,
}

/// `struct iovec`, and the part of `struct user_msghdr` that is of interest.
const MESSAGE_VECTORS: u64 = 16;

/// Finds the memory of a call on `sock`; `Err` says why there is none (`left_out`).
///
/// io_uring, and kernel users of sockets, move bytes while the registers describe another call, or none. The registers
/// are believed only if a call is running, moves bytes in this direction, and its file is this very socket.
#[inline(always)]
pub fn buffers(sock: Object, direction: u8) -> Result<Buffers, u8> {
    // SAFETY: no arguments; the current task always exists.
    let task = unsafe { bpf_get_current_task_btf() };
    let call = call(task);
    if !call.running {
        return Err(left_out::NOT_THIS_SOCKET);
    }
    let shape = shape(call.number, direction)?;
    if matches!(shape, Shape::Unreadable) {
        return Err(left_out::NO_BUFFER);
    }
    if !is_file_of(task.cast::<u8>(), call.fd as u32, sock) {
        return Err(left_out::NOT_THIS_SOCKET);
    }
    match shape {
        Shape::Buffer => Ok(Buffers {
            address: call.second,
            length: call.third,
            vectors: 0,
            count: 0,
        }),
        Shape::Vectors => Ok(Buffers {
            address: 0,
            length: 0,
            vectors: call.second,
            count: call.third,
        }),
        Shape::Messages if call.third != 1 => Err(left_out::NO_BUFFER),
        _ => {
            let [vectors, count] = read_user(call.second.wrapping_add(MESSAGE_VECTORS)).ok_or(left_out::FAULT)?;
            Ok(Buffers {
                address: 0,
                length: 0,
                vectors,
                count,
            })
        }
    }
}

/// Reads two words of user memory.
#[inline(always)]
pub fn read_user(address: u64) -> Option<[u64; 2]> {
    let mut words = [0u64; 2];
    // SAFETY: the helper checks the user address, and writes the 16 bytes of `words`.
    let result = unsafe { bpf_probe_read_user((&raw mut words).cast(), 16, address as *const _) };
    (result == 0).then_some(words)
}

/// Whether a descriptor of the task is a file of this socket: `task->files->fdt->fd[fd]->private_data == sock->sk_socket`.
/// Never cached: descriptors are closed and given out again.
#[inline(always)]
fn is_file_of(task: Object, fd: u32, sock: Object) -> bool {
    let look = || {
        let socket: u64 = read(sock, offset!(sock_socket))?;
        let files: Object = read(task, offset!(task_files))?;
        let table: Object = read(files, offset!(files_fdt))?;
        let size: u32 = read(table, offset!(fdt_max_fds))?;
        let array: Object = read(table, offset!(fdt_fd))?;
        if fd >= size {
            return Ok(false);
        }
        let file: Object = read(array.wrapping_add(fd as usize * 8), 0)?;
        let private: u64 = read(file, offset!(file_private_data))?;
        Ok::<bool, gwobs_common::counter::Counter>(socket != 0 && private == socket)
    };
    look().unwrap_or(false)
}

#[cfg(bpf_target_arch = "x86_64")]
#[inline(always)]
fn call(task: *mut task_struct) -> Call {
    /// The kernel enters a system call with this in `rax`, and puts the result there when the call is done.
    const ENOSYS: u64 = (-38i64) as u64;
    // SAFETY: the helper answers the registers of the task, which the verifier lets us read.
    unsafe {
        let registers = bpf_task_pt_regs(task) as *const aya_ebpf::bindings::pt_regs;
        Call {
            number: (*registers).orig_rax,
            fd: (*registers).rdi,
            second: (*registers).rsi,
            third: (*registers).rdx,
            running: (*registers).rax == ENOSYS,
        }
    }
}

/// The goroutine that made the system call, if the task runs a Go program: the register that Go keeps it in.
#[cfg(bpf_target_arch = "x86_64")]
#[inline(always)]
pub fn goroutine() -> u64 {
    // SAFETY: no arguments; the current task always exists, and its registers may be read.
    unsafe {
        let registers = bpf_task_pt_regs(bpf_get_current_task_btf()) as *const aya_ebpf::bindings::pt_regs;
        (*registers).r14
    }
}

/// As above.
#[cfg(bpf_target_arch = "aarch64")]
#[inline(always)]
pub fn goroutine() -> u64 {
    // SAFETY: no arguments; the current task always exists.
    let registers: Object = unsafe { bpf_task_pt_regs(bpf_get_current_task_btf()) } as Object;
    read::<u64>(registers, 28 * 8).unwrap_or_default()
}

/// Not tested on this architecture. `x0` holds the descriptor until the result replaces it, the number is in `x8`; a result
/// that happens to equal the descriptor is not told from a running call, so here io_uring work for the same socket on the
/// way out of a call on that socket could be given that call's buffer.
#[cfg(bpf_target_arch = "aarch64")]
#[inline(always)]
fn call(task: *mut task_struct) -> Call {
    /// Of `struct pt_regs`: `regs[31]`, `sp`, `pc`, `pstate`, `orig_x0`.
    const ORIG_X0: u32 = 34 * 8;
    // SAFETY: the helper answers the registers of the task.
    let registers: Object = unsafe { bpf_task_pt_regs(task) } as Object;
    let word = |offset: u32| read::<u64>(registers, offset).unwrap_or(u64::MAX);
    let (fd, original) = (word(0), word(ORIG_X0));
    Call {
        number: word(8 * 8),
        fd: original,
        second: word(8),
        third: word(2 * 8),
        running: fd == original,
    }
}

#[cfg(bpf_target_arch = "x86_64")]
mod number {
    pub const READ: u64 = 0;
    pub const WRITE: u64 = 1;
    pub const READV: u64 = 19;
    pub const WRITEV: u64 = 20;
    pub const SENDFILE: u64 = 40;
    pub const SENDTO: u64 = 44;
    pub const RECVFROM: u64 = 45;
    pub const SENDMSG: u64 = 46;
    pub const RECVMSG: u64 = 47;
    pub const SPLICE: u64 = 275;
    pub const RECVMMSG: u64 = 299;
    pub const SENDMMSG: u64 = 307;
    pub const PREADV2: u64 = 327;
    pub const PWRITEV2: u64 = 328;
}

#[cfg(bpf_target_arch = "aarch64")]
mod number {
    pub const READ: u64 = 63;
    pub const WRITE: u64 = 64;
    pub const READV: u64 = 65;
    pub const WRITEV: u64 = 66;
    pub const SENDFILE: u64 = 71;
    pub const SPLICE: u64 = 76;
    pub const SENDTO: u64 = 206;
    pub const RECVFROM: u64 = 207;
    pub const SENDMSG: u64 = 211;
    pub const RECVMSG: u64 = 212;
    pub const RECVMMSG: u64 = 243;
    pub const SENDMMSG: u64 = 269;
    pub const PREADV2: u64 = 286;
    pub const PWRITEV2: u64 = 287;
}

/// What a system call does with a socket; an error if it cannot have moved these bytes by itself.
#[inline(always)]
fn shape(number: u64, direction: u8) -> Result<Shape, u8> {
    if direction == RECEIVE {
        match number {
            number::READ | number::RECVFROM => Ok(Shape::Buffer),
            number::READV | number::PREADV2 => Ok(Shape::Vectors),
            number::RECVMSG => Ok(Shape::Message),
            number::RECVMMSG => Ok(Shape::Messages),
            _ => Err(left_out::NOT_THIS_SOCKET),
        }
    } else {
        match number {
            number::WRITE | number::SENDTO => Ok(Shape::Buffer),
            number::WRITEV | number::PWRITEV2 => Ok(Shape::Vectors),
            number::SENDMSG => Ok(Shape::Message),
            number::SENDMMSG => Ok(Shape::Messages),
            number::SENDFILE | number::SPLICE => Ok(Shape::Unreadable),
            _ => Err(left_out::NOT_THIS_SOCKET),
        }
    }
}
