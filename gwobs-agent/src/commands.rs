//! The commands: what was typed becomes what is done, and an exit code.

pub mod lint;
