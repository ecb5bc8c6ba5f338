use super::*;

fn finish(head: &'static [u8]) -> (Bytes, Bytes) {
    let mut buffer = HeadBuffer::default();
    assert_eq!(buffer.push(&mut Bytes::from_static(head)), Progress::Complete);
    buffer.finish()
}

#[test]
fn end_is_an_empty_line_with_any_line_ends() {
    let table: [(&[u8], Option<usize>); 7] = [
        (b"a\r\n\r\nb", Some(5)),
        (b"a\n\nb", Some(3)),
        (b"a\r\n\nb", Some(4)),
        (b"a\n\r\nb", Some(4)),
        (b"a\r\n\r", None),
        (b"a\r\r\n b", None),
        (b"a\n\r \n", None),
    ];
    for (bytes, expected) in table {
        assert_eq!(EndFinder::default().find(bytes), expected, "{bytes:?}");
        let mut finder = EndFinder::default();
        let found = (0..bytes.len()).find(|&at| finder.find(&bytes[at..=at]).is_some());
        assert_eq!(found.map(|at| at + 1), expected, "{bytes:?} byte by byte");
    }
}

#[test]
fn what_follows_the_head_is_left() {
    let mut input = Bytes::from_static(b"a\r\n\r\nbody");
    assert_eq!(HeadBuffer::default().push(&mut input), Progress::Complete);
    assert_eq!(input, b"body"[..]);
}

#[test]
fn length_is_bounded() {
    let mut exact = Bytes::from([vec![b'a'; MAX_HEAD - 2], b"\n\n".to_vec()].concat());
    assert_eq!(HeadBuffer::default().push(&mut exact), Progress::Complete);
    let mut longer = Bytes::from([vec![b'a'; MAX_HEAD - 1], b"\n\n".to_vec()].concat());
    assert_eq!(HeadBuffer::default().push(&mut longer), Progress::TooLong);
}

#[test]
fn names_are_lowered_and_values_are_not() {
    let (line, section) = finish(b"GET / HTTP/1.1\r\nX-Ab: Cd:Ef\r\nNoColon\r\n\r\n");
    assert_eq!(line, b"GET / HTTP/1.1"[..]);
    assert_eq!(section, b"x-ab: Cd:Ef\r\nNoColon\r\n\r\n"[..]);
}

#[test]
fn folds_become_blanks() {
    let (_, section) = finish(b"S\r\nA: b\r\n\tC: D\r\n  \r\nE: f\n g\n\n");
    assert_eq!(section, b"a: b  \tC: D    \r\ne: f  g\n\n"[..]);
    let values: Vec<_> = parse_fields(&section)
        .unwrap()
        .into_iter()
        .map(|field| field.value)
        .collect();
    assert_eq!(values, [&b"b  \tC: D"[..], b"f  g"]);
}

#[test]
fn a_fold_after_the_start_line_is_refused() {
    let (_, section) = finish(b"S\r\n A: b\r\n\r\n");
    assert_eq!(parse_fields(&section), Err(Fault::Syntax));
}

#[test]
fn fields_are_bounded() {
    let fields = |count: usize| Bytes::from([b"a: b\r\n".repeat(count), b"\r\n".to_vec()].concat());
    assert_eq!(parse_fields(&fields(MAX_FIELDS)).unwrap().len(), MAX_FIELDS);
    assert_eq!(parse_fields(&fields(MAX_FIELDS + 1)), Err(Fault::TooManyFields));
}

#[test]
fn malformed_fields_are_refused() {
    for section in [
        &b"a b: c\r\n\r\n"[..],
        b": c\r\n\r\n",
        b"a : c\r\n\r\n",
        b"a\r\n\r\n",
        b"a: \0\r\n\r\n",
    ] {
        assert_eq!(
            parse_fields(&Bytes::copy_from_slice(section)),
            Err(Fault::Syntax),
            "{section:?}"
        );
    }
}
