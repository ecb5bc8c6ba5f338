//! What conversion has to say about one object, by field.

use std::fmt;

/// The way to a field: prints as `spec.rules.0.matches.1`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At<'a> {
    /// A field of the object itself.
    Top(&'static str),
    /// A field of what stands there.
    Field(&'a Self, &'static str),
    /// An element of what stands there.
    Index(&'a Self, usize),
}

impl At<'_> {
    /// The way to a field of what stands here.
    pub(crate) fn field(&self, name: &'static str) -> At<'_> {
        At::Field(self, name)
    }

    /// The way to an element of the list that stands here.
    pub(crate) fn index(&self, index: usize) -> At<'_> {
        At::Index(self, index)
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}.{index}"),
        }
    }
}

/// What is wrong with one field, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// Path of the field.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
}

/// What conversion has to say about one object.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Rules of the API that are broken.
    pub(crate) invalid: Vec<Note>,
    /// Paths of fields that are not understood.
    pub(crate) unknown: Vec<String>,
}

impl Notes {
    /// A rule of the API is broken, and what stands there can still be used as it is meant.
    pub(crate) fn invalid(&mut self, at: &At<'_>, message: impl Into<String>) {
        self.invalid.push(Note {
            field: at.to_string(),
            message: message.into(),
        });
    }

    /// A rule of the API is broken in such a way that what stands there has no meaning: no decision may rest on it.
    pub(crate) fn meaningless(&mut self, at: &At<'_>, message: impl Into<String>) {
        self.invalid(at, message);
        self.unknown.push(at.to_string());
    }

    /// A value is not understood; it may be newer than this program.
    pub(crate) fn not_understood(&mut self, at: &At<'_>) {
        self.unknown.push(at.to_string());
    }
}
