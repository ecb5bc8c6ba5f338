//! YAML and JSON text to documents, each with the place it stands at.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use serde_json::Value;
use serde_saphyr::{Options, Spanned};

#[cfg(test)]
mod tests;

/// Longest file that is read: 10,000 routes with their status come to about 40 MB.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most YAML nodes of one file; a file of the greatest length has about one for every eight bytes.
const MAX_NODES: usize = 8 << 20;
/// Most documents of one file, for the same reason: the shortest object has some 64 bytes.
const MAX_DOCUMENTS: usize = 1 << 20;
/// Deepest nesting: schemas of CRDs, which may lie among the manifests, come to about 60.
const MAX_DEPTH: usize = 128;
/// Stack of the thread that parses: the parser goes down into nested nodes, 25 KiB a level without optimisation.
const PARSER_STACK: usize = 8 << 20;
/// Most aliases of one file, and the most nodes they may expand to: anchors in hand-written manifests stay far below.
const MAX_ALIASES: usize = 50_000;
/// Most nodes that aliases may expand to.
const MAX_ALIASED_NODES: usize = 1 << 20;

/// Where an object stands: prints as `file:line`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// Line of the document's first node, from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// One document of a file that is not empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Where it stands.
    pub place: Place,
    /// What it holds.
    pub value: Value,
}

/// Text that is not YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", file.display())]
pub struct SyntaxError {
    /// The file.
    pub file: Arc<Path>,
    /// Line, from 1; 0 if not known.
    pub line: u64,
    /// Column, from 1; 0 if not known.
    pub column: u64,
    /// What is wrong, with the lines around it where they help.
    pub message: String,
}

/// Reads all documents of a YAML stream; JSON is read as the YAML that it is (YAML 1.2 section 1.3).
///
/// # Errors
///
/// [`SyntaxError`] for text that is not YAML, for a key that stands twice in one mapping, and for a stream beyond the
/// named limits. A stream is taken whole or not at all.
pub(crate) fn parse(file: &Arc<Path>, text: &str) -> Result<Vec<Document>, SyntaxError> {
    let documents = serde_saphyr::from_multiple_with_options::<Spanned<Value>>(text, options())
        .map_err(|error| syntax_error(file, &error))?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.value.is_null())
        .map(|document| Document {
            place: Place {
                file: Arc::clone(file),
                line: document.defined.line(),
            },
            value: document.value,
        })
        .collect())
}

/// Runs `work`, which parses documents, with enough stack for the deepest of them; other threads may have less.
///
/// # Errors
///
/// The error of the operating system, if it has no thread to give.
pub(crate) fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let parser = thread::Builder::new()
            .name("parser".to_owned())
            .stack_size(PARSER_STACK);
        let handle = parser.spawn_scoped(scope, work)?;
        handle.join().map_err(|_| io::Error::other("the parser panicked"))
    })
}

/// Plain `y`, `no` and `on` are text, as in YAML 1.2: a header value may well be one of them, a flag is never written so.
fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_events: 2 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_documents: MAX_DOCUMENTS,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_aliases: MAX_ALIASES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED_NODES,
        },
    }
}

fn syntax_error(file: &Arc<Path>, error: &serde_saphyr::Error) -> SyntaxError {
    let location = error.location();
    SyntaxError {
        file: Arc::clone(file),
        line: location.map_or(0, |l| l.line()),
        column: location.map_or(0, |l| l.column()),
        message: understandable(&error.without_snippet().to_string()),
    }
}

/// The parser's words without its own advice to programmers and without the place, which is told already.
fn understandable(message: &str) -> String {
    let message = message.split(", set DuplicateKeyPolicy").next().unwrap_or(message);
    match message.rfind(" at line ") {
        Some(at) => message.get(..at).unwrap_or(message).to_owned(),
        None => message.to_owned(),
    }
}
