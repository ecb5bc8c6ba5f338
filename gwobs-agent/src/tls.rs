//! Where the TLS libraries of a process read and write plaintext: probe points, found in the images on disk.
//!
//! ```text
//! /proc/PID/exe, /proc/PID/maps ─► Image ─► symbols │ pclntab │ strings and error sites ─► Points, with their evidence
//! ```
//!
//! An image that names its functions is believed. A stripped one is searched for what a compiler cannot leave out: the
//! arguments of the library's own error reports. What was found that way is a candidate, which is trusted only after the
//! bytes it yields look right ([`Trials`]).
//!
//! *Invariant:* no image, however malformed, makes this code panic, read without bound, or take memory without bound.

mod boringssl;
mod error_sites;
mod find;
mod functions;
mod golang;
mod image;
mod layout;
mod mapped;
mod openssl;
mod point;
mod references;
mod strings;
mod symbols;
mod trial;

pub use find::{NotFound, find};
pub use image::{Image, ImageError};
pub use mapped::{Finder, Located, locate};
pub use point::{Evidence, Function, Library, Point, Points, Returns};
pub use trial::{Finding, Trials, looks_like_http};

#[cfg(test)]
mod tests;
