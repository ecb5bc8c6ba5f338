//! Go programs: the table of functions that the runtime needs for its own stack traces names all of them, stripped or not
//! (`runtime/symtab.go`, `pcHeader`; Go 1.18 and later).

use std::collections::BTreeMap;
use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use memchr::memmem;

use super::image::{Image, Window};
use super::layout::{Architecture, Part};
use super::point::{Evidence, Function, Library, Point, Points, Returns};

/// Names and what they are.
const ENTRIES: [(&str, Function); 4] = [
    ("crypto/tls.(*Conn).Read", Function::Read),
    ("crypto/tls.(*Conn).Write", Function::Write),
    ("crypto/tls.(*Conn).handshakeContext", Function::Handshake),
    ("crypto/tls.(*Conn).sendAlert", Function::Alert),
];

/// `pcHeader.magic` of Go 1.18 and of Go 1.20, which lay out the table in the same way. Older versions pass arguments on
/// the stack or lack fields.
const MAGICS: [u32; 2] = [0xffff_fff0, 0xffff_fff1];

/// Functions that are looked at, at most: Traefik has 200,000.
const MAX_FUNCTIONS: u64 = 4 << 20;

/// Return instructions of one function, at most: each costs a probe. `Read` has about ten.
const MAX_RETURNS: usize = 64;

/// The longest function that is looked into.
const MAX_LENGTH: u64 = 64 << 10;

/// Fields of `pcHeader`, each of 8 bytes, after 8 bytes of magic and sizes.
#[derive(Debug)]
struct Table {
    functions: u64,
    /// Address that entries count from.
    text: u64,
    /// Where names begin, in the table.
    names: u64,
    /// Where the compilation units begin: the names' end.
    units: u64,
    /// Where entries begin, in the table.
    entries: u64,
}

/// Finds the entry points of `crypto/tls`; `None` if this is no Go program, or it has none.
pub(super) fn find(image: &Image) -> Option<Points> {
    let part = image.layout.go_table?;
    let mut window = image.window(part.offset, part.size);
    let table = Table::read(&mut window, image)?;
    let names = names(image, part, &table);
    let ranges = table.ranges(&mut window, &names);
    let points: Vec<Point> = ranges
        .into_iter()
        .filter_map(|(function, range)| point(image, function, &range))
        .collect();
    let has = |wanted| points.iter().any(|point| point.function == wanted);
    (has(Function::Read) && has(Function::Write)).then_some(Points {
        library: Library::GoTls,
        points,
    })
}

impl Table {
    fn read(window: &mut Window<'_>, image: &Image) -> Option<Self> {
        let magic = window.u32(0)?;
        let [_, _, _quantum, pointer] = *window.get(4, 4)?.first_chunk()?;
        if !MAGICS.contains(&magic) || pointer != 8 {
            return None;
        }
        let mut field = |number: u64| window.u64(8 + number * 8);
        let text = match field(2)? {
            // Programs that are relocated leave it to the loader.
            0 => image.layout.text?.address,
            text => text,
        };
        Some(Self {
            functions: field(0)?.min(MAX_FUNCTIONS),
            text,
            names: field(3)?,
            units: field(4)?,
            entries: field(7)?,
        })
    }

    /// Where the functions with these names are.
    fn ranges(&self, window: &mut Window<'_>, names: &BTreeMap<u32, Function>) -> Vec<(Function, Range<u64>)> {
        const ENTRY: u64 = 8;
        let mut found = Vec::new();
        // The runtime's records of functions lie in the same order as the entries that lead to them: two views of the
        // table move along together.
        let mut records = window.clone();
        for number in 0..self.functions {
            let Some((start, record)) = self.entry(window, number * ENTRY) else {
                break;
            };
            let name = records.u32(self.entries.saturating_add(record).saturating_add(4));
            let Some(function) = name.and_then(|name| names.get(&name)) else {
                continue;
            };
            if let Some((end, _)) = self.entry(window, (number + 1) * ENTRY).filter(|(end, _)| *end > start) {
                found.push((*function, start..end.min(start.saturating_add(MAX_LENGTH))));
            }
        }
        found
    }

    /// Address of a function, and where its record is among the entries. The last entry has only the address.
    fn entry(&self, window: &mut Window<'_>, at: u64) -> Option<(u64, u64)> {
        let at = self.entries.checked_add(at)?;
        let start = self.text.checked_add(u64::from(window.u32(at)?))?;
        Some((start, u64::from(window.u32(at.checked_add(4)?).unwrap_or_default())))
    }
}

/// The names that are looked for, by their offset among the names.
fn names(image: &Image, part: Part, table: &Table) -> BTreeMap<u32, Function> {
    let length = table.units.saturating_sub(table.names).min(part.size);
    let start = part.offset.saturating_add(table.names);
    let bytes = image.read(start, length).unwrap_or_default();
    let find = |(name, function): &(&str, Function)| {
        let needle = format!("\0{name}\0");
        let at = memmem::find(&bytes, needle.as_bytes())?;
        Some((u32::try_from(at + 1).ok()?, *function))
    };
    ENTRIES.iter().filter_map(find).collect()
}

fn point(image: &Image, function: Function, range: &Range<u64>) -> Option<Point> {
    let offset = image.offset_of(range.start)?;
    let returns = match function {
        Function::Alert => Returns::Unwatched,
        _ => Returns::Instructions(return_offsets(image, range)?),
    };
    Some(Point {
        function,
        offset,
        returns,
        evidence: Evidence::FunctionTable,
    })
}

/// Where the return instructions of a function are in the file; `None` if it has none, or too many.
fn return_offsets(image: &Image, range: &Range<u64>) -> Option<Vec<u64>> {
    let code = image.at(range.start, range.end - range.start)?;
    let returns = returns(image.architecture(), &code, range.start)
        .into_iter()
        .map(|address| image.offset_of(address))
        .collect::<Option<Vec<u64>>>()?;
    let is_usable = !returns.is_empty() && returns.len() <= MAX_RETURNS;
    is_usable.then_some(returns)
}

/// Addresses of the return instructions of a function.
pub(super) fn returns(architecture: Architecture, code: &[u8], address: u64) -> Vec<u64> {
    match architecture {
        Architecture::X86_64 => {
            let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
            let mut found = Vec::new();
            while decoder.can_decode() {
                let instruction = decoder.decode();
                if instruction.flow_control() == FlowControl::Return {
                    found.push(instruction.ip());
                }
            }
            found
        }
        Architecture::Aarch64 => {
            const RET: [u8; 4] = 0xd65f_03c0_u32.to_le_bytes();
            let words = code.as_chunks::<4>().0.iter().enumerate();
            words
                .filter(|(_, word)| **word == RET)
                .map(|(number, _)| address.wrapping_add(number as u64 * 4))
                .collect()
        }
    }
}
