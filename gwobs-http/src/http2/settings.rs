//! SETTINGS: RFC 9113 section 6.5.

/// What an observer needs of the settings that one side wants of the other. The size of the dynamic table is not among
/// it: an encoder says in its own header sections which size it uses (RFC 7541 section 4.2), and indices mean the same
/// entries whatever that size is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// `SETTINGS_MAX_FRAME_SIZE`: the longest payload that the sender of the settings takes.
    pub max_frame_size: Option<u32>,
    /// `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441): extended CONNECT is understood.
    pub connect_protocol: Option<bool>,
}

impl Settings {
    /// Of the payload of a frame; settings that are not known are to be ignored, of repeated ones the last counts.
    pub(super) fn parse(payload: &[u8]) -> Self {
        const MAX_FRAME_SIZE: u16 = 5;
        const ENABLE_CONNECT_PROTOCOL: u16 = 8;
        let mut settings = Self::default();
        for setting in payload.as_chunks::<6>().0 {
            let [high, low, value @ ..] = *setting;
            let value = u32::from_be_bytes(value);
            match u16::from_be_bytes([high, low]) {
                MAX_FRAME_SIZE => settings.max_frame_size = Some(value),
                ENABLE_CONNECT_PROTOCOL => settings.connect_protocol = Some(value == 1),
                _ => {}
            }
        }
        settings
    }
}
