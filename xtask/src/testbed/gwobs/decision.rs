//! A decision as a reader of the JSONL sees it: known fields by name, the rest ignored.

use crate::testbed::{backend, client};
use serde_json::Value;

/// One `decision` line.
#[derive(Debug, Clone)]
pub struct Decision(pub Value);

impl Decision {
    /// `match`, `mismatch` or `inconclusive`.
    pub fn verdict(&self) -> &str {
        self.text("/verdict")
    }

    /// The reason, empty on a match.
    pub fn reason(&self) -> &str {
        self.text("/reason")
    }

    /// The id that a testbed client put on the request.
    pub fn id(&self) -> Option<&str> {
        self.header(backend::ID).or_else(|| self.query(client::ID_QUERY))
    }

    /// Whether nothing could be read of the request.
    pub fn has_no_request(&self) -> bool {
        self.0.get("request").is_none_or(Value::is_null)
    }

    /// Whether the client spoke TLS.
    pub fn is_tls(&self) -> bool {
        self.0.pointer("/downstream/tls").and_then(Value::as_bool) == Some(true)
    }

    /// The request's path with its query.
    pub fn path(&self) -> &str {
        self.text("/request/path")
    }

    /// The first value of a header of the request.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.0.pointer("/request/headers")?.as_array()?;
        let pair = headers
            .iter()
            .find(|pair| pair.get(0).and_then(Value::as_str) == Some(name))?;
        pair.get(1)?.as_str()
    }

    /// Whether it stands for one of several requests that are equal for routing, and not for this one.
    pub fn is_interchangeable(&self) -> bool {
        let evidence = self.0.pointer("/pairing/evidence").and_then(Value::as_array);
        evidence.is_some_and(|evidence| evidence.iter().any(|one| one == "interchangeable"))
    }

    /// Addresses of all attempts, in order.
    pub fn upstreams(&self) -> Vec<&str> {
        let attempts = self.0.get("upstreams").and_then(Value::as_array).into_iter().flatten();
        attempts
            .filter_map(|attempt| attempt.get("address")?.as_str())
            .collect()
    }

    /// The address whose answer the client got: the last attempt that was meant to be one.
    pub fn chosen(&self) -> Option<&str> {
        let attempts = self.0.get("upstreams")?.as_array()?;
        let purpose = |attempt: &Value| attempt.get("purpose").and_then(Value::as_str).map(str::to_owned);
        let answered = |attempt: &&Value| matches!(purpose(attempt).as_deref(), Some("forward" | "retry"));
        attempts.iter().rev().find(answered)?.get("address")?.as_str()
    }

    /// Any field as text by its JSON pointer; empty when it is absent.
    pub fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Any field as a number by its JSON pointer.
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer)?.as_u64()
    }

    fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.path().split_once('?')?;
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}
