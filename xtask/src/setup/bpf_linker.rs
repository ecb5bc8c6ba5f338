//! bpf-linker, built against the very LLVM of the compiler whose output it links.

use super::Part;
use super::bpf_compiler::Compiler;
use crate::command::{command, quiet};
use crate::versions::{BPF_LINKER, BPF_LINKER_LLVM};
use crate::workspace;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// The [`Part`] of setup.
pub struct BpfLinker;

impl Part for BpfLinker {
    fn name(&self) -> String {
        format!("bpf-linker {BPF_LINKER}")
    }

    fn needed_for(&self) -> &'static str {
        "build of the kernel programs, so no gwobs binary"
    }

    fn found(&self) -> Option<String> {
        // Its own answer: a linker whose LLVM library has gone cannot start.
        let version = quiet(&mut command("bpf-linker", ["--version"])).ok()?;
        (version.trim() == format!("bpf-linker {BPF_LINKER}")).then(|| "on PATH".to_owned())
    }

    fn install(&self) -> Result<()> {
        let compiler = Compiler::found().context("needs the Rust compiler for BPF first")?;
        let llvm = compiler.llvm()?;
        if !BPF_LINKER_LLVM.contains(&llvm) {
            bail!("the compiler has LLVM {llvm}; bpf-linker {BPF_LINKER} knows LLVM {BPF_LINKER_LLVM:?}");
        }
        let prefix = workspace::cargo_home().join("bpf-linker-llvm");
        link_llvm(&compiler, llvm, &prefix)?;
        build(llvm, &prefix)
    }
}

/// Makes `PREFIX/lib` with the links that the build and the finished program look for. The path becomes the program's
/// RUNPATH, so it lies beside the program and not in a target directory, which may be cleaned.
fn link_llvm(compiler: &Compiler, llvm: u32, prefix: &Path) -> Result<()> {
    let library = libllvm(compiler, llvm).with_context(|| format!("libLLVM.so of LLVM {llvm} not found"))?;
    let lib = prefix.join("lib");
    std::fs::create_dir_all(&lib).with_context(|| format!("cannot create {}", lib.display()))?;
    let own_name = library.file_name().unwrap_or_default();
    for name in ["libLLVM.so".as_ref(), own_name] {
        let link = lib.join(name);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&library, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    Ok(())
}

/// The shared library under the name that programs linked against it ask for: `libLLVM.so.22.1…`.
fn libllvm(compiler: &Compiler, llvm: u32) -> Option<PathBuf> {
    let prefix = format!("libLLVM.so.{llvm}.");
    let dirs = compiler.library_dirs().into_iter();
    let files = dirs.flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten().flatten());
    files.map(|entry| entry.path()).find(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(&prefix))
    })
}

fn build(llvm: u32, prefix: &Path) -> Result<()> {
    let feature = format!("llvm-{llvm}");
    let args = [
        "install",
        "bpf-linker",
        "--version",
        BPF_LINKER,
        "--locked",
        "--force",
        "--no-default-features",
    ];
    let mut cargo = command("cargo", args);
    // Debug information would double the time and the size.
    cargo
        .args(["--features", &feature])
        .env("LLVM_PREFIX", prefix)
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    quiet(&mut cargo).map(drop)
}
