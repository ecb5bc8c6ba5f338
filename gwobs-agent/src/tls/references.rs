//! Where code takes an address.

mod aarch64;
mod x86_64;

use std::ops::Range;

use super::image::Image;
use super::layout::Architecture;

/// An instruction that completes an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    /// Of the instruction.
    pub(super) at: u64,
    /// The address it makes.
    pub(super) target: u64,
}

/// A direct call or jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Branch {
    /// Of the instruction.
    pub(super) at: u64,
    /// Where it goes.
    pub(super) target: u64,
    /// It will come back.
    pub(super) is_call: bool,
}

/// References that are kept, at most: a source file of a TLS library has some hundred error reports.
const MAX_REFERENCES: usize = 4096;

/// Longest run of instructions that make up one address.
const OVERLAP: usize = 128;

/// All instructions that take one of these addresses, in order. `targets` are sorted.
pub(super) fn find(image: &Image, targets: &[u64]) -> Vec<Reference> {
    let mut found = Vec::new();
    if targets.is_empty() {
        return found;
    }
    image.visit(super::layout::Segment::is_code, OVERLAP, |address, bytes| {
        if found.len() < MAX_REFERENCES {
            found.extend(in_code(image.architecture(), bytes, address, targets));
        }
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// Direct calls and jumps into a part of the code.
pub(super) fn branches(image: &Image, into: &Range<u64>) -> Vec<Branch> {
    let mut found = Vec::new();
    image.visit(super::layout::Segment::is_code, OVERLAP, |address, code| {
        if found.len() < MAX_REFERENCES {
            found.extend(match image.architecture() {
                Architecture::X86_64 => x86_64::branches(code, address, into),
                Architecture::Aarch64 => aarch64::branches(code, address, into),
            });
        }
    });
    found
}

/// The references of a piece of code.
pub(super) fn in_code(architecture: Architecture, code: &[u8], address: u64, targets: &[u64]) -> Vec<Reference> {
    match architecture {
        Architecture::X86_64 => x86_64::find(code, address, targets),
        Architecture::Aarch64 => aarch64::find(code, address, targets),
    }
}
