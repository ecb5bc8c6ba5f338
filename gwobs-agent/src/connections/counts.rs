//! What this layer gave up, by reason.

/// Counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Halves begun.
    pub halves: u64,
    /// Connections seen.
    pub connections: u64,
    /// Connections forgotten because there were more than [`super::MAX_CONNECTIONS`].
    pub forgotten: u64,
    /// Data of connections that were never announced, or were forgotten.
    pub unknown_connection: u64,
    /// Parts of calls that repeated a position, in whole or in part.
    pub overlaps: u64,
    /// Bytes that were missing between two calls.
    pub missing_bytes: u64,
    /// Times that bytes were missing, or left out where they were needed.
    pub gaps: u64,
    /// Parts of calls that came before the ones they follow and were put in order.
    pub reordered: u64,
    /// Messages that could not be read.
    pub invalid_messages: u64,
    /// Responses that no request was seen for.
    pub unsolicited_responses: u64,
    /// Calls that read a client's bytes in TLS whose plaintext nobody told: each may have held a request.
    pub encrypted: u64,
    /// Request heads of HTTP/2 of which a part refers to what was not seen.
    pub partial_heads: u64,
    /// Responses of HTTP/2 that nobody asked for.
    pub pushed_responses: u64,
    /// Connections given up because more than [`super::MAX_PIPELINED`] requests waited, and requests not followed
    /// because [`super::MAX_STREAMS`] were open.
    pub too_deep: u64,
    /// Connects in progress that were forgotten.
    pub connecting_forgotten: u64,
}
