//! Header sections: the decoder against another one, and against one that joined late.
#![no_main]

use gwobs_fuzz::Input;
use gwobs_http::http2::hpack::{Decoder, HpackError, Line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let (mut decoder, mut late, mut oracle) = (Decoder::new(), Decoder::new(), Some(loona_hpack::Decoder::new()));
    oracle.iter_mut().for_each(|oracle| oracle.set_max_allowed_table_size(1 << 16));
    while !input.is_empty() {
        if input.byte() == 0 {
            late.lose();
        }
        let section = input.bytes();
        let read = decoder.decode(&section, usize::MAX);
        let read_late = late.decode(&section, usize::MAX);
        match &mut oracle {
            Some(other) if is_comparable(&section, &read) => {
                let expected = other.decode(&section).ok();
                assert_eq!(read.as_ref().ok().map(|(lines, _)| pairs(lines)), expected);
            }
            _ => oracle = None,
        }
        let Ok((lines, true)) = read else { return };
        let Ok((known, true)) = read_late else { panic!("what can be read can be read later") };
        assert_eq!(lines.len(), known.len());
        for (line, known) in lines.iter().zip(known) {
            assert!(known.name.is_none() || known.name == line.name);
            assert!(known.value.is_none() || known.value == line.value);
        }
    }
});

/// The other decoder takes longer integers and misplaced changes of the table size, but none at the end of a section, and
/// tables that are larger than kept here.
fn is_comparable(section: &[u8], read: &Result<(Vec<Line>, bool), HpackError>) -> bool {
    let changes_size = section.first().is_some_and(|first| first >> 5 == 1);
    !changes_size && !matches!(read, Err(HpackError::Misplaced | HpackError::Integer))
}

fn pairs(lines: &[Line]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let part = |part: &Option<bytes::Bytes>| part.as_ref().expect("nothing is unknown from the start").to_vec();
    lines.iter().map(|line| (part(&line.name), part(&line.value))).collect()
}
