//! The error reports of a C library: calls that pass the library's number, a function's number, a reason, and the name of
//! the source file (`ERR_put_error(library, function, reason, file, line)` of BoringSSL and OpenSSL 1.1).

mod aarch64;
mod x86_64;

use std::collections::BTreeSet;
use std::ops::Range;

use super::image::Image;
use super::layout::Architecture;

/// What one error report passes. A number that is not a constant there is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Site {
    pub(super) library: Option<u32>,
    pub(super) function: Option<u32>,
    pub(super) reason: Option<u32>,
    /// Where the reporting function is, if it is called directly.
    pub(super) callee: Option<u64>,
}

/// What a function does that tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Profile {
    /// Its error reports that pass the name of the source file.
    pub(super) sites: Vec<Site>,
    /// All calls whose first argument is a small number.
    pub(super) numbered: Vec<Site>,
    /// Addresses it calls or jumps to directly, outside itself.
    pub(super) calls: BTreeSet<u64>,
}

impl Profile {
    /// The reasons it reports for a library.
    pub(super) fn reasons(&self, library: u32) -> BTreeSet<u32> {
        let of_library = self.sites.iter().filter(|site| site.library == Some(library));
        of_library.filter_map(|site| site.reason).collect()
    }
}

/// Looks into a function. `files` are the addresses of the name of the source file, sorted.
pub(super) fn profile(image: &Image, function: &Range<u64>, files: &[u64]) -> Profile {
    let code = image
        .at(function.start, function.end.saturating_sub(function.start))
        .unwrap_or_default();
    profile_code(image.architecture(), &code, function.start, files)
}

/// The same for a piece of code.
pub(super) fn profile_code(architecture: Architecture, code: &[u8], address: u64, files: &[u64]) -> Profile {
    match architecture {
        Architecture::X86_64 => x86_64::profile(code, address, files),
        Architecture::Aarch64 => aarch64::profile(code, address, files),
    }
}

/// The argument registers as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
struct Arguments {
    /// The first three.
    numbers: [Option<u32>; 3],
    /// One of them holds the name of the source file.
    has_file: bool,
}

impl Arguments {
    fn set(&mut self, index: usize, value: Option<u32>) {
        if let Some(number) = self.numbers.get_mut(index) {
            *number = value;
        }
    }

    fn site(&self, callee: Option<u64>) -> Option<Site> {
        self.has_file.then(|| self.call(callee))
    }

    fn numbered(&self, callee: Option<u64>) -> Option<Site> {
        let [first, ..] = self.numbers;
        first.map(|_| self.call(callee))
    }

    fn call(&self, callee: Option<u64>) -> Site {
        let [library, function, reason] = self.numbers;
        Site {
            library,
            function,
            reason,
            callee,
        }
    }
}

/// Instructions that are followed from a jump to the call that several reports share.
const MAX_SHARED: usize = 12;
