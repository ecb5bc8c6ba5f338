//! ELF images made by hand: constants, code, the table of functions, sections if wanted.

use super::assembler::Machine;

/// Where constants lie, in the file and in memory.
pub(super) const CONSTANTS: (u64, u64) = (0x1000, 0x20_1000);
/// Where code lies.
pub(super) const CODE: (u64, u64) = (0x4000, 0x30_4000);
/// Where the table of functions lies.
const TABLE: (u64, u64) = (0x3000, 0x20_3000);

const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;

/// What goes into an image.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub(super) constants: Vec<u8>,
    pub(super) code: Vec<u8>,
    /// Addresses of functions.
    pub(super) functions: Vec<u64>,
    /// A section with its name, and its bytes behind the code.
    pub(super) section: Option<(&'static str, Vec<u8>)>,
}

impl Parts {
    /// Adds a string, answers its address.
    pub(super) fn text(&mut self, text: &str) -> u64 {
        let address = CONSTANTS.1 + self.constants.len() as u64;
        self.constants.extend(text.as_bytes());
        self.constants.push(0);
        address
    }

    pub(super) fn image(&self, machine: Machine) -> Vec<u8> {
        let mut file = vec![0; usize::try_from(CODE.0).unwrap()];
        file.extend(&self.code);
        self.put(&mut file, CONSTANTS.0, &self.constants);
        let table = self.table();
        self.put(&mut file, TABLE.0, &table);
        let segments = [
            segment(1, 4, CONSTANTS, TABLE.0 + table.len() as u64 - CONSTANTS.0),
            segment(1, 5, CODE, self.code.len() as u64),
            segment(0x6474_e550, 4, TABLE, table.len() as u64),
        ];
        self.put(&mut file, 64, &segments.concat());
        let sections = self.sections(&mut file);
        let header = header(machine, segments.len(), sections);
        self.put(&mut file, 0, &header);
        file
    }

    fn put(&self, file: &mut [u8], at: u64, bytes: &[u8]) {
        let at = usize::try_from(at).unwrap();
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// `.eh_frame_hdr` (Linux Standard Base, section 10.6.2), offsets from the table's own address.
    fn table(&self) -> Vec<u8> {
        let mut table = vec![1, 0x1b, 0x03, 0x3b];
        table.extend(0i32.to_le_bytes());
        table.extend(u32::try_from(self.functions.len()).unwrap().to_le_bytes());
        for function in &self.functions {
            let offset = i32::try_from(function.cast_signed() - TABLE.1.cast_signed()).unwrap();
            table.extend(offset.to_le_bytes());
            table.extend(0i32.to_le_bytes());
        }
        table
    }

    /// Appends the sections; answers where their headers are, and how many.
    fn sections(&self, file: &mut Vec<u8>) -> (u64, u16) {
        let Some((name, bytes)) = &self.section else {
            return (0, 0);
        };
        let body = file.len() as u64;
        file.extend(bytes);
        let names = file.len() as u64;
        let text = format!("\0.shstrtab\0{name}\0");
        file.extend(text.as_bytes());
        let headers = file.len() as u64;
        file.extend([0; 64]);
        file.extend(section(11, 1, 0x40_0000, (body, bytes.len() as u64)));
        file.extend(section(1, 3, 0, (names, text.len() as u64)));
        (headers, 3)
    }
}

fn segment(kind: u32, flags: u32, (offset, address): (u64, u64), size: u64) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), flags.to_le_bytes()].concat();
    for word in [offset, address, address, size, size, 0x1000] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

fn section(name: u32, kind: u32, address: u64, (offset, size): (u64, u64)) -> Vec<u8> {
    let mut bytes = [name.to_le_bytes(), kind.to_le_bytes()].concat();
    for word in [0, address, offset, size, 0, 1, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

fn header(machine: Machine, segments: usize, (sections, count): (u64, u16)) -> Vec<u8> {
    let machine = match machine {
        Machine::X86_64 => EM_X86_64,
        Machine::Aarch64 => EM_AARCH64,
    };
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(3u16.to_le_bytes());
    bytes.extend(machine.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    for word in [0, 64, sections] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0u32.to_le_bytes());
    let segments = u16::try_from(segments).unwrap();
    for half in [64, 56, segments, 64, count, count.saturating_sub(1)] {
        bytes.extend(half.to_le_bytes());
    }
    bytes
}
