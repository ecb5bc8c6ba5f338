use super::*;

fn read(coded: &[u8]) -> Result<Vec<u8>, HpackError> {
    let mut out = Vec::new();
    decode(coded, &mut out).map(|()| out)
}

/// The code of a symbol, as appendix B lists it.
fn code(symbol: usize) -> (u32, usize) {
    let length = usize::from(LENGTHS[symbol]);
    let codes = CODES[length];
    let symbols = &SYMBOLS[codes.offset..codes.offset + codes.count as usize];
    let index = symbols.iter().position(|&other| usize::from(other) == symbol).unwrap();
    (codes.first + u32::try_from(index).unwrap(), length)
}

fn encode(text: &[u8]) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    for &byte in text {
        let (code, length) = code(byte.into());
        bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
    }
    bits.resize(bits.len().next_multiple_of(8), true);
    bits.chunks(8)
        .map(|byte| byte.iter().fold(0, |sum, &bit| sum << 1 | u8::from(bit)))
        .collect()
}

/// Samples over all lengths from the table of appendix B.
#[test]
fn codes_are_those_of_the_rfc() {
    let table = [
        (0, 0x1ff8, 13),
        (10, 0x3fff_fffc, 30),
        (b'0'.into(), 0x0, 5),
        (b'a'.into(), 0x3, 5),
        (b't'.into(), 0x9, 5),
        (b' '.into(), 0x14, 6),
        (b':'.into(), 0x5c, 7),
        (b'&'.into(), 0xf8, 8),
        (b'!'.into(), 0x3f8, 10),
        (b'|'.into(), 0x7fc, 11),
        (b'#'.into(), 0xffa, 12),
        (b'~'.into(), 0x1ffd, 13),
        (b'^'.into(), 0x3ffc, 14),
        (b'<'.into(), 0x7ffc, 15),
        (b'\\'.into(), 0x7fff0, 19),
        (128, 0xf_ffe6, 20),
        (230, 0x1f_ffe8, 21),
        (255, 0x3ff_ffee, 26),
        (256, 0x3fff_ffff, 30),
    ];
    for (symbol, expected, length) in table {
        assert_eq!(code(symbol), (expected, length), "{symbol}");
    }
}

#[test]
fn every_symbol_round_trips() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(read(&encode(&all)), Ok(all.clone()));
    for byte in all {
        assert_eq!(read(&encode(&[byte])), Ok(vec![byte]));
        assert_eq!(read(&encode(&[byte, b'0', byte])), Ok(vec![byte, b'0', byte]));
    }
}

#[test]
fn padding_is_the_start_of_the_end_symbol_and_short() {
    assert_eq!(read(&[]), Ok(vec![]));
    assert_eq!(read(&[0b0001_1111]), Ok(vec![b'a']));
    assert_eq!(read(&[0b0001_1110]), Err(HpackError::Huffman), "not all ones");
    assert_eq!(
        read(&[0b0001_1111, 0xff]),
        Err(HpackError::Huffman),
        "longer than seven bits"
    );
    assert_eq!(read(&[0xff]), Err(HpackError::Huffman), "eight bits");
    assert_eq!(read(&[0xff; 4]), Err(HpackError::Huffman), "the end symbol itself");
}
