//! aarch64: arguments in `w0`, `w1`, `w2`, then `x3` and `w4` (Arm Architecture Reference Manual, C6.2).

use super::super::layout::Architecture;
use super::super::references::in_code;
use super::{Arguments, MAX_SHARED, Profile, Site};

pub(super) fn profile(code: &[u8], address: u64, files: &[u64]) -> Profile {
    let references = in_code(Architecture::Aarch64, code, address, files);
    let completes = |at: u64| references.binary_search_by_key(&at, |reference| reference.at).is_ok();
    let words: Vec<u32> = code
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect();
    let mut profile = Profile::default();
    let mut state = Arguments::default();
    for (number, &word) in words.iter().enumerate() {
        let at = address.wrapping_add(number as u64 * 4);
        match branch(word, at) {
            Branch::Call(target) => {
                profile.calls.insert(target);
                profile.sites.extend(state.site(Some(target)));
                profile.numbered.extend(state.numbered(Some(target)));
                state = Arguments::default();
            }
            Branch::Jump(target) => {
                let inside = target.wrapping_sub(address) < code.len() as u64;
                if !inside {
                    profile.calls.insert(target);
                }
                profile.sites.extend(follow(&words, address, target, state, &completes));
                state = Arguments::default();
            }
            Branch::Away => state = Arguments::default(),
            Branch::None => step(&mut state, word, completes(at)),
        }
    }
    profile
}

/// Several reports may share the call: one sets its arguments and jumps there.
fn follow(
    words: &[u32],
    address: u64,
    target: u64,
    mut state: Arguments,
    completes: &impl Fn(u64) -> bool,
) -> Option<Site> {
    let first = usize::try_from(target.checked_sub(address)? / 4).ok()?;
    for number in first..first.saturating_add(MAX_SHARED) {
        let at = address.wrapping_add(number as u64 * 4);
        let word = *words.get(number)?;
        match branch(word, at) {
            Branch::Call(target) => return state.site(Some(target)),
            Branch::None => step(&mut state, word, completes(at)),
            Branch::Jump(_) | Branch::Away => return None,
        }
    }
    None
}

enum Branch {
    /// `bl`
    Call(u64),
    /// `b`
    Jump(u64),
    /// `blr`, `br`, `ret`
    Away,
    /// Anything else, conditional branches too.
    None,
}

fn branch(word: u32, at: u64) -> Branch {
    let target = || at.wrapping_add_signed(i64::from((word << 6).cast_signed() >> 4));
    match word {
        _ if word & 0xfc00_0000 == 0x9400_0000 => Branch::Call(target()),
        _ if word & 0xfc00_0000 == 0x1400_0000 => Branch::Jump(target()),
        _ if word & 0xfe1f_fc1f == 0xd61f_0000 => Branch::Away,
        _ => Branch::None,
    }
}

fn step(state: &mut Arguments, word: u32, completes_file: bool) {
    state.has_file |= completes_file;
    let register = (word & 31) as usize;
    let is_move = word & 0x7fe0_0000 == 0x5280_0000;
    let copies_zero = word & 0x7fff_ffe0 == 0x2a1f_03e0;
    if is_move {
        state.set(register, Some(word >> 5 & 0xffff));
    } else if copies_zero {
        state.set(register, Some(0));
    } else if register < 3 && writes_register(word) {
        state.set(register, None);
    }
}

/// Data processing and loads write their first register; stores, compares (to register 31) and branches do not.
fn writes_register(word: u32) -> bool {
    let is_data_processing = matches!(word >> 25 & 0xf, 0b1000 | 0b1001 | 0b0101 | 0b1101);
    let is_load = word >> 25 & 0b0101 == 0b0100 && word >> 22 & 1 == 1;
    is_data_processing || is_load
}
