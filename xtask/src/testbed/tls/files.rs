//! Certificates as files, as data planes read them.

use super::{Authority, Certificate, Tls};
use anyhow::{Context as _, Result};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What a data plane is told about TLS.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The gateway's own certificate, if clients speak TLS to it.
    pub own: Option<Own>,
    /// Whom the data plane trusts to sign its backends' certificates, if it speaks TLS to them.
    pub trusted: Option<Trusted>,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Own {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
    /// Both in one file, as HAProxy takes them.
    pub both: PathBuf,
    /// The certificate's text.
    pub chain: String,
    /// The key's text.
    pub secret: String,
}

/// An authority's certificate.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub pem: String,
}

impl Files {
    /// Of the URLs that clients ask for.
    pub fn scheme(&self) -> &'static str {
        if self.own.is_some() { "https" } else { "http" }
    }

    /// Writes what these ends need into `dir`.
    pub fn write(tls: Tls, authority: &Authority, dir: &Path) -> Result<Self> {
        let own = tls.from_clients.map(|like| Own::write(authority, like, dir));
        let trusted = tls.to_backends.map(|_| Trusted::write(authority, dir));
        Ok(Self {
            own: own.transpose()?,
            trusted: trusted.transpose()?,
        })
    }
}

impl Own {
    fn write(authority: &Authority, like: Certificate, dir: &Path) -> Result<Self> {
        let credentials = authority.gateway(like)?;
        let (chain, key) = (credentials.chain(), credentials.key());
        Ok(Self {
            certificate: write(dir, "gateway.crt", chain)?,
            key: write(dir, "gateway.key", &key)?,
            both: write(dir, "gateway.pem", &format!("{chain}{key}"))?,
            chain: chain.to_owned(),
            secret: key,
        })
    }
}

impl Trusted {
    fn write(authority: &Authority, dir: &Path) -> Result<Self> {
        let pem = authority.pem();
        let path = write(dir, "authority.pem", &pem)?;
        Ok(Self { path, pem })
    }
}

fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf> {
    use std::io::Write as _;
    let path = dir.join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options
        .open(&path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
