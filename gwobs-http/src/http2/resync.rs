//! Finding the next frame after the direction's place was lost.
//!
//! Data can look like frames, so frames are believed only at the start of a call's bytes, where programs that write
//! whole frames begin, and only if they chain: each one plausible by itself, and either the first ones end where the
//! bytes end, or another plausible one follows. By chance that happens to less than one call in 2^30. In doubt the bytes
//! stay unread.

use super::frame::{FRAME_HEADER, FrameHeader, Kind};
use super::limits::INITIAL_MAX_FRAME;

/// Whether the bytes at the start of a call are frames, by the limits that hold before any settings are known.
#[must_use]
pub fn begins_with_frames(bytes: &[u8]) -> bool {
    are_frames(bytes, INITIAL_MAX_FRAME)
}

/// The same, for a recipient that takes payloads of that length.
pub(super) fn are_frames(bytes: &[u8], max_frame: u32) -> bool {
    let mut rest = bytes;
    let mut complete = 0;
    while let Some((header, after)) = rest.split_first_chunk::<FRAME_HEADER>() {
        let header = FrameHeader::parse(*header);
        let may_stand_here = complete > 0 || header.kind != Kind::Continuation;
        if !header.is_plausible(max_frame) || !may_stand_here {
            return false;
        }
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        match after.get(length..) {
            Some([]) => return true,
            Some(next) => rest = next,
            None => return complete > 0,
        }
        complete += 1;
    }
    complete > 1
}

#[cfg(test)]
mod tests;
