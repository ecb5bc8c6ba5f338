//! The files of the suite.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Names the suite's directory.
const VARIABLE: &str = "GWOBS_CONFORMANCE_SUITE";

/// The suite's directory.
pub(crate) struct Suite {
    root: PathBuf,
}

impl Suite {
    /// The suite that the environment names; `None`, and a word about it, if it names none.
    pub(crate) fn of_environment() -> Option<Self> {
        let Some(root) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
            println!("no data: {VARIABLE} is not set");
            return None;
        };
        assert!(root.is_dir(), "{VARIABLE}: {} is not a directory", root.display());
        Some(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn manifest(&self, name: &str) -> PathBuf {
        self.root.join("manifests").join(name)
    }

    /// The cases of a file, in order.
    pub(crate) fn cases<T: DeserializeOwned>(&self, file: &str) -> Vec<T> {
        let path = self.root.join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(i, line)| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), i + 1))
            })
            .collect()
    }
}

/// A change made to the objects before a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Mutation {
    /// An object goes.
    Delete {
        kind: String,
        namespace: String,
        name: String,
    },
    /// An object comes, newer than everything else.
    Add { object: Value },
    /// An object takes the place of the one with its name.
    Replace { object: Value },
}
