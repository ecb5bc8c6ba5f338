//! The `gwobs` command.

fn main() {}
