//! ReferenceGrant, BackendTLSPolicy, and the Secrets and ConfigMaps that listeners and policies refer to.

use std::sync::Arc;

use crate::model::{Meta, Reference};

/// A ReferenceGrant: objects of `from` may refer to those of `to` in the grant's own namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceGrant {
    /// Metadata.
    pub meta: Meta,
    /// `spec.from`
    pub from: Vec<GrantPeer>,
    /// `spec.to`
    pub to: Vec<GrantTarget>,
}

/// `from[]` of a ReferenceGrant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GrantPeer {
    /// API group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
}

/// `to[]` of a ReferenceGrant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GrantTarget {
    /// API group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// Name, `None` for all.
    pub name: Option<Arc<str>>,
}

/// A BackendTLSPolicy.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendTlsPolicy {
    /// Metadata.
    pub meta: Meta,
    /// `spec.targetRefs`
    pub targets: Vec<PolicyTarget>,
    /// `spec.validation.caCertificateRefs`
    pub authorities: Vec<Reference>,
    /// `spec.validation.wellKnownCACertificates`
    pub well_known_authorities: Option<Arc<str>>,
    /// `spec.validation.hostname`: SNI and the name that the backend's certificate must have.
    pub hostname: Arc<str>,
    /// `spec.validation.subjectAltNames`, hostnames and URIs.
    pub alternative_names: Vec<Arc<str>>,
}

/// `targetRefs[]` of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolicyTarget {
    /// The object, in the policy's own namespace.
    pub target: Reference,
    /// `sectionName`: a port's name.
    pub section: Option<Arc<str>>,
}

/// A Secret, as far as TLS needs it; the key itself is never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Metadata.
    pub meta: Meta,
    /// `type`
    pub kind: Arc<str>,
    /// True if `tls.crt` is a PEM certificate.
    pub has_certificate: bool,
    /// True if `tls.key` is present.
    pub has_key: bool,
    /// True if `ca.crt` is a PEM certificate.
    pub has_authority: bool,
    /// The first certificate of `tls.crt`; `None` also if the Secret was not read.
    pub certificate: Option<Arc<Certificate>>,
}

/// What an X.509 certificate says (RFC 5280). Times are in seconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of all of it, in DER.
    pub fingerprint: [u8; 32],
    /// The issuer's distinguished name, as text.
    pub issuer: Arc<str>,
    /// Begin of its validity.
    pub not_before: i64,
    /// End of its validity.
    pub not_after: i64,
    /// Its DNS names in lower case; they may begin with `*.`.
    pub hosts: Vec<Arc<str>>,
}

impl Certificate {
    /// True if it is for this host, which is in lower case: a wildcard stands for one label (RFC 9525 section 6.3).
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let below = host.split_once('.').map(|(_, parent)| parent);
        let is_for = |name: &Arc<str>| match name.strip_prefix("*.") {
            Some(parent) => below == Some(parent),
            None => **name == *host,
        };
        self.hosts.iter().any(is_for)
    }
}

/// A ConfigMap, as far as TLS needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMap {
    /// Metadata.
    pub meta: Meta,
    /// True if `ca.crt` is a PEM certificate.
    pub has_authority: bool,
}
