//! The one way in: what an image is decides how it is searched.

use super::functions::Functions;
use super::image::Image;
use super::point::Points;
use super::{boringssl, golang, openssl, symbols};

/// Why an image has no probe points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotFound {
    /// It has no TLS library that is known.
    #[error("no TLS library is known in it")]
    NoLibrary,
    /// It has lost even the table of where its functions are.
    #[error("it does not tell where its functions are")]
    NoFunctions,
}

/// Finds where an image reads and writes plaintext.
///
/// # Errors
/// Why there is nothing to find.
pub fn find(image: &Image) -> Result<Points, NotFound> {
    if let Some(points) = symbols::find(image).or_else(|| golang::find(image)) {
        return Ok(points);
    }
    if image.layout.go_table.is_some() {
        return Err(NotFound::NoLibrary);
    }
    let functions = Functions::of(image).ok_or(NotFound::NoFunctions)?;
    boringssl::find(image, &functions)
        .or_else(|| openssl::find(image, &functions))
        .ok_or(NotFound::NoLibrary)
}

/// As [`find`], but only by names: for shared libraries, which always have them.
pub(super) fn by_name(image: &Image) -> Option<Points> {
    symbols::find(image)
}
