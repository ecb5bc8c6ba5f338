//! An image that names its functions: a shared library always does, a program unless it is stripped.

use super::image::Image;
use super::point::{Evidence, Function, Library, Point, Points, Returns};

/// Names and what they are.
const ENTRIES: [(&str, Function); 5] = [
    ("SSL_read", Function::Read),
    ("SSL_read_ex", Function::ReadEx),
    ("SSL_write", Function::Write),
    ("SSL_write_ex", Function::WriteEx),
    ("SSL_do_handshake", Function::Handshake),
];

/// The points that the image names; `None` if it has no TLS library.
pub(super) fn find(image: &Image) -> Option<Points> {
    let symbols = &image.layout.symbols;
    if !symbols.contains_key("SSL_read") || !symbols.contains_key("SSL_write") {
        return None;
    }
    // Only OpenSSL has it.
    let library = match symbols.contains_key("SSL_read_ex") {
        true => Library::OpenSsl,
        false => Library::BoringSsl,
    };
    let points = ENTRIES.iter().filter_map(|(name, function)| {
        Some(Point {
            function: *function,
            offset: image.offset_of(*symbols.get(name)?)?,
            returns: Returns::Probe,
            evidence: Evidence::Symbol,
        })
    });
    Some(Points {
        library,
        points: points.collect(),
    })
}
