//! The project's build script as a library: machine setup, the testbed of real data planes, and what drives them.
//!
//! [`testbed`] is also what the end-to-end tests in `xtask/tests` are written with. Nothing here depends on the
//! workspace's other crates; the built `gwobs` binary is used through its public interface only.

pub mod bench;
pub mod command;
pub mod demo;
pub mod dist;
pub mod say;
pub mod setup;
pub mod soak;
pub mod test;
pub mod testbed;
pub mod versions;
pub mod workspace;
