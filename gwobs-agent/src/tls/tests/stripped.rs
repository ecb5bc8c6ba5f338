//! Stripped programs, in small: the same code as in real ones, for both architectures.

use super::assembler::{BOTH, Code, Machine};
use super::elf::{CODE, Parts};
use crate::tls::{Evidence, Function, Image, Library, Points, Returns, find};

/// Where errors are reported.
const REPORT: u64 = CODE.1;

/// A program that is being written.
pub(super) struct Program {
    pub(super) parts: Parts,
    code: Code,
}

impl Program {
    pub(super) fn new(machine: Machine) -> Self {
        let mut program = Self {
            parts: Parts::default(),
            code: Code::at(machine, CODE.1),
        };
        program.function(|code| {
            code.finish();
        });
        program
    }

    /// Adds a function, answers its address.
    pub(super) fn function(&mut self, write: impl FnOnce(&mut Code)) -> u64 {
        let start = self.code.here();
        self.parts.functions.push(start);
        write(&mut self.code);
        self.code.finish().align();
        start
    }

    pub(super) fn image(mut self) -> Vec<u8> {
        self.parts.code = self.code.bytes;
        self.parts.image(self.code.machine)
    }

    fn points(self) -> Option<Points> {
        find(&Image::from_bytes(self.image()).unwrap()).ok()
    }
}

/// `ERR_put_error(16, 0, reason, file, line)`; answers where the call is.
fn report(code: &mut Code, reason: u16, file: u64) -> u64 {
    let call = code.number(0, 16).zero(1).number(2, reason).take(3, file).here();
    code.call(REPORT);
    call
}

/// The same by way of a call that another report ends with.
fn report_at(code: &mut Code, reason: u16, file: u64, call: u64) {
    code.number(0, 16).zero(1).number(2, reason).take(3, file).jump(call);
}

/// Where the functions of [`boringssl`] are.
#[derive(Debug, Default)]
struct Entries {
    reading: u64,
    peek: u64,
    write: u64,
    handshake: u64,
}

/// BoringSSL without `SSL_read`.
fn boringssl(program: &mut Program) -> Entries {
    let file = program.parts.text("external/boringssl+/ssl/ssl_lib.cc");
    let handshake = program.function(|code| {
        report(code, 134, file);
    });
    let reading = program.function(|code| {
        code.call(handshake);
        let shared = report(code, 226, file);
        report_at(code, 215, file, shared);
    });
    let peek = program.function(|code| {
        code.call(reading);
        report(code, 66, file);
    });
    let write = program.function(|code| {
        for reason in [66, 226, 111, 215] {
            report(code, reason, file);
        }
    });
    program.function(|code| {
        report(code, 226, file);
        report(code, 291, file);
    });
    Entries {
        reading,
        peek,
        write,
        handshake,
    }
}

fn offset(points: &Points, function: Function) -> Option<u64> {
    let point = points.points.iter().find(|point| point.function == function)?;
    Some(point.offset - CODE.0 + CODE.1)
}

#[test]
fn boringssl_with_peek_inside_read() {
    for machine in BOTH {
        let mut program = Program::new(machine);
        let entries = boringssl(&mut program);
        let points = program.points().expect("points");
        assert_eq!(points.library, Library::BoringSsl);
        assert!(!points.are_certain());
        assert_eq!(offset(&points, Function::Read), Some(entries.peek), "{machine:?}");
        assert_eq!(offset(&points, Function::Write), Some(entries.write));
        assert_eq!(offset(&points, Function::Handshake), Some(entries.handshake));
        assert_eq!(offset(&points, Function::PutReport), Some(REPORT));
        assert!(points.points.iter().all(|point| point.evidence == Evidence::ErrorSites));
    }
}

#[test]
fn boringssl_with_a_read_that_calls_peek() {
    for machine in BOTH {
        let mut program = Program::new(machine);
        let entries = boringssl(&mut program);
        let read = program.function(|code| {
            code.call(entries.peek);
        });
        assert_eq!(
            offset(&program.points().unwrap(), Function::Read),
            Some(read),
            "{machine:?}"
        );
    }
}

#[test]
fn boringssl_with_read_and_peek_alike() {
    for machine in BOTH {
        let mut program = Program::new(machine);
        let entries = boringssl(&mut program);
        let file = super::elf::CONSTANTS.1;
        program.function(|code| {
            code.call(entries.reading);
            report(code, 66, file);
        });
        assert_eq!(offset(&program.points().unwrap(), Function::Read), Some(entries.peek));
    }
}

#[test]
fn what_cannot_be_told_apart_is_not_found() {
    for machine in BOTH {
        let mut program = Program::new(machine);
        boringssl(&mut program);
        let file = super::elf::CONSTANTS.1;
        program.function(|code| {
            for reason in [66, 226, 111, 215] {
                report(code, reason, file);
            }
        });
        assert_eq!(program.points(), None);
    }
}

/// A function of OpenSSL 3: `ERR_set_debug(file, line, name)`.
fn named(program: &mut Program, name: &str, file: u64) -> u64 {
    let name = program.parts.text(name);
    program.function(|code| {
        code.take(2, name).number(1, 7).take(0, file).call(REPORT);
    })
}

