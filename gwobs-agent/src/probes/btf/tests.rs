use proptest::prelude::*;

use super::*;

/// `struct outer { int a; struct { union { int b; inner_t c; }; }; }`, `inner_t` a typedef of `struct { int d, e; }`.
fn sample() -> Vec<u8> {
    let strings = b"\0int\0outer\0a\0b\0c\0inner_t\0d\0e\0";
    let name = |wanted: &str| {
        let wanted = format!("\0{wanted}\0");
        let found = strings
            .windows(wanted.len())
            .position(|window| window == wanted.as_bytes())
            .unwrap();
        u32::try_from(found + 1).unwrap()
    };
    let composite = |kind: u32, members: u32| kind << 24 | members;
    let words = [
        // 1: int
        [name("int"), 1 << 24, 4].as_slice(),
        &[32],
        // 2: anonymous struct { d, e }
        &[0, composite(4, 2), 8, name("d"), 1, 0, name("e"), 1, 32],
        // 3: typedef inner_t
        &[name("inner_t"), 8 << 24, 2],
        // 4: anonymous union { b, c }
        &[0, composite(5, 2), 8, name("b"), 1, 0, name("c"), 3, 0],
        // 5: anonymous struct { union }, at bit 32
        &[0, composite(4, 1), 12, 0, 4, 32],
        // 6: outer
        &[name("outer"), composite(4, 2), 20, name("a"), 1, 0, 0, 5, 64],
    ]
    .concat();
    let types: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let length = u32::try_from(types.len()).unwrap();
    let mut data = Vec::new();
    data.extend(MAGIC.to_ne_bytes());
    data.extend([1, 0]);
    for word in [24, 0, length, length, u32::try_from(strings.len()).unwrap()] {
        data.extend(u32::to_ne_bytes(word));
    }
    data.extend(types);
    data.extend(strings);
    data
}

#[test]
fn finds_members_through_anonymous_types_and_typedefs() {
    let data = sample();
    let types = Types::parse(&data).unwrap();
    assert_eq!(types.offset("outer", &["a"]).unwrap(), 0);
    assert_eq!(types.offset("outer", &["b"]).unwrap(), 12);
    assert_eq!(types.offset("outer", &["c", "e"]).unwrap(), 16);
}

#[test]
fn names_what_is_missing() {
    let data = sample();
    let error = Types::parse(&data).unwrap().offset("outer", &["c", "f"]).unwrap_err();
    assert!(error.to_string().contains("outer.c.f"), "{error}");
}

proptest! {
    #[test]
    fn broken_input_never_panics(flips in prop::collection::vec((0..300usize, any::<u8>()), 1..8), cut in 0..300usize) {
        let mut data = sample();
        for (index, value) in flips {
            if let Some(byte) = data.get_mut(index) {
                *byte = value;
            }
        }
        data.truncate(data.len().saturating_sub(cut));
        if let Ok(types) = Types::parse(&data) {
            let _ = types.offset("outer", &["c", "e"]);
        }
    }
}
