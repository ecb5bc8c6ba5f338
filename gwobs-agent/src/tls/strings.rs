//! Where constant strings lie.

use memchr::memmem;

use super::image::Image;

/// Longest string, before the part that is looked for: the name of a source file with its directories.
const MAX_PREFIX: usize = 512;

/// Places of one string, at most: linkers merge equal strings.
const MAX_PLACES: usize = 64;

/// Addresses of strings that are this one.
pub(super) fn whole(image: &Image, text: &str) -> Vec<u64> {
    let needle = terminated(text);
    // The end of a longer string may serve as this one: linkers share tails.
    places(image, &needle, |address, _| vec![address])
}

/// Addresses of strings that end like this, and of this end within them.
pub(super) fn ending(image: &Image, text: &str) -> Vec<u64> {
    places(image, &terminated(text), |address, before| {
        let head = before
            .iter()
            .rev()
            .take(MAX_PREFIX)
            .take_while(|byte| **byte != 0)
            .count();
        vec![address - head as u64, address]
    })
}

fn terminated(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// `tell` gets the address of each match and the bytes before it.
fn places(image: &Image, needle: &[u8], tell: impl Fn(u64, &[u8]) -> Vec<u64>) -> Vec<u64> {
    let finder = memmem::Finder::new(needle);
    let mut found = Vec::new();
    image.visit(
        |segment| segment.is_constant(),
        needle.len() + MAX_PREFIX,
        |address, bytes| {
            for at in finder.find_iter(bytes) {
                if found.len() < MAX_PLACES {
                    let before = bytes.get(..at).unwrap_or_default();
                    found.extend(tell(address.saturating_add(at as u64), before));
                }
            }
        },
    );
    found.sort_unstable();
    found.dedup();
    found
}
