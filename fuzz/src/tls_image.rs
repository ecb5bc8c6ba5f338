//! ELF images: a small one of either architecture, changed and cut, with code and constants from the fuzzer.

use gwobs_agent::tls::{Image, find};

use crate::input::Input;

/// What the search looks for.
const CONSTANTS: &[u8] =
    b"\0ssl/ssl_lib.c\0x/ssl/ssl_lib.cc\0SSL_read\0SSL_write\0SSL_do_handshake\0crypto/tls.(*Conn).Read\0crypto/tls.(*Conn).Write\0";
const CODE: usize = 0x400;
const TABLE: usize = 0x200;
const END: usize = 0x1000;

/// One input.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut bytes = image(&mut input);
    for _ in 0..input.byte() % 8 {
        let at = usize::from(input.number()) % bytes.len();
        bytes[at] = input.byte();
    }
    let keep = usize::from(input.number());
    if keep < END {
        bytes.truncate(keep);
    }
    if let Ok(image) = Image::from_bytes(bytes) {
        let _ = find(&image);
    }
}

/// Constants, a table of functions, code, and a section that claims to be Go's table.
fn image(input: &mut Input<'_>) -> Vec<u8> {
    let machine: u8 = if input.byte() % 2 == 0 { 62 } else { 183 };
    let mut bytes = vec![0; END];
    put(&mut bytes, 0, &header(machine));
    put(&mut bytes, 64, &segment(1, 4, 0x100, 0x300));
    put(&mut bytes, 120, &segment(1, 5, CODE, END - CODE));
    put(&mut bytes, 176, &segment(0x6474_e550, 4, TABLE, 0x100));
    put(&mut bytes, 0x100, CONSTANTS);
    let functions = input.byte() % 16;
    put(&mut bytes, TABLE, &[1, 0x1b, 3, 0x3b, 0, 0, 0, 0, functions, 0, 0, 0]);
    for number in 0..usize::from(functions) {
        let offset = u32::from(input.number() % 0xc00) + 0x200;
        put(&mut bytes, TABLE + 12 + 8 * number, &offset.to_le_bytes());
    }
    let length = usize::from(input.number()) % (END - CODE);
    let code = input.take(length);
    put(&mut bytes, CODE, code);
    bytes
}

fn header(machine: u8) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".to_vec();
    bytes.extend([machine, 0, 1, 0, 0, 0]);
    bytes.extend([0, 64, 0].map(u64::to_le_bytes).concat());
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 3, 0, 64, 0, 0, 0, 0, 0]);
    bytes
}

fn segment(kind: u32, flags: u32, offset: usize, size: usize) -> Vec<u8> {
    let mut bytes = [kind, flags].map(u32::to_le_bytes).concat();
    let (offset, size) = (offset as u64, size as u64);
    bytes.extend([offset, offset, offset, size, size, 1].map(u64::to_le_bytes).concat());
    bytes
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    bytes[at..at + what.len()].copy_from_slice(what);
}
