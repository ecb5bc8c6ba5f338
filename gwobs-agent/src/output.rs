//! What leaves the pipeline for people and programs: reports, rendered as JSONL or as a table, on a bounded queue.
//!
//! Rendering is pure: a [`Report`] and a [`WallClock`] give bytes. Only [`Writer`] does I/O, on its own thread.

mod clock;
mod document;
mod jsonl;
mod redaction;
mod report;
#[cfg(test)]
pub(crate) mod samples;
mod table;
mod text;
mod writer;

pub use clock::{WallClock, boottime};
pub use document::protocol_name;
pub use jsonl::Jsonl;
pub use redaction::Redaction;
pub use report::{DataPlane, LostCounts, LostReport, ObservedProcess, Ready, Report, Summary};
pub use table::{Style, Table};
pub(crate) use text::printable;
pub use writer::{Full, MAX_QUEUED_BYTES, Writer};

/// How reports are written.
#[derive(Debug)]
pub enum Renderer {
    /// One JSON object a line (`INTERFACE.md`).
    Jsonl(Jsonl),
    /// Lines for people.
    Table(Table),
}

impl Renderer {
    /// The bytes of a report, with their line ends; empty if this form does not show it.
    #[must_use]
    pub fn render(&self, report: &Report<'_>, clock: &WallClock) -> Vec<u8> {
        match self {
            Self::Jsonl(jsonl) => jsonl.render(report, clock),
            Self::Table(table) => table.render(report, clock).into_bytes(),
        }
    }
}
