//! Heads from header sections: RFC 9113 sections 8.2 and 8.3.
//!
//! Lines that are unknown still have a place: pseudo-header fields come before all others, so an unknown line before a
//! known pseudo-header field is one, an unknown line after a known other field is none, and in between it may be either.
//! Where it may be either it counts as both: more is called unknown than is, never less.

use bytes::{Bytes, BytesMut};

use super::hpack::Line;
use super::item::Fault;
use crate::{Field, RequestHead, ResponseHead, Unknown, Version};

/// A request head of the first header section of a stream.
///
/// # Errors
/// [`Fault::Malformed`] for what RFC 9113 section 8.1.1 calls so; [`Fault::Unknown`] if the method is not known.
pub fn request_head(lines: &[Line]) -> Result<RequestHead, Fault> {
    let parts = Parts::of(lines)?;
    let [method, scheme, authority, path] =
        [b":method", &b":scheme"[..], b":authority", b":path"].map(|name| parts.pseudo(name));
    let (method, authority, path) = (method?, authority?, path?);
    let is_connect = method.as_ref().is_some_and(|method| method == "CONNECT");
    let is_extended = parts.pseudo(b":protocol")?.is_some();
    let needs_path = !is_connect || is_extended;
    let missing = [
        method.is_none(),
        needs_path && path.is_none(),
        needs_path && scheme?.is_none(),
    ];
    let missing = missing.into_iter().filter(|missing| *missing).count();
    let may_be_pseudo = parts.unknown_pseudo + parts.unknown_either;
    // An unknown pseudo-header field that nothing else needs is the authority.
    let spare = may_be_pseudo.checked_sub(missing).ok_or(Fault::Malformed)?;
    let mut fields = parts.fields;
    let host = take_host(&mut fields);
    let authority = authority.or(host).filter(|authority| !authority.is_empty());
    let unknown = Unknown {
        authority: authority.is_none() && spare > 0,
        path: needs_path && path.is_none(),
        fields: parts.unknown_fields + parts.unknown_either.min(spare),
    };
    Ok(RequestHead {
        version: Version::H2,
        method: method.ok_or(Fault::Unknown)?,
        authority,
        path: path.filter(|_| needs_path),
        headers: with_joined_cookies(fields),
        unknown,
    })
}

/// A response head of a header section of a stream: interim, final, or final with the end of the stream.
///
/// # Errors
/// [`Fault::Malformed`] for what RFC 9113 section 8.1.1 calls so; [`Fault::Unknown`] if the status is not known.
pub fn response_head(lines: &[Line]) -> Result<ResponseHead, Fault> {
    let parts = Parts::of(lines)?;
    let unknown = parts.unknown_pseudo + parts.unknown_either;
    let missing = if unknown > 0 { Fault::Unknown } else { Fault::Malformed };
    let status = parts.pseudo(b":status")?.ok_or(missing)?;
    Ok(ResponseHead {
        version: Version::H2,
        status: parse_status(&status).ok_or(Fault::Malformed)?,
        headers: parts.fields,
        unknown: parts.unknown_fields + parts.unknown_either,
    })
}

/// The lines of a section, sorted by what they may be.
struct Parts {
    pseudo: Vec<Field>,
    fields: Vec<Field>,
    /// Unknown lines before a known pseudo-header field.
    unknown_pseudo: usize,
    /// Unknown lines between the two kinds.
    unknown_either: usize,
    /// Unknown lines after a known field that is none.
    unknown_fields: usize,
}

impl Parts {
    fn of(lines: &[Line]) -> Result<Self, Fault> {
        let mut parts = Self {
            pseudo: Vec::new(),
            fields: Vec::new(),
            unknown_pseudo: 0,
            unknown_either: 0,
            unknown_fields: 0,
        };
        for line in lines {
            parts.add(line)?;
        }
        Ok(parts)
    }

    fn add(&mut self, line: &Line) -> Result<(), Fault> {
        let field = line.name.as_ref().zip(line.value.as_ref());
        let in_fields = !self.fields.is_empty() || self.unknown_fields > 0;
        match field.map(|(name, value)| to_field(name, value)).transpose()? {
            Some(field) if field.name.starts_with(b":") => {
                if in_fields {
                    return Err(Fault::Malformed);
                }
                self.unknown_pseudo += std::mem::take(&mut self.unknown_either);
                self.pseudo.push(field);
            }
            Some(field) => self.fields.push(field),
            None if in_fields => self.unknown_fields += 1,
            None => self.unknown_either += 1,
        }
        Ok(())
    }

    /// The value of a pseudo-header field, which stands there once at most.
    fn pseudo(&self, name: &[u8]) -> Result<Option<Bytes>, Fault> {
        let mut values = self.pseudo.iter().filter(|field| field.name == name);
        let first = values.next().map(|field| field.value.clone());
        values.next().is_none().then_some(first).ok_or(Fault::Malformed)
    }
}

/// Names are in lower case, and neither part can end the line (section 8.2.1).
fn to_field(name: &Bytes, value: &Bytes) -> Result<Field, Fault> {
    let ends_line = |byte: &u8| matches!(byte, b'\0' | b'\r' | b'\n');
    let bad_name = |byte: &u8| byte.is_ascii_uppercase() || *byte <= b' ' || *byte >= 0x7f;
    if name.is_empty() || name.iter().any(bad_name) || value.iter().any(ends_line) {
        return Err(Fault::Malformed);
    }
    Ok(Field {
        name: name.clone(),
        value: value.slice_ref(value.trim_ascii()),
    })
}

/// Removes the Host lines; the first one counts where there is no `:authority` (section 8.3.1).
fn take_host(fields: &mut Vec<Field>) -> Option<Bytes> {
    let hosts = fields.extract_if(.., |field| field.name == b"host"[..]);
    hosts
        .map(|field| field.value)
        .fold(None, |first, host| first.or(Some(host)))
}

/// Cookie pairs may come one a line; outside of HTTP/2 they are one field (section 8.2.3).
fn with_joined_cookies(mut fields: Vec<Field>) -> Vec<Field> {
    let is_cookie = |field: &Field| field.name == b"cookie"[..];
    let Some(first) = fields.iter().position(is_cookie) else {
        return fields;
    };
    let cookies: Vec<Field> = fields.extract_if(.., |field| is_cookie(field)).collect();
    let Some((one, others)) = cookies.split_first() else {
        return fields;
    };
    let mut joined = BytesMut::from(&*one.value);
    for other in others {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(&other.value);
    }
    let field = Field {
        name: one.name.clone(),
        value: joined.freeze(),
    };
    fields.insert(first, field);
    fields
}

fn parse_status(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok()?;
    let valid = digits.len() == 3 && digits.iter().all(u8::is_ascii_digit);
    text.parse().ok().filter(|status| valid && *status >= 100)
}

#[cfg(test)]
mod tests;
