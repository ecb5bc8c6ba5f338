//! x86-64: `lea register, [rip + displacement]`, and in programs at fixed addresses `mov register, address`.

use std::ops::Range;

use memchr::{memchr_iter, memmem};

use super::{Branch, Reference};

/// Operation code of `lea`.
const LEA: u8 = 0x8d;
/// Bytes of `lea register, [rip + displacement]`, of which the prefix comes before the operation code.
const LEA_LENGTH: u64 = 7;

/// Instructions are not decoded one by one: an address that matches in all its 32 bits is no accident, and if it is one,
/// what is made of it does not fit.
pub(super) fn find(code: &[u8], address: u64, targets: &[u64]) -> Vec<Reference> {
    let mut found: Vec<Reference> = memchr_iter(LEA, code)
        .filter_map(|at| lea(code, address, at))
        .filter(|reference| targets.binary_search(&reference.target).is_ok())
        .collect();
    for target in targets {
        if let Ok(short) = u32::try_from(*target) {
            found.extend(moves(code, address, short));
        }
    }
    found
}

fn lea(code: &[u8], address: u64, at: usize) -> Option<Reference> {
    let start = at.checked_sub(1)?;
    let &[prefix, _, operands, a, b, c, d] = code.get(start..)?.first_chunk()?;
    let is_wide = matches!(prefix, 0x48 | 0x4c);
    let is_relative = operands & 0xc7 == 0x05;
    let begin = address.wrapping_add(start as u64);
    let displacement = i64::from(i32::from_le_bytes([a, b, c, d]));
    (is_wide && is_relative).then(|| Reference {
        at: begin,
        target: begin.wrapping_add(LEA_LENGTH).wrapping_add_signed(displacement),
    })
}

/// `mov r32, imm32` and `mov r64, imm32`.
fn moves(code: &[u8], address: u64, target: u32) -> Vec<Reference> {
    let bytes = target.to_le_bytes();
    memmem::find_iter(code, &bytes)
        .filter_map(|at| {
            let length = match code.get(..at)? {
                [.., 0xb8..=0xbf] => 1,
                [.., 0x48 | 0x49, 0xc7, 0xc0..=0xc7] => 3,
                _ => return None,
            };
            Some(Reference {
                at: address.wrapping_add((at - length) as u64),
                target: u64::from(target),
            })
        })
        .collect()
}

/// `call rel32`, `jmp rel32` and the conditional jumps of that size.
pub(super) fn branches(code: &[u8], address: u64, into: &Range<u64>) -> Vec<Branch> {
    const LENGTH: usize = 5;
    code.windows(LENGTH)
        .enumerate()
        .filter_map(|(at, window)| {
            let &[operation, a, b, c, d] = window else { return None };
            let before = at.checked_sub(1).and_then(|before| code.get(before));
            let is_conditional = operation & 0xf0 == 0x80 && before == Some(&0x0f);
            if !matches!(operation, 0xe8 | 0xe9) && !is_conditional {
                return None;
            }
            let begin = address.wrapping_add(at as u64);
            let distance = i64::from(i32::from_le_bytes([a, b, c, d]));
            let target = begin.wrapping_add(LENGTH as u64).wrapping_add_signed(distance);
            into.contains(&target).then_some(Branch {
                at: begin,
                target,
                is_call: operation == 0xe8,
            })
        })
        .collect()
}
