//! A root directory that holds nothing but a program, as a container image from scratch does, and the capabilities that
//! `deploy/` grants.

use crate::testbed::directory::Directory;
use anyhow::{Context as _, Result, ensure};
use std::ffi::{CString, c_int, c_ulong};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Capabilities by number (`linux/capability.h`) that the agent needs to see clear text (`deploy/README.md`).
const CAP_PERFMON: c_int = 38;
const CAP_BPF: c_int = 39;
/// No kernel knows a capability beyond this number.
const LAST: c_int = 63;

/// The program's name inside.
pub(super) const PROGRAM: &str = "/gwobs";

/// The root directory; goes with the value.
pub(super) struct Bare {
    directory: Directory,
    mounts: Vec<Mount>,
    root: CString,
}

/// What a container runtime mounts. A static binary has its random numbers from `/dev/urandom`.
struct Mount {
    from: CString,
    to: CString,
}

impl Bare {
    /// Copies the program there.
    pub(super) fn of(program: &Path) -> Result<Self> {
        let directory = Directory::create()?;
        let root = directory.path().to_owned();
        std::fs::copy(program, inside(&root, Path::new(PROGRAM))).context("cannot copy the program")?;
        let mounts = ["/dev", "/proc", "/sys"].map(|path| -> Result<Mount> {
            let to = inside(&root, Path::new(path));
            std::fs::create_dir(&to)?;
            Ok(Mount {
                from: CString::new(path)?,
                to: text(&to)?,
            })
        });
        Ok(Self {
            mounts: mounts.into_iter().collect::<Result<_>>()?,
            root: text(&root)?,
            directory,
        })
    }

    /// Writes a file, at the same path inside as outside.
    pub(super) fn write(&self, path: &Path, contents: &[u8]) -> Result<()> {
        let place = inside(self.directory.path(), path);
        let parent = place.parent().context("a file has a directory")?;
        std::fs::create_dir_all(parent)?;
        std::fs::write(&place, contents).with_context(|| format!("cannot write {}", place.display()))
    }

    /// The program with these arguments, in there.
    pub(super) fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).env_clear();
        let root = self.root.clone();
        let mounts: Vec<(CString, CString)> = self
            .mounts
            .iter()
            .map(|mount| (mount.from.clone(), mount.to.clone()))
            .collect();
        // SAFETY: between fork and exec only system calls are made, on memory that was allocated before.
        unsafe { command.pre_exec(move || enter(&root, &mounts)) };
        command
    }
}

/// Where an absolute path of the inside is outside.
fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn text(path: &Path) -> Result<CString> {
    ensure!(path.is_absolute(), "{} is not absolute", path.display());
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// A mount namespace, the mounts, the root, and no capability but two: what root holds after exec is what is left of the
/// bounding set (capabilities(7)).
fn enter(root: &CString, mounts: &[(CString, CString)]) -> io::Result<()> {
    // SAFETY: takes a number and touches no memory.
    done(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE)?;
    for (from, to) in mounts {
        mount(from, to, libc::MS_REC | libc::MS_BIND)?;
    }
    // SAFETY: the path ends with a zero byte.
    done(unsafe { libc::chroot(root.as_ptr()) })?;
    // SAFETY: as above.
    done(unsafe { libc::chdir(c"/".as_ptr()) })?;
    for capability in (0..=LAST).filter(|number| ![CAP_PERFMON, CAP_BPF].contains(number)) {
        // Refused for those that this kernel does not know.
        // SAFETY: this option of prctl takes a number and touches no memory.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    Ok(())
}

fn mount(from: &std::ffi::CStr, to: &std::ffi::CStr, flags: c_ulong) -> io::Result<()> {
    // SAFETY: the texts end with a zero byte; type and data may be null.
    done(unsafe { libc::mount(from.as_ptr(), to.as_ptr(), std::ptr::null(), flags, std::ptr::null()) })
}

fn done(result: c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
