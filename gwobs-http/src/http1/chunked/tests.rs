use super::*;

/// The data of a chunked body, what is left of the input, and how it ended.
fn read(input: &[u8]) -> (Vec<u8>, usize, BodyStep) {
    let mut chunk = Chunk::Bytes(Bytes::copy_from_slice(input));
    let (mut chunked, mut data) = (Chunked::new(), Vec::new());
    loop {
        match chunked.advance(&mut chunk) {
            BodyStep::Data { bytes, .. } => data.extend(bytes),
            step => return (data, usize::try_from(chunk.len()).unwrap(), step),
        }
    }
}

#[test]
fn well_formed() {
    let table: [(&[u8], &[u8]); 8] = [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"A;x=\"y\"\r\n0123456789\r\n00;z\r\n\r\n", b"0123456789"),
        (b"1 \r\na\r\n1\t;x\r\nb\r\n0\r\n\r\n", b"ab"),
        (b"1\na\n0\n\n", b"a"),
        (b"1\r\na\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", b"a"),
        (b"0000000000000001\r\na\r\n0\r\n\r\n", b"a"),
        (b"0\r\nx\n\n", b""),
    ];
    for (input, data) in table {
        let with_more = [input, b"GET"].concat();
        assert_eq!(read(&with_more), (data.to_vec(), 3, BodyStep::End), "{input:?}");
    }
}

#[test]
fn malformed() {
    let long_line = [b"1;".as_slice(), &[b'x'; MAX_CHUNK_LINE + 1]].concat();
    let long_trailers = [b"0\r\n".as_slice(), &b"a: b\r\n".repeat(MAX_TRAILERS / 6 + 1)].concat();
    let table: [&[u8]; 10] = [
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b" 1\r\n",
        b"1\rx",
        b"1\r\nab",
        b"1\r\na\rx",
        b"00000000000000001\r\n",
        &long_line,
        &long_trailers,
    ];
    for input in table {
        assert_eq!(
            read(input).2,
            BodyStep::Invalid(Fault::Chunking),
            "{:?}",
            input.get(..20)
        );
    }
}

#[test]
fn a_gap_is_length_in_data_and_a_fault_elsewhere() {
    let mut chunked = Chunked::new();
    assert_eq!(
        chunked.advance(&mut Chunk::Bytes(Bytes::from_static(b"ff\r\n"))),
        BodyStep::NeedMore
    );
    assert_eq!(chunked.remaining(), 255);
    let mut gap = Chunk::Gap(256);
    assert_eq!(
        chunked.advance(&mut gap),
        BodyStep::Data {
            length: 255,
            bytes: Bytes::new()
        }
    );
    assert_eq!(chunked.advance(&mut gap), BodyStep::Invalid(Fault::Gap));
}

/// The kernel side leaves data out up to its very end.
#[test]
fn a_gap_that_ends_with_the_data_leaves_the_framing_readable() {
    let (mut chunked, mut data) = (Chunked::new(), 0);
    let inputs = [
        Chunk::Bytes(Bytes::from_static(b"ff\r\n")),
        Chunk::Gap(255),
        Chunk::Bytes(Bytes::from_static(b"\r\n3\r\nabc\r\n0\r\n\r\n")),
    ];
    let mut last = BodyStep::NeedMore;
    for mut input in inputs {
        last = loop {
            match chunked.advance(&mut input) {
                BodyStep::Data { length, .. } => data += length,
                step => break step,
            }
        };
    }
    assert_eq!((data, last), (258, BodyStep::End));
}
