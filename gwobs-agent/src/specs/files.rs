//! The manifest files under the given paths, with what tells that one changed.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::MAX_FILE_BYTES;

#[cfg(test)]
mod tests;

/// Deepest directories that are followed; a loop of links ends before it, by the directories seen.
const MAX_DEPTH: usize = 32;
/// Most files that are read: one object in each of them, for the largest clusters.
const MAX_FILES: usize = 100_000;
/// Extensions of manifests; a file that is named itself may have any.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// A file or directory that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// Why; part of the message, so not told as its source too.
    pub error: io::Error,
}

/// What tells one version of a file from another: a rename over it changes the inode, a write the time or the size, a
/// swapped link (as ConfigMaps are updated) the inode or the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A manifest file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its path, as reached from the path that was given.
    pub(crate) path: Arc<Path>,
    /// Which version of it.
    pub(crate) stamp: Stamp,
}

/// The manifest files under the paths, in the order of the paths, those of a directory by name. Hidden files and
/// directories are left out: a mounted ConfigMap keeps its generations in them.
///
/// # Errors
///
/// [`FileError`] for the first path that cannot be read, and for more than [`MAX_FILES`] files.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Found>, FileError> {
    let mut finder = Finder::default();
    for path in paths {
        let metadata = metadata(path)?;
        if metadata.is_dir() {
            finder.directory(path, &metadata, MAX_DEPTH)?;
        } else {
            finder.file(path, &metadata)?;
        }
    }
    Ok(finder.found)
}

#[derive(Default)]
struct Finder {
    found: Vec<Found>,
    directories: HashSet<(u64, u64)>,
}

impl Finder {
    fn directory(&mut self, path: &Path, metadata: &Metadata, depth: usize) -> Result<(), FileError> {
        if depth == 0 || !self.directories.insert((metadata.dev(), metadata.ino())) {
            return Ok(());
        }
        for path in entries(path)? {
            let Some(metadata) = still_there(&path)? else { continue };
            if metadata.is_dir() {
                self.directory(&path, &metadata, depth - 1)?;
            } else if is_manifest(&path) {
                self.file(&path, &metadata)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, metadata: &Metadata) -> Result<(), FileError> {
        if self.found.len() == MAX_FILES {
            return Err(refused(path, format!("more than {MAX_FILES} files")));
        }
        self.found.push(Found {
            path: path.into(),
            stamp: Stamp::of(metadata),
        });
        Ok(())
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    let at = |error| FileError {
        path: directory.to_owned(),
        error,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(at)? {
        let entry = entry.map_err(at)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn metadata(path: &Path) -> Result<Metadata, FileError> {
    fs::metadata(path).map_err(|error| FileError {
        path: path.to_owned(),
        error,
    })
}

/// `None` for an entry that went away after it was listed, or a link that leads nowhere.
fn still_there(path: &Path) -> Result<Option<Metadata>, FileError> {
    match metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file whole.
///
/// # Errors
///
/// [`FileError`] if it cannot be read, is longer than [`MAX_FILE_BYTES`] or is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, FileError> {
    let at = |error| FileError {
        path: path.to_owned(),
        error,
    };
    let file = fs::File::open(path).map_err(at)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(at)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(refused(path, format!("longer than {MAX_FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| refused(path, "not UTF-8 text".to_owned()))
}

fn refused(path: &Path, why: String) -> FileError {
    FileError {
        path: path.to_owned(),
        error: io::Error::new(io::ErrorKind::InvalidData, why),
    }
}
