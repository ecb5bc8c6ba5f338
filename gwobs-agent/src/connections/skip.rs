//! What the kernel side need not copy.

use super::limits::{MARK_INTERVAL, SKIP_AT_MOST, SKIP_THRESHOLD};
use crate::event::{Direction, LeftOut, SocketCookie};

/// Bytes of one direction before position `until` are not needed; its capture window begins there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skip {
    /// The socket.
    pub socket: SocketCookie,
    /// Which way.
    pub direction: Direction,
    /// The position is one of the plaintext, not of the socket.
    pub of_plaintext: bool,
    /// Stream position, modulo 2^32.
    pub until: u32,
    /// A frame of HTTP/2 begins there: the kernel side can follow the frames.
    pub framed: bool,
}

/// What is known of how the kernel side follows the frames of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Followed {
    /// It may not, unless it saw the first ones.
    #[default]
    No,
    /// It was told where one begins.
    Told,
    /// It does: it left out what is payload.
    Yes,
}

impl Followed {
    /// Bytes of the direction were left out.
    pub(super) fn left_out(&mut self, why: Option<LeftOut>) {
        match why {
            None | Some(LeftOut::Skipped) => {}
            Some(LeftOut::FrameData) => *self = Self::Yes,
            Some(_) => *self = Self::No,
        }
    }
}

/// Decides when it is worth telling, for one direction.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Where the kernel side's capture window begins: the last turn of the conversation, or what was told last.
    base: Option<u32>,
}

impl Window {
    /// The conversation turned to this direction at `position`: the kernel side moves the window by itself, unless it
    /// was told to skip further.
    pub(super) fn turned(&mut self, position: u32) {
        if self.base.is_none_or(|base| !is_ahead(base, position)) {
            self.base = Some(position);
        }
    }

    /// The same, when a frame of HTTP/2 begins at that distance.
    pub(super) fn tell_frame(&mut self, position: u32, distance: u64, followed: &mut Followed) -> Option<u32> {
        match followed {
            Followed::Yes => None,
            Followed::Told => self.tell(position, distance),
            Followed::No => {
                let distance = u32::try_from(distance).ok()?;
                let target = position.wrapping_add(distance);
                *followed = Followed::Told;
                self.base = Some(target);
                Some(target)
            }
        }
    }

    /// What to tell when the stream stands at `position` and does not need the next `skippable` bytes.
    pub(super) fn tell(&mut self, position: u32, skippable: u64) -> Option<u32> {
        let base = *self.base.get_or_insert(position);
        let distance = u32::try_from(skippable.min(SKIP_AT_MOST)).unwrap_or(u32::MAX);
        let target = position.wrapping_add(distance);
        let gained = target.wrapping_sub(base);
        let worth_it = match skippable {
            0..SKIP_THRESHOLD => !is_ahead(base, position) && position.wrapping_sub(base) >= MARK_INTERVAL,
            _ if is_ahead(base, position) => u64::from(gained) >= SKIP_AT_MOST / 2 && is_ahead(target, base),
            _ => true,
        };
        worth_it.then(|| {
            self.base = Some(target);
            target
        })
    }
}

/// `a` lies after `b`, by less than half of all positions.
fn is_ahead(a: u32, b: u32) -> bool {
    let distance = a.wrapping_sub(b);
    distance != 0 && distance < 1 << 31
}
