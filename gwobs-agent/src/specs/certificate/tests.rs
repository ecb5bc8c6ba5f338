use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};

use super::*;

fn certificate(issuer: &str, hosts: &[&str]) -> (Vec<u8>, String) {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, issuer);
    let authority = Issuer::new(authority, KeyPair::generate().expect("a key"));
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names");
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 2, 1);
    let signed = params.signed_by(&KeyPair::generate().expect("a key"), &authority);
    let signed = signed.expect("a certificate");
    (signed.der().to_vec(), signed.pem())
}

#[test]
fn what_a_certificate_says() {
    let (der, pem) = certificate("an authority", &["Shop.Test", "*.shop.test"]);
    let read = of_der(&der).expect("a certificate");
    assert!(read.issuer.contains("an authority"), "{}", read.issuer);
    assert_eq!(
        read.hosts.iter().map(|host| &**host).collect::<Vec<_>>(),
        ["shop.test", "*.shop.test"]
    );
    assert_eq!((read.not_before, read.not_after), (1_767_225_600, 1_769_904_000));
    assert_eq!(first_of_pem(pem.as_bytes()), Some(read.clone()));
    let (other, _) = certificate("an authority", &["Shop.Test", "*.shop.test"]);
    assert_ne!(of_der(&other).expect("a certificate").fingerprint, read.fingerprint);
    assert!(read.is_for("shop.test") && read.is_for("a.shop.test"));
    assert!(!read.is_for("a.b.shop.test") && !read.is_for("test") && !read.is_for("xshop.test"));
}

/// Whoever makes a certificate writes what they like into it.
#[test]
fn an_issuer_of_any_length_and_kind() {
    let (der, _) = certificate(&format!("\u{1b}[31m\n{}", "ü".repeat(300)), &["a.test"]);
    let issuer = of_der(&der).expect("a certificate").issuer;
    assert!(
        issuer.len() <= MAX_ISSUER && !issuer.chars().any(char::is_control),
        "{issuer}"
    );
}

#[test]
fn whatever_is_cut_or_changed_is_no_panic() {
    let (der, _) = certificate("an authority", &["shop.test"]);
    for end in 0..der.len() {
        assert_eq!(of_der(&der[..end]), None);
    }
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0xff;
        let _ = of_der(&changed);
    }
}
