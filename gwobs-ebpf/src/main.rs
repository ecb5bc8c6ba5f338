//! The BPF programs of gwobs. Each is a thin probe, bound to one hook, around a `try_` body that does not know the hook;
//! the error that a body gives up with is counted. The agent's table of probes says what each hook needs.
//!
//! Every program leaves after one table look-up when it is not about a followed process or a known connection.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod abi;
mod chunks;
mod connection;
mod discover;
mod emit;
mod frames;
mod go_error;
mod kernel;
mod maps;
mod process;
mod registers;
mod segments;
mod tcp_state;
mod tls;
mod transfer;
mod unread;

use abi::Registers;
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_get_attach_cookie;
use aya_ebpf::macros::{btf_tracepoint, uprobe, uretprobe};
use aya_ebpf::programs::{BtfTracePointContext, ProbeContext, RetProbeContext};
use aya_log_ebpf::debug;
use gwobs_common::counter::Counter;
use gwobs_common::table::{RECEIVE, SEND};

/// What a body ends with; the counter is of the group `Error`.
type Outcome = Result<(), Counter>;

#[btf_tracepoint(function = "sock_recv_length")]
pub fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    let (length, flags) = (ctx.arg::<i32>(1), ctx.arg::<i32>(2));
    conclude(&ctx, transfer::try_transfer(ctx.arg(0), length, flags, RECEIVE))
}

#[btf_tracepoint(function = "sock_send_length")]
pub fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    let (length, flags) = (ctx.arg::<i32>(1), ctx.arg::<i32>(2));
    conclude(&ctx, transfer::try_transfer(ctx.arg(0), length, flags, SEND));
    conclude(&ctx, tls::try_sent(length))
}

#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn inet_sock_set_state(ctx: BtfTracePointContext) -> i32 {
    conclude(&ctx, tcp_state::try_change(ctx.arg(0), ctx.arg::<i32>(2)))
}

#[btf_tracepoint(function = "tcp_destroy_sock")]
pub fn tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    conclude(&ctx, tcp_state::try_destroy(ctx.arg(0)))
}

#[btf_tracepoint(function = "sched_process_fork")]
pub fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    conclude(&ctx, process::try_fork(ctx.arg(1)))
}

#[btf_tracepoint(function = "sched_process_exec")]
pub fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    conclude(&ctx, process::try_exec(ctx.arg(0)))
}

#[btf_tracepoint(function = "sched_process_exit")]
pub fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    conclude(&ctx, process::try_exit(ctx.arg(0)))
}

/// A function of OpenSSL or BoringSSL begins.
#[uprobe]
pub fn tls_enter(ctx: ProbeContext) -> u32 {
    let registers = Registers::of(ctx.regs);
    let (tid, _) = kernel::current();
    let outcome = tls::try_enter(function(&ctx), u64::from(tid), registers.c_arguments());
    conclude(&ctx, outcome) as u32
}

/// OpenSSL or BoringSSL reports an error.
#[uprobe]
pub fn tls_report(ctx: ProbeContext) -> u32 {
    let registers = Registers::of(ctx.regs);
    let (tid, _) = kernel::current();
    let outcome = tls::try_report(function(&ctx), u64::from(tid), registers.c_arguments());
    conclude(&ctx, outcome) as u32
}

/// A function of OpenSSL or BoringSSL ends.
#[uretprobe]
pub fn tls_leave(ctx: RetProbeContext) -> u32 {
    let ending = tls::Ending::C(Registers::of(ctx.regs).c_result());
    let (tid, _) = kernel::current();
    let outcome = tls::try_leave(function(&ctx), u64::from(tid), ending);
    conclude(&ctx, outcome) as u32
}

/// A method of Go's `tls.Conn` begins. Begins again after its stack had to grow, with the same arguments.
#[uprobe]
pub fn go_tls_enter(ctx: ProbeContext) -> u32 {
    let registers = Registers::of(ctx.regs);
    let outcome = tls::try_enter(function(&ctx), registers.goroutine(), registers.go_arguments());
    conclude(&ctx, outcome) as u32
}

/// A return instruction of a method of Go's `tls.Conn`.
#[uprobe]
pub fn go_tls_leave(ctx: ProbeContext) -> u32 {
    let registers = Registers::of(ctx.regs);
    let ending = tls::Ending::Go(registers.go_results());
    let outcome = tls::try_leave(function(&ctx), registers.goroutine(), ending);
    conclude(&ctx, outcome) as u32
}

/// Which function is probed (`gwobs_common::tls::function`).
#[inline(always)]
fn function(ctx: &impl EbpfContext) -> u64 {
    // SAFETY: the context of the probe.
    unsafe { bpf_get_attach_cookie(ctx.as_ptr()) }
}

/// Counts why a body gave up. The message costs nothing unless the agent asks for it: the level is a constant for the
/// verifier.
#[inline(always)]
fn conclude(ctx: &impl EbpfContext, outcome: Outcome) -> i32 {
    if let Err(counter) = outcome {
        maps::count(counter);
        debug!(ctx, "gave up: counter {}", counter as u32);
    }
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Helpers that read kernel memory are for programs under this licence only; the kernel asks the object for it.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
