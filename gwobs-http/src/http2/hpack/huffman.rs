//! The Huffman code: RFC 7541 section 5.2 and appendix B.
//!
//! The code is canonical: within one length, codes follow one another in the order of their symbols, and the first code
//! of a length follows from the lengths before. So the lengths alone say everything, and decoding compares with the
//! first code of each length.

use super::HpackError;

/// Ends every padding; never sent as a symbol.
const EOS: u16 = 256;
const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// Bits of the code of every symbol, [`EOS`] last (appendix B).
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, //
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, //
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, //
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, //
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, //
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, //
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, //
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// The codes of one length.
#[derive(Clone, Copy)]
struct Codes {
    /// The first of them.
    first: u32,
    /// How many there are.
    count: u32,
    /// Where their symbols begin in [`SYMBOLS`].
    offset: usize,
}

/// By length.
const CODES: [Codes; LONGEST + 1] = codes();
/// Ordered by length of the code, then by symbol.
const SYMBOLS: [u16; 257] = symbols();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn codes() -> [Codes; LONGEST + 1] {
    let mut codes = [Codes {
        first: 0,
        count: 0,
        offset: 0,
    }; LONGEST + 1];
    let mut symbol = 0;
    while symbol < LENGTHS.len() {
        codes[LENGTHS[symbol] as usize].count += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length <= LONGEST {
        let before = codes[length - 1];
        codes[length].first = (before.first + before.count) << 1;
        codes[length].offset = before.offset + before.count as usize;
        length += 1;
    }
    codes
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
#[expect(clippy::cast_possible_truncation, reason = "there are 257 symbols")]
const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let (mut next, mut length) = (0, 0);
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                symbols[next] = symbol as u16;
                next += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
}

/// Appends what `coded` stands for.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), HpackError> {
    let (mut bits, mut count, mut coded) = (0_u64, 0_usize, coded.iter());
    loop {
        while count < LONGEST
            && let Some(&byte) = coded.next()
        {
            (bits, count) = (bits << 8 | u64::from(byte), count + 8);
        }
        let padding = (1_u64 << count) - 1;
        if count < 8 && bits & padding == padding {
            return Ok(());
        }
        let (symbol, length) = symbol(window(bits, count)).ok_or(HpackError::Huffman)?;
        count = count.checked_sub(length).ok_or(HpackError::Huffman)?;
        out.push(u8::try_from(symbol).map_err(|_| HpackError::Huffman)?);
    }
}

/// The next [`LONGEST`] of the last `count` bits, filled up with ones.
fn window(bits: u64, count: usize) -> u32 {
    let window = match count.checked_sub(LONGEST) {
        Some(more) => bits >> more,
        None => !(!bits << (LONGEST - count)),
    };
    (window & ((1 << LONGEST) - 1)) as u32
}

/// The symbol at the front of a window, and the length of its code.
fn symbol(window: u32) -> Option<(u16, usize)> {
    let by_length = CODES.iter().enumerate().skip(SHORTEST);
    for (length, codes) in by_length {
        let index = (window >> (LONGEST - length)).wrapping_sub(codes.first);
        if index < codes.count {
            let symbol = *SYMBOLS.get(codes.offset + index as usize)?;
            return (symbol != EOS).then_some((symbol, length));
        }
    }
    None
}

#[cfg(test)]
mod tests;
