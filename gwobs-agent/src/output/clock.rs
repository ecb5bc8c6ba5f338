//! From the clock of events to the time of day.

use jiff::fmt::temporal::DateTimePrinter;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::event::Timestamp;

#[cfg(test)]
mod tests;

/// A reading of both clocks: maps `CLOCK_BOOTTIME`, which events carry, to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    /// UTC minus `CLOCK_BOOTTIME`, in nanoseconds.
    offset: i64,
}

impl WallClock {
    /// Reads both clocks now.
    #[must_use]
    pub fn now() -> Self {
        let boot = nanoseconds(clock_gettime(ClockId::Boottime));
        Self {
            offset: nanoseconds(clock_gettime(ClockId::Realtime)).wrapping_sub(boot),
        }
    }

    /// A mapping with a known offset, as kept in a recording.
    #[must_use]
    pub const fn from_offset(offset: i64) -> Self {
        Self { offset }
    }

    /// UTC minus `CLOCK_BOOTTIME`, in nanoseconds.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// RFC 3339 in UTC with microseconds: the years 1677 to 2846 can occur, all of which can be written.
    #[must_use]
    pub fn rfc3339(&self, at: Timestamp) -> String {
        static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
        PRINTER.timestamp_to_string(&self.utc(at))
    }

    /// The time of day in UTC with milliseconds, for tables.
    #[must_use]
    pub fn time_of_day(&self, at: Timestamp) -> String {
        self.rfc3339(at).get(11..23).unwrap_or_default().to_owned()
    }

    fn utc(&self, at: Timestamp) -> jiff::Timestamp {
        let nanoseconds = i128::from(at.0) + i128::from(self.offset);
        jiff::Timestamp::from_nanosecond(nanoseconds).unwrap_or_default()
    }
}

/// The time now on the clock of events.
#[must_use]
pub fn boottime() -> Timestamp {
    Timestamp(nanoseconds(clock_gettime(ClockId::Boottime)).unsigned_abs())
}

fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}
