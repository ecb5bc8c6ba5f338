//! Limits, each with its reason.

/// Longest head that is read, start line and final empty line included: what the kernel side captures of a head.
pub const MAX_HEAD: usize = 16 * 1024;

/// Most field lines of a head: well above the defaults of the data planes (100 in Envoy and HAProxy).
pub const MAX_FIELDS: usize = 256;

/// Longest method: registered ones have at most 17 bytes (UPDATEREDIRECTREF); a first stretch without a blank within
/// this many bytes is not HTTP.
pub const MAX_METHOD: usize = 32;

/// Longest chunk-size line with its extensions, which nobody uses in earnest.
pub const MAX_CHUNK_LINE: usize = 4 * 1024;

/// Longest trailer section: as long as a head may be.
pub const MAX_TRAILERS: usize = MAX_HEAD;
