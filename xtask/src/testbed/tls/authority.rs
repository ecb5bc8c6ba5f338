//! Certificates, and the configurations of those who show and check them.

use super::{Certificate, GATEWAY_NAMES, backend_name};
use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;

/// Who signs all certificates of a testbed, and somebody whom nobody trusts.
pub struct Authority {
    own: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
pub struct Credentials {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    chain: String,
}

impl Authority {
    /// A new one.
    pub fn create() -> Result<Self> {
        Ok(Self {
            own: issuer("gwobs testbed")?,
            stranger: issuer("a stranger")?,
        })
    }

    /// Its certificate, as those have it who trust it.
    pub fn pem(&self) -> String {
        self.own.pem()
    }

    /// The gateway's certificate.
    pub fn gateway(&self, like: Certificate) -> Result<Credentials> {
        self.issue(&GATEWAY_NAMES.map(str::to_owned), like)
    }

    /// A backend's certificate.
    pub fn backend(&self, name: &str, like: Certificate) -> Result<Credentials> {
        self.issue(&[backend_name(name)], like)
    }

    /// A client's certificate.
    pub fn client(&self, like: Certificate) -> Result<Credentials> {
        self.issue(&["client.example.org".to_owned()], like)
    }

    fn issue(&self, names: &[String], like: Certificate) -> Result<Credentials> {
        let names = match like {
            Certificate::OfAnotherName => vec!["elsewhere.example.org".to_owned()],
            _ => names.to_vec(),
        };
        let issuer = match like {
            Certificate::OfAnotherAuthority => &self.stranger,
            _ => &self.own,
        };
        let mut params = CertificateParams::new(names)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if like == Certificate::Expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, issuer)?;
        Ok(Credentials {
            certificate: certificate.der().clone(),
            chain: certificate.pem(),
            key,
        })
    }

    /// What a client is configured with that trusts this authority and offers these protocols (RFC 7301).
    pub fn client_config(&self, protocols: &[&str]) -> Result<ClientConfig> {
        self.client_config_with(protocols, ring::default_provider(), rustls::ALL_VERSIONS)
    }

    /// The same with what it is capable of.
    pub fn client_config_with(
        &self,
        protocols: &[&str],
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)?
            .with_root_certificates(self.trust()?)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }

    /// A client that speaks HTTP/1.1 in one version of TLS and believes that it is another time.
    pub fn client_config_at(
        &self,
        time: impl TimeProvider + 'static,
        version: &'static SupportedProtocolVersion,
    ) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(time))
            .with_protocol_versions(&[version])?
            .with_root_certificates(self.trust()?)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn trust(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.own.der().clone())?;
        Ok(roots)
    }
}

impl Credentials {
    /// The certificate as PEM.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The private key as PEM.
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }

    /// The certificate and its key, as rustls takes them.
    pub fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        (vec![self.certificate.clone()], key.into())
    }

    /// What a server is configured with that shows this certificate and speaks these protocols (RFC 7301).
    pub fn server_config(&self, protocols: &[&str]) -> Result<ServerConfig> {
        let (chain, key) = self.parts();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }
}

fn issuer(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?).context("cannot make an authority")
}
