//! What the headers of an image tell.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use object::LittleEndian;
use object::elf::{
    self, EM_AARCH64, EM_X86_64, FileHeader64, PF_W, PF_X, PT_GNU_EH_FRAME, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB,
};
use object::read::ReadCache;
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _, Sym as _};

use super::image::ImageError;

/// Symbols that are looked for.
pub(super) const SYMBOLS: [&str; 7] = [
    "SSL_read",
    "SSL_read_ex",
    "SSL_write",
    "SSL_write_ex",
    "SSL_do_handshake",
    "ERR_vset_error",
    "ERR_put_error",
];

/// Segments and sections that are looked at, at most: programs have some dozens. Each costs a read of its own.
const MAX_HEADERS: usize = 256;

/// Longest build id that is kept; linkers write 20 bytes.
const MAX_BUILD_ID: usize = 64;

/// What code an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    X86_64,
    Aarch64,
}

/// A part of the file that is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) address: u64,
    pub(super) offset: u64,
    /// Bytes of it that are in the file.
    pub(super) size: u64,
    pub(super) executable: bool,
    pub(super) writable: bool,
}

impl Segment {
    pub(super) fn contains(&self, address: u64) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|inside| inside < self.size)
    }

    /// Code.
    pub(super) fn is_code(&self) -> bool {
        self.executable
    }

    /// Constants: where strings are.
    pub(super) fn is_constant(&self) -> bool {
        !self.writable
    }
}

/// A section, or what a program header says of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// What the headers of an image tell.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) architecture: Architecture,
    pub(super) segments: Vec<Segment>,
    /// `.eh_frame_hdr`
    pub(super) frame_table: Option<Part>,
    /// `.eh_frame`
    pub(super) frames: Option<Part>,
    /// `.text`
    pub(super) text: Option<Part>,
    /// `.gopclntab`
    pub(super) go_table: Option<Part>,
    pub(super) build_id: Option<Vec<u8>>,
    /// Addresses of those of [`SYMBOLS`] that the image defines.
    pub(super) symbols: BTreeMap<&'static str, u64>,
}

type Header = FileHeader64<LittleEndian>;
const LE: LittleEndian = LittleEndian;

impl Layout {
    /// Reads the headers.
    pub(super) fn read(source: impl Read + Seek) -> Result<Self, ImageError> {
        let cache = ReadCache::new(source);
        let header = Header::parse(&cache).map_err(|_| ImageError::Malformed("no ELF header of 64 bits"))?;
        if !header.is_little_endian() {
            return Err(ImageError::Malformed("big endian"));
        }
        let architecture = match header.e_machine(LE) {
            EM_X86_64 => Architecture::X86_64,
            EM_AARCH64 => Architecture::Aarch64,
            other => return Err(ImageError::Machine(other)),
        };
        let mut layout = Self {
            architecture,
            segments: Vec::new(),
            frame_table: None,
            frames: None,
            text: None,
            go_table: None,
            build_id: None,
            symbols: BTreeMap::new(),
        };
        layout.take_segments(header, &cache)?;
        layout.take_sections(header, &cache);
        Ok(layout)
    }

    fn take_segments<R: Read + Seek>(&mut self, header: &Header, cache: &ReadCache<R>) -> Result<(), ImageError> {
        let headers = header
            .program_headers(LE, cache)
            .map_err(|_| ImageError::Malformed("program headers"))?;
        for one in headers.iter().take(MAX_HEADERS) {
            let part = Part {
                address: one.p_vaddr(LE),
                offset: one.p_offset(LE),
                size: one.p_filesz(LE),
            };
            match one.p_type(LE) {
                PT_LOAD => self.segments.push(Segment {
                    address: part.address,
                    offset: part.offset,
                    size: part.size,
                    executable: one.p_flags(LE) & PF_X != 0,
                    writable: one.p_flags(LE) & PF_W != 0,
                }),
                PT_GNU_EH_FRAME => self.frame_table = Some(part),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is missing or broken here is just not known.
    fn take_sections<R: Read + Seek>(&mut self, header: &Header, cache: &ReadCache<R>) {
        let Ok(sections) = header.sections(LE, cache) else {
            return;
        };
        for section in sections.iter().take(MAX_HEADERS) {
            let part = Part {
                address: section.sh_addr(LE),
                offset: section.sh_offset(LE),
                size: section.sh_size(LE),
            };
            match sections.section_name(LE, section).unwrap_or_default() {
                b".eh_frame" => self.frames = Some(part),
                b".text" => self.text = Some(part),
                b".gopclntab" | b".data.rel.ro.gopclntab" => self.go_table = Some(part),
                b".note.gnu.build-id" => self.build_id = self.build_id.take().or_else(|| build_id(section, cache)),
                _ => {}
            }
        }
        for kind in [SHT_DYNSYM, SHT_SYMTAB] {
            if let Ok(table) = sections.symbols(LE, cache, kind) {
                self.take_symbols(&table);
            }
        }
    }

    fn take_symbols<'a, R: object::ReadRef<'a>>(&mut self, table: &object::read::elf::SymbolTable<'a, Header, R>) {
        for symbol in table.iter() {
            let is_function = symbol.st_type() == elf::STT_FUNC && symbol.st_value(LE) != 0;
            if !is_function || symbol.is_undefined(LE) {
                continue;
            }
            let Ok(name) = symbol.name(LE, table.strings()) else {
                continue;
            };
            if let Some(wanted) = SYMBOLS.iter().find(|wanted| wanted.as_bytes() == name) {
                self.symbols.entry(wanted).or_insert(symbol.st_value(LE));
            }
        }
    }
}

fn build_id<R: Read + Seek>(section: &elf::SectionHeader64<LittleEndian>, cache: &ReadCache<R>) -> Option<Vec<u8>> {
    let mut notes = section.notes(LE, cache).ok()??;
    while let Ok(Some(note)) = notes.next() {
        if note.name() == elf::ELF_NOTE_GNU && note.n_type(LE) == elf::NT_GNU_BUILD_ID {
            return Some(note.desc().get(..note.desc().len().min(MAX_BUILD_ID))?.to_vec());
        }
    }
    None
}
