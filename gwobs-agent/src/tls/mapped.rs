//! The images of a running process, as it sees them itself: through its own root directory, replaced files included.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::find::{self, NotFound};
use super::image::{Image, ImageError};
use super::point::Points;

/// Mapped files that are looked at, at most: a gateway maps some dozens.
const MAX_FILES: usize = 512;

/// Images whose points are remembered, at most: a node runs a few versions of a few gateways. Beyond, all are forgotten.
const MAX_REMEMBERED: usize = 256;

/// What a process maps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Located {
    /// Where this process can open it.
    pub path: PathBuf,
    /// Its name in the process's own file system.
    pub name: String,
    /// It is the program itself.
    pub is_program: bool,
}

/// Finds probe points, and remembers them by build id, or by file where there is none.
#[derive(Debug, Default)]
pub struct Finder {
    known: BTreeMap<Key, Result<Arc<Points>, NotFound>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Build(Vec<u8>, u64),
    File(u64, u64, u64, i64),
}

impl Finder {
    /// The images of a process with their points, or why they have none. A shared library without any is left out.
    pub fn find(&mut self, pid: u32) -> Vec<(Located, Result<Arc<Points>, String>)> {
        let located = locate(pid);
        let found = located.into_iter().map(|one| {
            let points = self.points(&one);
            (one, points)
        });
        found.filter(|(one, points)| one.is_program || points.is_ok()).collect()
    }

    fn points(&mut self, located: &Located) -> Result<Arc<Points>, String> {
        let image = Image::open(&located.path).map_err(|error: ImageError| error.to_string())?;
        let key = key(&image, &located.path).ok_or("it is gone")?;
        if self.known.len() >= MAX_REMEMBERED {
            self.known.clear();
        }
        let found = self
            .known
            .entry(key)
            .or_insert_with(|| search(&image, located.is_program));
        found.clone().map_err(|why| why.to_string())
    }
}

fn search(image: &Image, is_program: bool) -> Result<Arc<Points>, NotFound> {
    match is_program {
        true => find::find(image),
        false => find::by_name(image).ok_or(NotFound::NoLibrary),
    }
    .map(Arc::new)
}

/// The size is part of the name: a program that was stripped keeps its build id.
fn key(image: &Image, path: &Path) -> Option<Key> {
    let file = fs::metadata(path).ok()?;
    Some(match image.build_id() {
        Some(id) => Key::Build(id.to_vec(), file.size()),
        None => Key::File(file.dev(), file.ino(), file.size(), file.mtime()),
    })
}

/// The program of a process and the shared libraries it has mapped as code.
#[must_use]
pub fn locate(pid: u32) -> Vec<Located> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let program = Located {
        path: process.join("exe"),
        name: fs::read_link(process.join("exe"))
            .map(|name| name.display().to_string())
            .unwrap_or_default(),
        is_program: true,
    };
    let maps = fs::read_to_string(process.join("maps")).unwrap_or_default();
    let libraries = libraries(&maps, &program.name)
        .into_iter()
        .map(|mapping| library(&process, mapping));
    std::iter::once(program).chain(libraries).collect()
}

/// A line of `/proc/PID/maps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mapping<'a> {
    name: &'a str,
    addresses: &'a str,
}

/// Files mapped as code, each once, but not the program.
fn libraries<'a>(maps: &'a str, program: &str) -> Vec<Mapping<'a>> {
    let mut names = BTreeSet::new();
    maps.lines()
        .filter_map(mapping)
        .filter(|mapping| mapping.name != program && names.insert(mapping.name))
        .take(MAX_FILES)
        .collect()
}

/// `addresses permissions offset device inode name`
fn mapping(line: &str) -> Option<Mapping<'_>> {
    let (addresses, rest) = line.split_once(' ')?;
    let (permissions, _) = rest.split_once(' ')?;
    let name = line.get(line.find('/')?..)?;
    permissions.contains('x').then_some(Mapping { name, addresses })
}

/// A file that was replaced since has no name any more, but is still there where it is mapped.
fn library(process: &Path, mapping: Mapping<'_>) -> Located {
    let path = match mapping.name.ends_with(" (deleted)") {
        true => process.join("map_files").join(mapping.addresses),
        false => process.join("root").join(mapping.name.trim_start_matches('/')),
    };
    Located {
        path,
        name: mapping.name.to_owned(),
        is_program: false,
    }
}
