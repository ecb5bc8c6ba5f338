use super::*;

fn frame(length: u32, kind: u8, flags: u8, stream: u32) -> FrameHeader {
    let [_, a, b, c] = length.to_be_bytes();
    let [w, x, y, z] = stream.to_be_bytes();
    FrameHeader::parse([a, b, c, kind, flags, w, x, y, z])
}

#[test]
fn all_parts() {
    let header = frame(0x01_02_03, 1, 0x25, 0x8000_0007);
    assert_eq!(
        (header.length, header.kind, header.stream),
        (0x01_02_03, Kind::Headers, 7)
    );
    assert!(header.has(flag::END_STREAM) && header.has(flag::END_HEADERS) && header.has(flag::PRIORITY));
    assert!(!header.has(flag::PADDED));
}

#[test]
fn rules_of_each_type() {
    let valid = [
        frame(5, 0, 0, 1),
        frame(0, 1, 4, 3),
        frame(5, 2, 0, 3),
        frame(4, 3, 0, 3),
        frame(0, 4, 1, 0),
        frame(12, 4, 0, 0),
        frame(4, 5, 4, 1),
        frame(8, 6, 0, 0),
        frame(8, 7, 0, 0),
        frame(4, 8, 0, 0),
        frame(4, 8, 0, 9),
        frame(1, 9, 4, 1),
        frame(77, 200, 255, 0),
    ];
    let invalid = [
        frame(5, 0, 0, 0),
        frame(5, 1, 4, 0),
        frame(4, 2, 0, 3),
        frame(5, 3, 0, 3),
        frame(6, 4, 1, 0),
        frame(7, 4, 0, 0),
        frame(6, 4, 0, 1),
        frame(4, 5, 4, 0),
        frame(8, 6, 0, 1),
        frame(7, 7, 0, 0),
        frame(5, 8, 0, 0),
        frame(1, 9, 4, 0),
    ];
    assert!(valid.iter().all(|header| header.check().is_ok()));
    assert!(invalid.iter().all(|header| header.check() == Err(Fault::Syntax)));
}

#[test]
fn out_of_context_only_what_is_sent() {
    assert!(frame(100, 0, 1, 1).is_plausible(1 << 14));
    assert!(!frame(1 << 15, 0, 1, 1).is_plausible(1 << 14), "longer than allowed");
    assert!(!frame(100, 0, 0x4, 1).is_plausible(1 << 14), "a flag without meaning");
    assert!(!frame(100, 0, 1, 0x8000_0001).is_plausible(1 << 14), "the reserved bit");
    assert!(!frame(100, 11, 0, 1).is_plausible(1 << 14), "an extension");
}
