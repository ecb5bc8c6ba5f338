//! Manifests to model objects, with everything there is to say about them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gwobs_route::model::Object;

use super::convert::{Outcome, convert};
use super::document::{Document, SyntaxError, parse, with_room};
use super::files::{self, FileError, Found};
use super::finding::{Concern, Finding, ObjectId};
use super::object::{NoObject, RawObject, objects_of};
use super::withhold::without_secrets;

#[cfg(test)]
mod tests;

/// Manifests that could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or directory could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not YAML.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The operating system had no thread to parse with.
    #[error("cannot parse: {0}")]
    Thread(#[from] io::Error),
    /// There is no manifest under the paths.
    #[error("no manifests (*.yaml, *.yml, *.json) in {}", .0.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "))]
    Nothing(Vec<PathBuf>),
}

/// A manifest file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFile {
    /// Its path.
    pub path: Arc<Path>,
    /// Its text.
    pub text: String,
}

/// The objects of manifests, and what there is to say about them.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The files as they were read, in order, without what Secrets hold: [`load_sources`] gives the same objects again.
    pub sources: Vec<ManifestFile>,
    /// Objects that routing depends on.
    pub objects: Vec<Object>,
    /// What whoever wrote them should know, in the order of the files.
    pub findings: Vec<Finding>,
    /// Objects that do not fit their type; what could be read of them is in `objects`, in doubt.
    pub refused: BTreeSet<ObjectId>,
    /// How many objects there are of each kind that routing does not depend on.
    pub irrelevant: BTreeMap<Arc<str>, usize>,
    /// How many objects there are of each kind that is not understood.
    pub unknown: BTreeMap<Arc<str>, usize>,
}

/// Reads all manifests under the paths.
///
/// # Errors
///
/// [`LoadError`] if a file cannot be read, is not YAML, or there is none.
pub fn load(paths: &[PathBuf]) -> Result<Loaded, LoadError> {
    let found = files::find(paths)?;
    if found.is_empty() {
        return Err(LoadError::Nothing(paths.to_vec()));
    }
    load_found(&found)
}

pub(super) fn load_found(found: &[Found]) -> Result<Loaded, LoadError> {
    with_room(|| {
        let mut loader = Loader::default();
        for file in found {
            loader.file(ManifestFile {
                path: Arc::clone(&file.path),
                text: files::read(&file.path)?,
            })?;
        }
        Ok(loader.finish())
    })?
}

/// Reads manifests that were read before.
///
/// # Errors
///
/// [`LoadError`] if one is not YAML.
pub fn load_sources(sources: Vec<ManifestFile>) -> Result<Loaded, LoadError> {
    with_room(|| {
        let mut loader = Loader::default();
        for source in sources {
            loader.file(source)?;
        }
        Ok(loader.finish())
    })?
}

/// Reads manifests from text; `name` stands for the file in findings.
///
/// # Errors
///
/// [`LoadError`] if it is not YAML.
pub fn load_text(name: &str, text: &str) -> Result<Loaded, LoadError> {
    load_sources(vec![ManifestFile {
        path: Path::new(name).into(),
        text: text.to_owned(),
    }])
}

#[derive(Default)]
struct Loader {
    raw: Vec<RawObject>,
    loaded: Loaded,
}

impl Loader {
    fn file(&mut self, source: ManifestFile) -> Result<(), SyntaxError> {
        let documents = parse(&source.path, &source.text)?;
        self.loaded.sources.push(ManifestFile {
            text: without_secrets(source.text, &documents),
            path: source.path,
        });
        documents.into_iter().for_each(|document| self.document(document));
        Ok(())
    }

    fn document(&mut self, document: Document) {
        let (objects, faults) = objects_of(document);
        self.raw.extend(objects);
        self.loaded.findings.extend(faults.into_iter().map(no_object));
    }

    /// Of objects that stand twice the later counts, as it does when the files are applied in turn.
    fn finish(mut self) -> Loaded {
        let mut last: HashMap<ObjectId, usize> = HashMap::new();
        for (i, raw) in self.raw.iter().enumerate() {
            if let Some(earlier) = last.insert(raw.id.clone(), i).and_then(|at| self.raw.get(at)) {
                self.loaded.findings.push(duplicate(raw, earlier));
            }
        }
        for (i, raw) in self.raw.iter().enumerate() {
            if last.get(&raw.id) == Some(&i) {
                self.loaded.add(raw);
            }
        }
        self.loaded
    }
}

impl Loaded {
    pub(super) fn add(&mut self, raw: &RawObject) {
        let (outcome, findings) = convert(raw);
        self.findings.extend(findings);
        match outcome {
            Outcome::Used(object) => self.objects.push(*object),
            Outcome::Refused(salvaged) => {
                self.refused.insert(raw.id.clone());
                self.objects.extend(salvaged.map(|object| *object));
            }
            Outcome::Irrelevant => *self.irrelevant.entry(Arc::clone(&raw.id.kind)).or_default() += 1,
            Outcome::Unknown => *self.unknown.entry(Arc::clone(&raw.id.kind)).or_default() += 1,
        }
    }
}

fn no_object(fault: NoObject) -> Finding {
    Finding {
        concern: Concern::Misfit,
        place: Some(fault.place),
        object: None,
        field: String::new(),
        message: fault.message,
    }
}

fn duplicate(raw: &RawObject, earlier: &RawObject) -> Finding {
    let place = earlier.place.as_ref().map(ToString::to_string).unwrap_or_default();
    Finding {
        concern: Concern::Duplicate,
        place: raw.place.clone(),
        object: Some(raw.id.clone()),
        field: String::new(),
        message: format!("stands at {place} too; this one counts"),
    }
}
