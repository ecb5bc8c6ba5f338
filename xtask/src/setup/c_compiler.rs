//! The C compiler, which links every Rust program, with the C++ library that LLVM's users link.

use super::{Part, debian};
use crate::command::on_path;
use anyhow::Result;

/// `cc` and `c++`.
pub struct CCompiler;

impl Part for CCompiler {
    fn name(&self) -> String {
        "C compiler".to_owned()
    }

    fn needed_for(&self) -> &'static str {
        "linking, so no build at all"
    }

    fn found(&self) -> Option<String> {
        (on_path("cc") && on_path("c++")).then(|| "cc, c++".to_owned())
    }

    fn install(&self) -> Result<()> {
        debian::install(&["gcc", "g++", "libc6-dev"])
    }
}
