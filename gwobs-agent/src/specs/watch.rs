//! Manifests that are read again when they change.
//!
//! By looking, not by being told: file events differ between file systems, get lost when links are swapped or directories
//! are replaced, and do not come at all from some network mounts. A look costs one `stat` a file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::files::{self, Found};
use super::finding::{Concern, Finding, ObjectId};
use super::load::{LoadError, Loaded, load_found};

#[cfg(test)]
mod tests;

/// How often to call [`Manifests::poll`]. A change is in force after two to three looks.
pub const POLL_INTERVAL: Duration = Duration::from_millis(150);

/// Manifests under watch.
#[derive(Debug)]
pub struct Manifests {
    paths: Vec<PathBuf>,
    /// What was looked at last, good or not.
    seen: Vec<Found>,
    /// A change that is not yet known to be over.
    pending: Option<Vec<Found>>,
    /// Objects that were refused in what is in force.
    refused: BTreeSet<ObjectId>,
    /// A fault that is not yet known to last: editors take a file away before they put the new one in its place.
    suspected: Option<String>,
    /// What was told last, so that it is told once.
    fault: Option<String>,
}

/// What a look at the manifests found.
#[derive(Debug)]
pub enum Poll {
    /// Nothing new.
    Unchanged,
    /// They changed, and these are the objects now.
    Changed(Box<Loaded>),
    /// They changed into something that cannot be used; what was in force stays in force.
    Broken(Broken),
}

/// Why changed manifests cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// They cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Objects do not fit their type that did before, or were not there: an API server would refuse the change.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Finding>),
}

impl Manifests {
    /// Reads the manifests for the first time.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if they cannot be read.
    pub fn open(paths: Vec<PathBuf>) -> Result<(Self, Loaded), LoadError> {
        let seen = files::find(&paths)?;
        if seen.is_empty() {
            return Err(LoadError::Nothing(paths));
        }
        let loaded = load_found(&seen)?;
        let refused = loaded.refused.clone();
        Ok((
            Self {
                paths,
                seen,
                pending: None,
                refused,
                suspected: None,
                fault: None,
            },
            loaded,
        ))
    }

    /// Looks whether the manifests changed; reads them when they look the same twice, so that a change is not read while
    /// it is written. A fault is told once.
    pub fn poll(&mut self) -> Poll {
        let found = match files::find(&self.paths) {
            Ok(found) => found,
            Err(error) => return self.suspect(error.into()),
        };
        self.suspected = None;
        if found == self.seen {
            self.pending = None;
            return Poll::Unchanged;
        }
        if self.pending.as_ref() != Some(&found) {
            self.pending = Some(found);
            return Poll::Unchanged;
        }
        self.pending = None;
        self.read(found)
    }

    fn read(&mut self, found: Vec<Found>) -> Poll {
        let loaded = match load_found(&found) {
            Ok(_) if found.is_empty() => Err(LoadError::Nothing(self.paths.clone())),
            other => other,
        };
        self.seen = found;
        match loaded {
            Ok(loaded) => self.accept(loaded),
            Err(error) => self.broken(error),
        }
    }

    fn accept(&mut self, loaded: Loaded) -> Poll {
        self.fault = None;
        let newly = |finding: &&Finding| {
            finding.concern == Concern::Misfit && finding.object.as_ref().is_none_or(|id| !self.refused.contains(id))
        };
        let refused: Vec<Finding> = loaded.findings.iter().filter(newly).cloned().collect();
        if !refused.is_empty() {
            return Poll::Broken(Broken::Refused(refused));
        }
        self.refused = loaded.refused.clone();
        Poll::Changed(Box::new(loaded))
    }

    fn suspect(&mut self, error: LoadError) -> Poll {
        let message = error.to_string();
        if self.suspected.as_ref() == Some(&message) {
            return self.broken(error);
        }
        self.suspected = Some(message);
        Poll::Unchanged
    }

    fn broken(&mut self, error: LoadError) -> Poll {
        let message = error.to_string();
        if self.fault.as_ref() == Some(&message) {
            return Poll::Unchanged;
        }
        self.fault = Some(message);
        Poll::Broken(error.into())
    }
}
