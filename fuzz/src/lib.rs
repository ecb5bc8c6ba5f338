//! What the fuzz targets do with their input. Each target's body is a function here, so that the seeds kept in `seeds/` can
//! be replayed by the tests of the workspace without a fuzzer.

pub mod decide;
pub mod http1;
pub mod input;
pub mod tls_records;

#[cfg(feature = "agent")]
pub mod connection;
#[cfg(feature = "agent")]
pub mod objects;
#[cfg(feature = "agent")]
pub mod tls_image;

pub use input::{Input, halve};
