//! Certificates of an authority of the test's own.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;
use xtask::testbed::cluster::objects::tls_secret;

/// A certificate with its key.
pub(crate) struct Certificate {
    /// End of its validity, in seconds since 1970 UTC.
    pub(crate) not_after: f64,
    certificate: String,
    key: String,
}

impl Certificate {
    /// The Secret `tls` that holds it.
    pub(crate) fn secret(&self) -> Value {
        tls_secret("tls", &self.certificate, &self.key)
    }
}

/// For this host, until the end of a year.
pub(crate) fn valid(host: &str, year: i32) -> Certificate {
    signed(host, year)
}

/// For this host, until last year.
pub(crate) fn expired(host: &str) -> Certificate {
    signed(host, 2025)
}

#[expect(clippy::unwrap_used, reason = "a test's own certificate")]
fn signed(host: &str, year: i32) -> Certificate {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 seconds")]
    let not_after = params.not_after.unix_timestamp() as f64;
    let certificate = params.self_signed(&key).unwrap().pem();
    Certificate {
        not_after,
        certificate,
        key: key.serialize_pem(),
    }
}
