//! Integers: RFC 7541 section 5.1.

use super::HpackError;

/// Bytes after the prefix that are read: four hold 28 bits, far beyond any index or length that is taken.
const MAX_CONTINUATION: usize = 4;

/// Takes an integer with a prefix of `bits` bits off the front of `input`; bits before the prefix are ignored.
pub(super) fn decode(input: &mut &[u8], bits: u32) -> Result<usize, HpackError> {
    let mask = (1_usize << bits) - 1;
    let (&first, mut rest) = input.split_first().ok_or(HpackError::Truncated)?;
    let mut value = usize::from(first) & mask;
    if value == mask {
        let mut shift = 0;
        loop {
            let (&byte, after) = rest.split_first().ok_or(HpackError::Truncated)?;
            rest = after;
            value += usize::from(byte & 0x7f) << shift;
            shift += 7;
            match byte & 0x80 {
                0 => break,
                _ if shift >= 7 * MAX_CONTINUATION => return Err(HpackError::Integer),
                _ => {}
            }
        }
    }
    *input = rest;
    Ok(value)
}

#[cfg(test)]
mod tests;
