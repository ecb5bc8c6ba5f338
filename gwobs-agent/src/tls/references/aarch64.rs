//! aarch64: `adrp register, page` and then `add register, register, offset`; or `adr register, address` (Arm Architecture
//! Reference Manual, C6.2).

use std::ops::Range;

use super::{Branch, Reference};

/// Instructions between the two, at most: compilers keep them close.
const MAX_DISTANCE: usize = 16;

/// A page that a register holds, and the number of the instruction that put it there.
type Pages = [Option<(u64, usize)>; 32];

pub(super) fn find(code: &[u8], address: u64, targets: &[u64]) -> Vec<Reference> {
    let mut pages: Pages = [None; 32];
    let mut found = Vec::new();
    // Segments begin at pages and pieces are multiples of them, so instructions are where they seem to be.
    for (number, word) in code.as_chunks::<4>().0.iter().enumerate() {
        let word = u32::from_le_bytes(*word);
        let at = address.wrapping_add(number as u64 * 4);
        let target = complete(word, at, number, &mut pages);
        if let Some(target) = target.filter(|target| targets.binary_search(target).is_ok()) {
            found.push(Reference { at, target });
        }
    }
    found
}

/// The address that an instruction completes.
fn complete(word: u32, at: u64, number: usize, pages: &mut Pages) -> Option<u64> {
    if let Some((register, page)) = adrp(word, at) {
        *pages.get_mut(register)? = Some((page, number));
        return None;
    }
    if word & 0x9f00_0000 == 0x1000_0000 {
        return Some(at.wrapping_add_signed(immediate_21(word)));
    }
    let (from, offset) = add(word)?;
    let (page, since) = (*pages.get(from)?)?;
    (number - since <= MAX_DISTANCE).then(|| page.wrapping_add(offset))
}

/// `adrp`: its register, and the page.
pub(super) fn adrp(word: u32, at: u64) -> Option<(usize, u64)> {
    if word & 0x9f00_0000 != 0x9000_0000 {
        return None;
    }
    let page = (at & !0xfff).wrapping_add_signed(immediate_21(word) << 12);
    Some(((word & 31) as usize, page))
}

/// `add x, x, #imm12`: the register that is read, and the number.
fn add(word: u32) -> Option<(usize, u64)> {
    let is_add = word & 0xffc0_0000 == 0x9100_0000;
    is_add.then_some(((word >> 5 & 31) as usize, u64::from(word >> 10 & 0xfff)))
}

/// `immhi:immlo`, signed.
fn immediate_21(word: u32) -> i64 {
    let bits = (word >> 5 & 0x7_ffff) << 2 | word >> 29 & 3;
    i64::from((bits << 11).cast_signed() >> 11)
}

/// `bl`, `b` and `b.cond`, `cbz`, `cbnz`.
pub(super) fn branches(code: &[u8], address: u64, into: &Range<u64>) -> Vec<Branch> {
    let words = code.as_chunks::<4>().0.iter().enumerate();
    words
        .filter_map(|(number, word)| {
            let at = address.wrapping_add(number as u64 * 4);
            let word = u32::from_le_bytes(*word);
            let target = at.wrapping_add_signed(distance(word)?);
            into.contains(&target).then_some(Branch {
                at,
                target,
                is_call: word >> 26 == 0b100101,
            })
        })
        .collect()
}

fn distance(word: u32) -> Option<i64> {
    if word & 0x7c00_0000 == 0x1400_0000 {
        Some(i64::from((word << 6).cast_signed() >> 4))
    } else if word & 0xff00_0000 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
        Some(i64::from((word << 8).cast_signed() >> 13 << 2))
    } else {
        None
    }
}
