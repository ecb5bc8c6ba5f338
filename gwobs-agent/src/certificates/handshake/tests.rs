//! With servers of rustls, as ill-configured as they come.

use rcgen::{CertifiedKey as Generated, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const HOST: &str = "shop.test";

/// A certificate for this host, with the key of another one if that is wanted.
fn certified(host: &str, with_its_key: bool) -> Arc<CertifiedKey> {
    let make = || generate_simple_self_signed([host.to_owned()]).expect("a certificate");
    let Generated { cert, signing_key } = make();
    let key = if with_its_key { signing_key } else { make().signing_key };
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let key = ring::sign::any_supported_type(&key).expect("a key");
    Arc::new(CertifiedKey::new(vec![cert.der().clone()], key))
}

/// Serves a certificate to those who ask for its host, and to nobody else.
#[derive(Debug)]
struct Strict(Arc<CertifiedKey>);

impl ResolvesServerCert for Strict {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        (hello.server_name() == Some(HOST)).then(|| Arc::clone(&self.0))
    }
}

struct Served<'a> {
    certified: Arc<CertifiedKey>,
    version: &'static SupportedProtocolVersion,
    client: Option<&'a CertifiedKey>,
}

impl Served<'_> {
    fn of(certified: Arc<CertifiedKey>) -> Self {
        Self {
            certified,
            version: &TLS13,
            client: None,
        }
    }

    fn config(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(&[self.version]).expect("a version");
        let builder = match self.client {
            None => builder.with_no_client_auth(),
            Some(client) => builder.with_client_cert_verifier(verifier(client, provider)),
        };
        builder.with_cert_resolver(Arc::new(Strict(Arc::clone(&self.certified))))
    }

    /// Serves one connection; gives what a look at it shows.
    async fn looked_at(&self, name: Option<&str>) -> Sight {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let acceptor = TlsAcceptor::from(Arc::new(self.config()));
        let serve = async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                assert!(rest.is_empty(), "nothing is ever sent");
            }
        };
        let (sight, ()) = tokio::join!(look(address, name), serve);
        sight
    }
}

fn verifier(client: &CertifiedKey, provider: Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(client.cert[0].clone()).expect("a root");
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    builder.build().expect("a verifier")
}

fn is_of(sight: &Sight, certified: &CertifiedKey) -> bool {
    let expected = certificate_of_der(&certified.cert[0]).expect("a certificate");
    matches!(sight, Sight::Served(served) if **served == expected)
}

#[tokio::test]
async fn what_is_served_to_a_name() {
    let certified = certified(HOST, true);
    for version in [&TLS12, &TLS13] {
        let served = Served {
            version,
            ..Served::of(Arc::clone(&certified))
        };
        assert!(is_of(&served.looked_at(Some(HOST)).await, &certified), "{version:?}");
        for other in [Some("other.test"), None] {
            assert_eq!(served.looked_at(other).await, Sight::Failed(Failure::Refused));
        }
    }
}

/// Whom the gateway lets in is not the question.
#[tokio::test]
async fn a_certificate_of_ours_may_be_asked_for() {
    let certified = certified(HOST, true);
    for version in [&TLS12, &TLS13] {
        let served = Served {
            version,
            client: Some(&certified),
            ..Served::of(Arc::clone(&certified))
        };
        assert!(is_of(&served.looked_at(Some(HOST)).await, &certified), "{version:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates() {
    for version in [&TLS12, &TLS13] {
        let served = Served {
            version,
            ..Served::of(certified(HOST, false))
        };
        assert_eq!(
            served.looked_at(Some(HOST)).await,
            Sight::Failed(Failure::BadCertificate)
        );
    }
}

/// What a listener says that does not speak TLS, or nothing at all.
async fn answered(answer: &'static [u8]) -> Sight {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(answer).await;
    };
    let (sight, ()) = tokio::join!(look(address, Some(HOST)), serve);
    sight
}

#[tokio::test]
async fn no_tls_at_all() {
    let plain = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(answered(plain).await, Sight::Failed(Failure::NotTls));
    assert_eq!(answered(b"").await, Sight::Failed(Failure::Broken));
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .and_then(|listener| listener.local_addr());
    let nobody = look(unused.expect("an address"), Some(HOST)).await;
    assert_eq!(nobody, Sight::Failed(Failure::Unreachable));
}
