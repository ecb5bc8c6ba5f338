//! The request that a decision is made for.

/// One header field: the name in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderField<'a> {
    /// Lower-case field name.
    pub name: &'a str,
    /// Value.
    pub value: &'a str,
}

/// A request as the client sent it, borrowed from wherever it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Method, case-sensitive.
    pub method: &'a str,
    /// Authority with its port, `None` if the request had none.
    pub authority: Option<&'a str>,
    /// Path in origin form with query, `*`, or `None` for CONNECT.
    pub path: Option<&'a str>,
    /// Field lines in arrival order, repeats kept, without Host.
    pub headers: &'a [HeaderField<'a>],
    /// Server name of the TLS handshake, `None` without TLS or without SNI.
    pub sni: Option<&'a str>,
}
