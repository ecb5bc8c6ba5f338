//! A TLS handshake that looks at the certificate and leaves.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::standing::{Failure, Sight};
use crate::specs::certificate_of_der;

#[cfg(test)]
mod tests;

/// How long a handshake may take: it is within one node.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for the gateway's side to close too, so that it does not see a reset.
const FAREWELL: Duration = Duration::from_millis(500);
/// Most that is read and thrown away meanwhile: session tickets, settings of HTTP/2.
const LAST_WORDS: usize = 16 << 10;

/// Looks at what is served at an address to those who ask for this name.
pub(super) async fn look(address: SocketAddr, server_name: Option<&str>) -> Sight {
    let looked = timeout(PATIENCE, try_look(address, server_name)).await;
    match looked {
        Ok(Ok(sight)) => sight,
        Ok(Err(failure)) => Sight::Failed(failure),
        Err(_late) => Sight::Failed(Failure::Late),
    }
}

async fn try_look(address: SocketAddr, server_name: Option<&str>) -> Result<Sight, Failure> {
    let witness = Arc::new(Witness::new());
    let connector = TlsConnector::from(Arc::new(config(&witness).map_err(|_| Failure::Broken)?));
    let name = name(address, server_name).ok_or(Failure::BadCertificate)?;
    let stream = TcpStream::connect(address).await.map_err(|_| Failure::Unreachable)?;
    let done = connector.connect(name, stream).await;
    let failure = match done {
        Ok(stream) => {
            leave(stream).await;
            None
        }
        // Whoever asks for a certificate of ours may refuse us without one, having shown its own.
        Err(_) if witness.asked.load(Ordering::Relaxed) && witness.seen.get().is_some() => None,
        Err(error) => Some(failure_of(&error)),
    };
    match (failure, witness.seen.get()) {
        (Some(failure), _) => Err(failure),
        (None, Some(der)) => {
            let certificate = certificate_of_der(der).ok_or(Failure::BadCertificate)?;
            Ok(Sight::Served(Arc::new(certificate)))
        }
        (None, None) => Err(Failure::Broken),
    }
}

/// An address in place of a name: rustls then sends none.
fn name(address: SocketAddr, server_name: Option<&str>) -> Option<ServerName<'static>> {
    match server_name {
        Some(name) => ServerName::try_from(name.to_owned()).ok(),
        None => Some(ServerName::IpAddress(IpAddr::from(address.ip()))),
    }
}

fn config(witness: &Arc<Witness>) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&witness.provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>)
        .with_client_cert_resolver(Arc::clone(witness) as Arc<dyn ResolvesClientCert>);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Says goodbye, and waits a moment for the other side to do so.
async fn leave(mut stream: tokio_rustls::client::TlsStream<TcpStream>) {
    let goodbye = async {
        stream.shutdown().await?;
        let mut rest = (&mut stream).take(LAST_WORDS as u64);
        let mut ignored = [0; 1024];
        while rest.read(&mut ignored).await? > 0 {}
        io::Result::Ok(())
    };
    // What is wanted was seen already.
    let _ = timeout(FAREWELL, goodbye).await;
}

fn failure_of(error: &io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        Some(TlsError::AlertReceived(_)) => Failure::Refused,
        Some(TlsError::InvalidMessage(_)) => Failure::NotTls,
        Some(TlsError::InvalidCertificate(_)) => Failure::BadCertificate,
        _ => Failure::Broken,
    }
}

/// Records the certificate that is shown, and whether one of ours is asked for. Signatures are checked: a gateway that cannot
/// sign with the key of its certificate serves nobody. Who issued it, for whom and until when is judged elsewhere; nothing is
/// sent over a connection that this let through.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    seen: OnceLock<Vec<u8>>,
    asked: AtomicBool,
}

impl Witness {
    fn new() -> Self {
        Self {
            provider: Arc::new(ring::default_provider()),
            seen: OnceLock::new(),
            asked: AtomicBool::new(false),
        }
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        self.seen.get_or_init(|| end_entity.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
