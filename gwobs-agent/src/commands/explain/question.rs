//! What is asked: one request to one port of a Gateway, or of a Service in a mesh.

use std::fmt;

use gwobs_route::{Arrival, HeaderField, ObjectName, Request, WireProtocol};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::front;
use crate::specs::{Misfit, decode};

#[cfg(test)]
mod tests;

/// A request, and where it arrives.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The asker's own name for it, given back with the answer.
    pub id: Value,
    /// Where it arrives.
    pub arrival: Arrival,
    /// Server name of the TLS handshake.
    pub sni: Option<String>,
    /// Method.
    pub method: String,
    /// Authority, maybe with a port.
    pub host: Option<String>,
    /// Path with query.
    pub path: String,
    /// Header fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
}

/// A question that cannot be answered: the field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", prefixed(.field))]
pub struct BadQuestion {
    /// The field; empty for the whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

fn prefixed(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("{field}: ")
    }
}

impl BadQuestion {
    pub(super) fn new(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            message: message.into(),
        }
    }
}

impl From<Misfit> for BadQuestion {
    fn from(misfit: Misfit) -> Self {
        Self {
            field: misfit.field,
            message: misfit.message,
        }
    }
}

impl Question {
    /// Reads a line of `explain --requests`.
    ///
    /// # Errors
    ///
    /// [`BadQuestion`] for what is not JSON, or has a field that does not fit.
    pub fn parse(line: &str) -> Result<Self, BadQuestion> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| BadQuestion::new("", format!("not JSON: {error}")))?;
        let wire: Line = decode(&value, &mut Vec::new())?;
        Self::of_line(wire)
    }

    fn of_line(line: Line) -> Result<Self, BadQuestion> {
        let protocol = protocol(line.protocol.as_deref().unwrap_or("HTTP"))?;
        let port = line.port.map_or(Ok(default_port(protocol)), port)?;
        let front = front::Fields {
            gateway: line.gateway,
            service: line.service,
            client: line.client,
        };
        Ok(Self {
            id: line.id.unwrap_or(Value::Null),
            arrival: Arrival {
                front: front.front()?,
                port,
                protocol,
            },
            sni: line.sni,
            method: line.method.unwrap_or_else(|| "GET".to_owned()),
            host: line.host.filter(|host| !host.is_empty()),
            path: line.path.unwrap_or_else(|| "/".to_owned()),
            headers: line.headers.unwrap_or_default().0,
        })
    }

    /// The header fields as the engine borrows them.
    #[must_use]
    pub fn fields(&self) -> Vec<HeaderField<'_>> {
        self.headers
            .iter()
            .map(|(name, value)| HeaderField { name, value })
            .collect()
    }

    /// The request as the engine borrows it, with [`Self::fields`].
    #[must_use]
    pub fn request<'a>(&'a self, fields: &'a [HeaderField<'a>]) -> Request<'a> {
        Request {
            method: &self.method,
            authority: self.host.as_deref(),
            path: Some(&self.path),
            headers: fields,
            sni: self.sni.as_deref(),
        }
    }
}

/// One line of `explain --requests`.
#[derive(Debug, Deserialize)]
struct Line {
    id: Option<Value>,
    gateway: Option<String>,
    service: Option<String>,
    client: Option<front::Client>,
    port: Option<i64>,
    protocol: Option<String>,
    sni: Option<String>,
    method: Option<String>,
    host: Option<String>,
    path: Option<String>,
    headers: Option<Headers>,
}

/// `NAMESPACE/NAME`
pub(super) fn object_name(text: &str) -> Result<ObjectName, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => Ok(ObjectName {
            namespace: namespace.into(),
            name: name.into(),
        }),
        _ => Err(format!(
            "expected NAMESPACE/NAME, for example infra/web, found `{text}`"
        )),
    }
}

fn port(value: i64) -> Result<u16, BadQuestion> {
    match u16::try_from(value) {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(BadQuestion::new("port", format!("a port is 1 to 65535, not {value}"))),
    }
}

/// The port of a protocol that has one of its own.
pub(super) fn default_port(protocol: WireProtocol) -> u16 {
    match protocol {
        WireProtocol::Https | WireProtocol::Tls => 443,
        _ => 80,
    }
}

fn protocol(text: &str) -> Result<WireProtocol, BadQuestion> {
    match text.to_ascii_uppercase().as_str() {
        "HTTP" => Ok(WireProtocol::Http),
        "HTTPS" => Ok(WireProtocol::Https),
        "GRPC" => Ok(WireProtocol::Grpc),
        "TLS" => Ok(WireProtocol::Tls),
        "TCP" => Ok(WireProtocol::Tcp),
        "UDP" => Ok(WireProtocol::Udp),
        _ => Err(BadQuestion::new(
            "protocol",
            format!("expected HTTP, HTTPS, GRPC, TLS, TCP or UDP, found `{text}`"),
        )),
    }
}

/// Header fields, as a mapping of names to values or as a list of pairs; names in lower case.
#[derive(Debug, Default)]
struct Headers(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of header names to values, or a list of pairs of a name and a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Headers, E> {
        Ok(Headers::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, values)) = map.next_entry::<String, Values>()? {
            fields.extend(values.0.into_iter().map(|value| (name.to_ascii_lowercase(), value)));
        }
        Ok(Headers(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Headers, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = list.next_element::<(String, String)>()? {
            fields.push((name.to_ascii_lowercase(), value));
        }
        Ok(Headers(fields))
    }
}

/// One value, or several of a repeated header.
#[derive(Debug, Deserialize)]
#[serde(from = "OneOrMany")]
struct Values(Vec<String>);

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "text, or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Values {
    fn from(values: OneOrMany) -> Self {
        match values {
            OneOrMany::One(value) => Self(vec![value]),
            OneOrMany::Many(values) => Self(values),
        }
    }
}
