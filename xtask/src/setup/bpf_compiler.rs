//! A Rust compiler that can build for BPF: rustup's nightly with rust-src, or Debian's with a prebuilt core library.

use super::{Part, debian};
use crate::command::{command, on_path, quiet};
use crate::versions::{DEBIAN_BPF_COMPILER, DEBIAN_TOOLCHAIN};
use crate::workspace;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// The compilers that the build knows how to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// Rustup's `nightly`, whose core library is compiled from rust-src; its toolchain directory.
    Nightly(PathBuf),
    /// Debian's compiler under rustup's name for it, with the core library as a package.
    Debian,
}

impl Compiler {
    /// The one that is in place; nightly when both are, as the agent's build script has it.
    pub fn found() -> Option<Self> {
        let nightly = nightly().filter(|dir| has_rust_src(dir)).map(Self::Nightly);
        nightly.or_else(|| debian_is_linked().then_some(Self::Debian))
    }

    /// LLVM's major version in this compiler.
    pub fn llvm(&self) -> Result<u32> {
        let verbose = quiet(&mut command(&self.rustc().to_string_lossy(), ["-vV"]))?;
        let version = verbose.lines().find_map(|line| line.strip_prefix("LLVM version: "));
        let major = version.and_then(|version| version.split('.').next());
        major
            .and_then(|major| major.parse().ok())
            .context("rustc does not say which LLVM it has")
    }

    /// The directory that holds this compiler's `libLLVM` shared library.
    pub fn library_dirs(&self) -> Vec<PathBuf> {
        match self {
            Self::Nightly(dir) => vec![dir.join("lib")],
            Self::Debian => subdirectories(Path::new("/usr/lib")),
        }
    }

    fn rustc(&self) -> PathBuf {
        match self {
            Self::Nightly(dir) => dir.join("bin/rustc"),
            Self::Debian => PathBuf::from("/usr/bin/rustc"),
        }
    }
}

/// The [`Part`] of setup.
pub struct BpfCompiler;

impl Part for BpfCompiler {
    fn name(&self) -> String {
        "Rust compiler for BPF".to_owned()
    }

    fn needed_for(&self) -> &'static str {
        "build of the kernel programs, so no gwobs binary"
    }

    fn found(&self) -> Option<String> {
        Some(match Compiler::found()? {
            Compiler::Debian => "Debian's, with a prebuilt core library".to_owned(),
            Compiler::Nightly(dir) => format!("{} with rust-src", file_name(&dir)),
        })
    }

    fn install(&self) -> Result<()> {
        if !on_path("rustup") {
            bail!("rustup is not installed");
        }
        if debian::offers(DEBIAN_BPF_COMPILER[2]) {
            install_debian()
        } else {
            install_nightly()
        }
    }
}

fn install_debian() -> Result<()> {
    debian::install(&DEBIAN_BPF_COMPILER)?;
    quiet(&mut command("rustup", ["toolchain", "link", DEBIAN_TOOLCHAIN, "/usr"])).map(drop)
}

fn install_nightly() -> Result<()> {
    let args = [
        "toolchain",
        "install",
        "nightly",
        "--profile",
        "minimal",
        "--component",
        "rust-src",
    ];
    quiet(&mut command("rustup", args)).map(drop)
}

fn debian_is_linked() -> bool {
    let linked = toolchains().join(DEBIAN_TOOLCHAIN).join("bin/rustc").is_file();
    linked && Path::new("/usr/lib/rustlib/bpfel-unknown-none/lib").is_dir()
}

fn has_rust_src(toolchain: &Path) -> bool {
    toolchain.join("lib/rustlib/src/rust/library/core").is_dir()
}

/// The undated nightly: `nightly-` and the host's triple.
fn nightly() -> Option<PathBuf> {
    let mut names = subdirectories(&toolchains()).into_iter();
    names.find(|dir| {
        let name = file_name(dir);
        name.strip_prefix("nightly-")
            .is_some_and(|host| host.starts_with(|first: char| first.is_ascii_alphabetic()))
    })
}

fn toolchains() -> PathBuf {
    workspace::rustup_home().join("toolchains")
}

fn subdirectories(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
