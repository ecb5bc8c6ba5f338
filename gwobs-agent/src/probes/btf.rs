//! Where fields lie on the running kernel, from its type information (BTF,
//! <https://docs.kernel.org/bpf/btf.html>). Only structures and their members are of interest.

use std::fs;

use gwobs_common::offsets::{OPTIONAL, Offsets};

use super::ProbeError;

const PATH: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
const TYPE: usize = 12;
const MEMBER: usize = 12;

const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;

/// Structures nest no deeper than this in any kernel; guards against a cycle in broken input.
const MAX_DEPTH: u32 = 16;

/// The offset of `socket.sk` that the iterator programs are compiled with, because the verifier wants it constant.
const SOCKET_SK: u32 = 24;

/// Offsets of all fields that the programs read.
pub(super) fn offsets() -> Result<Offsets, ProbeError> {
    let data = fs::read(PATH).map_err(|source| ProbeError::NoBtf { source })?;
    let types = Types::parse(&data)?;
    let offsets = Offsets::resolve(|structure, path| match types.offset(structure, path) {
        Err(_) if OPTIONAL.contains(&structure) => Ok(Offsets::ABSENT),
        found => found,
    })?;
    if offsets.socket_sk == SOCKET_SK {
        Ok(offsets)
    } else {
        Err(ProbeError::MovedField {
            field: "socket.sk",
            offset: offsets.socket_sk,
        })
    }
}

/// The types of a BTF blob; ids count from 1.
struct Types<'a> {
    types: Vec<Type<'a>>,
    strings: &'a [u8],
}

#[derive(Clone, Copy)]
struct Type<'a> {
    name: u32,
    info: u32,
    /// Size, or the id of the type referred to.
    target: u32,
    extra: &'a [u8],
}

struct Member {
    name: u32,
    target: u32,
    /// In bytes.
    offset: u32,
}

impl<'a> Types<'a> {
    fn parse(data: &'a [u8]) -> Result<Self, ProbeError> {
        let broken = |what| ProbeError::BadBtf { what };
        let word = |index| u32_at(data, index).ok_or_else(|| broken("header"));
        let magic = data.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes));
        if magic != Some(MAGIC) || data.len() < HEADER {
            return Err(broken("magic"));
        }
        let (header, type_offset, type_length) = (word(4)?, word(8)?, word(12)?);
        let (string_offset, string_length) = (word(16)?, word(20)?);
        let section = |offset, length| section(data, header, offset, length);
        let strings = section(string_offset, string_length).ok_or_else(|| broken("strings"))?;
        let mut rest = section(type_offset, type_length).ok_or_else(|| broken("types"))?;
        let mut types = Vec::new();
        while !rest.is_empty() {
            let (next, tail) = Type::split(rest).ok_or_else(|| broken("type"))?;
            types.push(next);
            rest = tail;
        }
        Ok(Self { types, strings })
    }

    /// Byte offset of a nested member of a structure.
    fn offset(&self, structure: &str, path: &[&str]) -> Result<u32, ProbeError> {
        self.lookup(structure, path).ok_or_else(|| ProbeError::MissingField {
            field: format!("{structure}.{}", path.join(".")),
        })
    }

    fn lookup(&self, structure: &str, path: &[&str]) -> Option<u32> {
        let mut scope = *self.types.iter().find(|found| {
            found.kind() == KIND_STRUCT && !found.extra.is_empty() && self.name(found.name) == structure.as_bytes()
        })?;
        let mut offset: u32 = 0;
        for name in path {
            let (within, target) = self.member(scope, name.as_bytes(), 0)?;
            offset = offset.checked_add(within)?;
            scope = self.resolve(target).unwrap_or(scope);
        }
        Some(offset)
    }

    /// A member by name, also within anonymous structures and unions: its offset and type.
    fn member(&self, scope: Type<'_>, name: &[u8], depth: u32) -> Option<(u32, u32)> {
        if depth > MAX_DEPTH {
            return None;
        }
        scope.members().find_map(|member| {
            if self.name(member.name) == name {
                return Some((member.offset, member.target));
            }
            let inner = if member.name == 0 {
                self.resolve(member.target)
            } else {
                None
            }?;
            let (within, target) = self.member(inner, name, depth + 1)?;
            Some((member.offset.checked_add(within)?, target))
        })
    }

    /// The structure or union behind typedefs and qualifiers.
    fn resolve(&self, mut id: u32) -> Option<Type<'a>> {
        for _ in 0..MAX_DEPTH {
            let found = *self.types.get(usize::try_from(id).ok()?.checked_sub(1)?)?;
            match found.kind() {
                KIND_STRUCT | KIND_UNION => return Some(found),
                KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST => id = found.target,
                _ => return None,
            }
        }
        None
    }

    fn name(&self, offset: u32) -> &'a [u8] {
        let tail = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.strings.get(offset..))
            .unwrap_or_default();
        tail.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl<'a> Type<'a> {
    fn split(data: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, tail) = data.split_at_checked(TYPE)?;
        let info = u32_at(head, 4)?;
        let (extra, rest) = tail.split_at_checked(extra_length(info)?)?;
        Some((
            Self {
                name: u32_at(head, 0)?,
                info,
                target: u32_at(head, 8)?,
                extra,
            },
            rest,
        ))
    }

    fn kind(&self) -> u32 {
        self.info >> 24 & 0x1f
    }

    fn members(self) -> impl Iterator<Item = Member> + use<'a> {
        /// With this bit of `info`, offsets hold the size of a bit field in their upper byte.
        const BIT_FIELDS: u32 = 1 << 31;
        let is_composite = matches!(self.kind(), KIND_STRUCT | KIND_UNION);
        let mask = if self.info & BIT_FIELDS == 0 {
            u32::MAX
        } else {
            0x00ff_ffff
        };
        let extra = if is_composite { self.extra } else { &[] };
        extra.chunks_exact(MEMBER).filter_map(move |member| {
            let bits = u32_at(member, 8)? & mask;
            Some(Member {
                name: u32_at(member, 0)?,
                target: u32_at(member, 4)?,
                offset: bits / 8,
            })
        })
    }
}

/// Bytes that follow a type; `None` for a kind that is not known.
fn extra_length(info: u32) -> Option<usize> {
    let count = usize::from(u16::try_from(info & 0xffff).ok()?);
    match info >> 24 & 0x1f {
        // Int, variable, declaration tag.
        1 | 14 | 17 => Some(4),
        // Pointer, forward, typedef, volatile, const, restrict, function, float, type tag.
        2 | 7..=12 | 16 | 18 => Some(0),
        // Array.
        3 => Some(12),
        // Structure, union, data section, 64-bit enumeration.
        KIND_STRUCT | KIND_UNION | 15 | 19 => Some(count * MEMBER),
        // Enumeration, function prototype.
        6 | 13 => Some(count * 8),
        _ => None,
    }
}

fn section(data: &[u8], header: u32, offset: u32, length: u32) -> Option<&[u8]> {
    let start = usize::try_from(header.checked_add(offset)?).ok()?;
    data.get(start..)?.get(..usize::try_from(length).ok()?)
}

fn u32_at(data: &[u8], index: usize) -> Option<u32> {
    data.get(index..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests;
