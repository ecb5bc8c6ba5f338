//! Where functions begin: exception handling needs that table, so stripping leaves it.

use std::ops::Range;

use gimli::{BaseAddresses, CieOrFde, EhFrame, EhFrameHdr, LittleEndian, Pointer, UnwindSection as _};

use super::image::Image;

/// Functions that are known, at most: Envoy has 240,000. The rest is not found.
const MAX_FUNCTIONS: usize = 4 << 20;

/// Longest function that is looked into: TLS entry points have some hundred bytes.
const MAX_LENGTH: u64 = 64 << 10;

/// Addresses of functions, or of the parts that a compiler split them into.
#[derive(Debug)]
pub(super) struct Functions {
    starts: Vec<u64>,
}

impl Functions {
    /// From the sorted table, else from the frames themselves. `None` if there is neither.
    pub(super) fn of(image: &Image) -> Option<Self> {
        let mut starts = from_table(image).or_else(|| from_frames(image))?;
        starts.sort_unstable();
        starts.dedup();
        (!starts.is_empty()).then_some(Self { starts })
    }

    /// The function around an address, up to the next one.
    pub(super) fn containing(&self, address: u64) -> Option<Range<u64>> {
        let next = self.starts.partition_point(|start| *start <= address);
        let start = *self.starts.get(next.checked_sub(1)?)?;
        let end = self
            .starts
            .get(next)
            .copied()
            .unwrap_or(start.saturating_add(MAX_LENGTH));
        Some(start..end.min(start.saturating_add(MAX_LENGTH))).filter(|range| range.contains(&address))
    }

    /// Functions that begin in a range.
    pub(super) fn within(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let first = self.starts.partition_point(|start| *start < range.start);
        let rest = self.starts.get(first..).unwrap_or_default();
        rest.iter()
            .take_while(move |start| **start < range.end)
            .filter_map(|start| self.containing(*start))
    }
}

/// `.eh_frame_hdr`
fn from_table(image: &Image) -> Option<Vec<u64>> {
    let part = image.layout.frame_table?;
    let bytes = image.read(part.offset, part.size)?;
    let bases = BaseAddresses::default().set_eh_frame_hdr(part.address);
    let header = EhFrameHdr::new(&bytes, LittleEndian).parse(&bases, 8).ok()?;
    let table = header.table()?;
    let mut entries = table.iter(&bases);
    let mut starts = Vec::new();
    while let Ok(Some((Pointer::Direct(start), _))) = entries.next() {
        if starts.len() >= MAX_FUNCTIONS {
            break;
        }
        starts.push(start);
    }
    Some(starts)
}

/// `.eh_frame`
fn from_frames(image: &Image) -> Option<Vec<u64>> {
    let part = image.layout.frames?;
    let bytes = image.read(part.offset, part.size)?;
    let text = image.layout.text.map_or(0, |text| text.address);
    let bases = BaseAddresses::default().set_eh_frame(part.address).set_text(text);
    let frames = EhFrame::new(&bytes, LittleEndian);
    let mut entries = frames.entries(&bases);
    let mut starts = Vec::new();
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        match partial.parse(EhFrame::cie_from_offset) {
            Ok(frame) if starts.len() < MAX_FUNCTIONS => starts.push(frame.initial_address()),
            _ => break,
        }
    }
    Some(starts)
}
