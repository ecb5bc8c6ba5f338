//! Where a function's arguments are when it begins, and its results when it ends.

use aya_ebpf::bindings::pt_regs;

/// The user registers that a probe sees, as words.
#[derive(Clone, Copy)]
pub struct Registers(*const u64);

/// What a call passes.
#[derive(Clone, Copy)]
pub struct Arguments {
    pub object: u64,
    pub buffer: u64,
    pub third: u64,
    pub fourth: u64,
}

#[cfg(bpf_target_arch = "x86_64")]
mod slot {
    //! `struct pt_regs` of x86-64: r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di.
    /// System V.
    pub const C_ARGUMENTS: [usize; 4] = [14, 13, 12, 11];
    pub const C_RESULT: usize = 10;
    /// Go's ABIInternal: AX, BX, CX, DI … are the first words of the arguments and of the results.
    pub const GO_WORDS: [usize; 3] = [10, 5, 11];
    /// The running goroutine.
    pub const GOROUTINE: usize = 1;
}

#[cfg(bpf_target_arch = "aarch64")]
mod slot {
    //! `struct user_pt_regs` of arm64: x0 to x30.
    pub const C_ARGUMENTS: [usize; 4] = [0, 1, 2, 3];
    pub const C_RESULT: usize = 0;
    /// Go's ABIInternal.
    pub const GO_WORDS: [usize; 3] = [0, 1, 2];
    /// The running goroutine.
    pub const GOROUTINE: usize = 28;
}

impl Registers {
    pub fn of(registers: *mut pt_regs) -> Self {
        Self(registers.cast_const().cast())
    }

    #[inline(always)]
    fn word(self, index: usize) -> u64 {
        // SAFETY: the context of the probe; volatile so that each word is read by itself, at a constant offset, as the
        // verifier wants it.
        unsafe { self.0.add(index).read_volatile() }
    }

    /// Arguments of a C function.
    #[inline(always)]
    pub fn c_arguments(self) -> Arguments {
        let [first, second, third, fourth] = slot::C_ARGUMENTS;
        Arguments {
            object: self.word(first),
            buffer: self.word(second),
            third: self.word(third),
            fourth: self.word(fourth),
        }
    }

    /// Result of a C function that answers an `int`.
    #[inline(always)]
    pub fn c_result(self) -> i32 {
        self.word(slot::C_RESULT) as i32
    }

    /// Receiver and first two words of the arguments of a Go method.
    #[inline(always)]
    pub fn go_arguments(self) -> Arguments {
        let [first, second, third] = slot::GO_WORDS;
        Arguments {
            object: self.word(first),
            buffer: self.word(second),
            third: self.word(third),
            fourth: 0,
        }
    }

    /// First two words of the results of a Go function.
    #[inline(always)]
    pub fn go_results(self) -> [u64; 2] {
        let [first, second, _] = slot::GO_WORDS;
        [self.word(first), self.word(second)]
    }

    /// The running goroutine.
    #[inline(always)]
    pub fn goroutine(self) -> u64 {
        self.word(slot::GOROUTINE)
    }
}