#[test]
fn openssl_by_the_names_in_its_reports() {
    for machine in BOTH {
        let mut program = Program::new(machine);
        let file = program.parts.text("ssl/ssl_lib.c");
        let [_, read, write, _, handshake] = [
            "ssl_read_internal",
            "SSL_read",
            "SSL_write",
            "SSL_peek",
            "SSL_do_handshake",
        ]
        .map(|name| named(&mut program, name, file));
        program.function(|code| {
            code.call(read).call(write).call(handshake);
        });
        let points = program.points().expect("points");
        assert_eq!(points.library, Library::OpenSsl);
        assert_eq!(offset(&points, Function::Read), Some(read), "{machine:?}");
        assert_eq!(offset(&points, Function::Write), Some(write));
        assert_eq!(offset(&points, Function::Handshake), Some(handshake));
    }
}

#[test]
fn openssl_whose_compiler_moved_error_reports_away() {
    for machine in BOTH {
        let mut program = Program::new(machine);
        let file = program.parts.text("ssl/ssl_lib.c");
        let part = named(&mut program, "SSL_read", file);
        let write = named(&mut program, "SSL_write", file);
        let read = program.function(|code| {
            code.jump(part);
        });
        program.function(|code| {
            code.call(read).call(write);
        });
        let points = program.points().expect("points");
        assert_eq!(offset(&points, Function::Read), Some(read), "{machine:?}");
        assert_eq!(offset(&points, Function::Write), Some(write));
    }
}

#[test]
fn openssl_before_version_3_by_its_numbers() {
    for machine in BOTH {
        let mut program = Program::new(machine);
        let file = program.parts.text("../ssl/ssl_lib.c");
        let [read, write, _] = [223, 208, 523].map(|number| {
            program.function(|code| {
                code.number(0, 20)
                    .number(1, number)
                    .number(2, 271)
                    .take(3, file)
                    .call(REPORT);
            })
        });
        let points = program.points().expect("points");
        assert_eq!(offset(&points, Function::Read), Some(read), "{machine:?}");
        assert_eq!(offset(&points, Function::Write), Some(write));
        let evidence = points.points.iter().map(|point| (point.function, point.evidence));
        let expected = [
            (Function::Read, Evidence::OwnNumber),
            (Function::Write, Evidence::OwnNumber),
            (Function::PutReport, Evidence::ErrorSites),
        ];
        assert_eq!(evidence.collect::<Vec<_>>(), expected);
    }
}

/// Go's table of functions: `names` in the order of their addresses.
fn go_table(functions: &[(u64, &str)]) -> Vec<u8> {
    const HEADER: u64 = 72;
    let mut names = vec![0];
    let mut records = Vec::new();
    let entries = functions.len() * 8 + 4;
    let mut table = Vec::new();
    for (address, name) in functions {
        table.extend(u32::try_from(address - CODE.1).unwrap().to_le_bytes());
        table.extend(u32::try_from(entries + records.len()).unwrap().to_le_bytes());
        records.extend(0u32.to_le_bytes());
        records.extend(u32::try_from(names.len()).unwrap().to_le_bytes());
        names.extend(name.as_bytes());
        names.push(0);
    }
    table.extend(0x1000u32.to_le_bytes());
    let mut bytes = 0xffff_fff1u32.to_le_bytes().to_vec();
    bytes.extend([0, 0, 1, 8]);
    let after = HEADER + names.len() as u64;
    for word in [functions.len() as u64, 0, CODE.1, HEADER, after, after, after, after] {
        bytes.extend(word.to_le_bytes());
    }
    [bytes, names, table, records].concat()
}

/// A Go program with two functions of `crypto/tls`, of which one returns twice.
pub(super) fn go(machine: Machine) -> (Vec<u8>, [u64; 2]) {
    let mut program = Program::new(machine);
    let read = program.function(|code| {
        code.finish().number(0, 1);
    });
    let write = program.function(|code| {
        code.number(0, 1);
    });
    let end = program.function(|_| {});
    program.parts.section = Some((
        ".gopclntab",
        go_table(&[
            (CODE.1, "runtime.text"),
            (read, "crypto/tls.(*Conn).Read"),
            (write, "crypto/tls.(*Conn).Write"),
            (end, "crypto/tls.(*Conn).Writer"),
        ]),
    ));
    (program.image(), [read, write])
}

#[test]
fn go_by_its_own_table() {
    for machine in BOTH {
        let (image, [read, write]) = go(machine);
        let points = find(&Image::from_bytes(image).unwrap()).expect("points");
        assert_eq!(points.library, Library::GoTls);
        assert!(points.are_certain());
        assert_eq!(offset(&points, Function::Read), Some(read));
        assert_eq!(offset(&points, Function::Write), Some(write));
        let returns = |function| {
            let point = points.points.iter().find(|point| point.function == function);
            match &point.unwrap().returns {
                Returns::Instructions(offsets) => offsets.len(),
                Returns::Probe | Returns::Unwatched => 0,
            }
        };
        assert_eq!([returns(Function::Read), returns(Function::Write)], [2, 1]);
    }
}
