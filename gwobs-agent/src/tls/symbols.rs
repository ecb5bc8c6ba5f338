//! An image that names its functions: a shared library always does, a program unless it is stripped.

use super::image::Image;
use super::point::{Evidence, Function, Library, Point, Points, Returns};

/// Names and what they are.
const ENTRIES: [(&str, Function); 7] = [
    ("SSL_read", Function::Read),
    ("SSL_read_ex", Function::ReadEx),
    ("SSL_write", Function::Write),
    ("SSL_write_ex", Function::WriteEx),
    ("SSL_do_handshake", Function::Handshake),
    ("ERR_vset_error", Function::Report),
    ("ERR_put_error", Function::PutReport),
];

/// The points that the image names; `None` if it has no TLS library. OpenSSL's reports come from an image of their own,
/// `libcrypto`.
pub(super) fn find(image: &Image) -> Option<Points> {
    let symbols = &image.layout.symbols;
    let has = |name| symbols.contains_key(name);
    let reads_and_writes = has("SSL_read") && has("SSL_write");
    if !reads_and_writes && !has("ERR_vset_error") && !has("ERR_put_error") {
        return None;
    }
    // Only OpenSSL has the one, and an image of its own for reports.
    let library = match has("SSL_read_ex") || !reads_and_writes {
        true => Library::OpenSsl,
        false => Library::BoringSsl,
    };
    let points = ENTRIES.iter().filter_map(|(name, function)| {
        Some(Point {
            function: *function,
            offset: image.offset_of(*symbols.get(name)?)?,
            returns: match function {
                Function::Report | Function::PutReport => Returns::Unwatched,
                _ => Returns::Probe,
            },
            evidence: Evidence::Symbol,
        })
    });
    Some(Points {
        library,
        points: points.collect(),
    })
}
