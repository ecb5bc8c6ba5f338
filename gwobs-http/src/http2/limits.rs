//! Limits, each with its reason.

/// Longest header section that is read, as it is on the wire: Envoy's own limit of a head is 60 KiB.
pub const MAX_SECTION: usize = 64 * 1024;

/// Most field lines of a header section: well above the defaults of the data planes (100 in Envoy and HAProxy). It also
/// bounds what a short section can unfold to, since a line takes one byte on the wire.
pub const MAX_FIELDS: usize = 256;

/// Longest payload of SETTINGS and GOAWAY that is read: more settings than there are, many times over. What is longer
/// is passed over.
pub(super) const MAX_CONTROL: usize = 1024;

/// `SETTINGS_MAX_FRAME_SIZE` before anybody says otherwise (RFC 9113 section 6.5.2).
pub(super) const INITIAL_MAX_FRAME: u32 = 1 << 14;
