//! Certificates for the listeners of a cluster in small, signed by themselves.

use super::objects::tls_secret;
use anyhow::Result;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// A certificate with its key.
pub struct Certificate {
    /// End of its validity, in seconds since 1970 UTC.
    pub not_after: f64,
    certificate: String,
    key: String,
}

impl Certificate {
    /// For this host, until the end of a year.
    pub fn until_year(host: &str, year: i32) -> Result<Self> {
        let mut params = CertificateParams::new([host.to_owned()])?;
        params.not_after = date_time_ymd(year, 12, 31);
        Self::signed(params)
    }

    /// For this host, so much longer.
    pub fn for_another(host: &str, time: Duration) -> Result<Self> {
        let mut params = CertificateParams::new([host.to_owned()])?;
        params.not_after = (SystemTime::now() + time).into();
        Self::signed(params)
    }

    fn signed(mut params: CertificateParams) -> Result<Self> {
        let key = KeyPair::generate()?;
        params.not_before = date_time_ymd(2020, 1, 1);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 seconds")]
        let not_after = params.not_after.unix_timestamp() as f64;
        Ok(Self {
            not_after,
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The Secret of this name that holds it.
    pub fn secret(&self, name: &str) -> Value {
        tls_secret(name, &self.certificate, &self.key)
    }
}
