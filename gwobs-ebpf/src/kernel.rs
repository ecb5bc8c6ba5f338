//! Reading the kernel's structures, whose offsets the agent provides.

use aya_ebpf::helpers;
use gwobs_common::counter::Counter;
use gwobs_common::offsets::Offsets;

/// A kernel structure, or null; reading through it never faults.
pub type Object = *const u8;

/// Set by the agent before loading; constants for the verifier.
#[unsafe(no_mangle)]
pub static OFFSETS: Offsets = Offsets::UNSET;

/// Offset of a field on the running kernel.
macro_rules! offset {
    ($field:ident) => {
        // SAFETY: a static; volatile because the agent changes it before the program is loaded.
        unsafe { (&raw const $crate::kernel::OFFSETS.$field).read_volatile() }
    };
}
pub(crate) use offset;

/// Reads a field.
#[inline(always)]
pub fn read<T: Copy>(object: Object, offset: u32) -> Result<T, Counter> {
    let field = object.wrapping_add(offset as usize).cast::<T>();
    // SAFETY: the helper checks the address; every `T` read here is made of integers or pointers.
    unsafe { helpers::bpf_probe_read_kernel(field) }.map_err(|_| Counter::KernelRead)
}

/// Thread and process (thread group) id of the current task.
#[inline(always)]
pub fn current() -> (u32, u32) {
    let both = helpers::bpf_get_current_pid_tgid();
    (both as u32, (both >> 32) as u32)
}

/// The kernel's name of a socket for its whole life.
#[inline(always)]
pub fn cookie(sock: Object) -> u64 {
    // SAFETY: `sock` is an argument of the hook, or was walked to from one, with its type known to the verifier.
    unsafe { helpers::generated::bpf_get_socket_cookie(sock.cast_mut().cast()) }
}

/// Nanoseconds of `CLOCK_BOOTTIME`.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no arguments.
    unsafe { helpers::generated::bpf_ktime_get_boot_ns() }
}
