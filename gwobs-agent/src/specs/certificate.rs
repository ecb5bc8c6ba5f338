//! X.509 certificates, as far as they are compared: the one a Secret holds with the one a gateway serves.

use gwobs_route::model::Certificate;
use ring::digest::{SHA256, digest};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

#[cfg(test)]
mod tests;

/// Most names of a certificate that are kept; public authorities put 100 into one.
const MAX_HOSTS: usize = 1000;
/// Longest text of an issuer that is kept, in bytes: it comes from whoever made the certificate.
const MAX_ISSUER: usize = 256;

/// The first certificate of a chain in PEM; `None` if any block of the chain does not parse.
pub(super) fn first_of_pem(pem: &[u8]) -> Option<Certificate> {
    let mut first = None;
    for block in Pem::iter_from_buffer(pem) {
        let block = block.ok()?;
        let certificate = of_der(&block.contents)?;
        first = first.or(Some(certificate));
    }
    first
}

/// A certificate in DER; `None` if it is none.
#[must_use]
pub fn of_der(der: &[u8]) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let fingerprint = digest(&SHA256, der);
    Some(Certificate {
        fingerprint: fingerprint.as_ref().try_into().ok()?,
        issuer: issuer(&certificate).into(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        hosts: hosts(&certificate),
    })
}

fn hosts(certificate: &X509Certificate<'_>) -> Vec<std::sync::Arc<str>> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    let hosts = names.filter_map(|name| match name {
        GeneralName::DNSName(host) => Some(host.to_ascii_lowercase().into()),
        _ => None,
    });
    hosts.take(MAX_HOSTS).collect()
}

/// The issuer's name without control characters: it goes into log lines.
fn issuer(certificate: &X509Certificate<'_>) -> String {
    let text = certificate.issuer().to_string();
    let mut kept = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        if kept.len() + character.len_utf8() > MAX_ISSUER {
            break;
        }
        kept.push(character);
    }
    kept
}
