use super::*;

fn read(bytes: &[u8], bits: u32) -> Result<(usize, usize), HpackError> {
    let mut rest = bytes;
    decode(&mut rest, bits).map(|value| (value, bytes.len() - rest.len()))
}

/// RFC 7541 appendix C.1, with bits of other meaning set before the prefix.
#[test]
fn examples_of_the_rfc() {
    assert_eq!(read(&[0b1110_1010], 5), Ok((10, 1)));
    assert_eq!(read(&[0b0001_1111, 0b1001_1010, 0b0000_1010, 9], 5), Ok((1337, 3)));
    assert_eq!(read(&[0b0010_1010], 8), Ok((42, 1)));
}

#[test]
fn the_largest_and_beyond() {
    assert_eq!(read(&[0x7f, 0xff, 0xff, 0xff, 0x7f], 7), Ok((127 + (1 << 28) - 1, 5)));
    assert_eq!(read(&[0x7f, 0xff, 0xff, 0xff, 0xff, 0], 7), Err(HpackError::Integer));
}

#[test]
fn cut_short() {
    assert_eq!(read(&[], 7), Err(HpackError::Truncated));
    assert_eq!(read(&[0x7f], 7), Err(HpackError::Truncated));
    assert_eq!(read(&[0x7f, 0x80], 7), Err(HpackError::Truncated));
}
