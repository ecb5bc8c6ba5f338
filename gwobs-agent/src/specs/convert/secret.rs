//! Secrets and ConfigMaps, as far as TLS needs them. A private key is looked for and never looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use gwobs_route::model::{ConfigMap, Object, Secret};
use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use super::meta;
use crate::specs::certificate::first_of_pem;
use crate::specs::decode::{Misfit, decode};
use crate::specs::notes::Notes;
use crate::specs::object::RawObject;

/// A Secret or ConfigMap with its entries unread.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entries {
    #[expect(dead_code, reason = "known already; named so that it does not count as unknown")]
    api_version: String,
    #[expect(dead_code, reason = "known already; named so that it does not count as unknown")]
    kind: String,
    metadata: ObjectMeta,
    #[serde(rename = "type")]
    secret_type: Option<String>,
    data: Option<BTreeMap<String, Value>>,
    string_data: Option<BTreeMap<String, Value>>,
    #[expect(dead_code, reason = "known; not a place for certificates")]
    binary_data: Option<Value>,
    #[expect(dead_code, reason = "known; it has no effect")]
    immutable: Option<bool>,
}

impl Entries {
    /// The bytes of a Secret's entry; `None` if it is absent or not base64.
    fn secret(&self, name: &str) -> Option<Vec<u8>> {
        let plain = self.string_data.as_ref().and_then(|data| data.get(name)?.as_str());
        plain.map(|text| text.as_bytes().to_vec()).or_else(|| {
            let encoded = self.data.as_ref()?.get(name)?;
            ByteString::deserialize(encoded).ok().map(|bytes| bytes.0)
        })
    }

    fn has(&self, name: &str) -> bool {
        [&self.data, &self.string_data]
            .into_iter()
            .flatten()
            .any(|data| data.contains_key(name))
    }
}

/// A Secret.
pub(super) fn secret(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire: Entries = decode(&raw.value, &mut notes.unknown)?;
    let certificate = wire.secret("tls.crt").and_then(|bytes| first_of_pem(&bytes));
    let authority = wire.secret("ca.crt").and_then(|bytes| first_of_pem(&bytes));
    Ok(Object::Secret(Secret {
        meta: meta::meta(raw, &wire.metadata, None, notes),
        has_certificate: certificate.is_some(),
        has_key: wire.has("tls.key"),
        has_authority: authority.is_some(),
        certificate: certificate.map(Arc::new),
        kind: wire.secret_type.as_deref().unwrap_or("Opaque").into(),
    }))
}

/// A ConfigMap.
pub(super) fn config_map(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire: Entries = decode(&raw.value, &mut notes.unknown)?;
    let authority = wire.data.as_ref().and_then(|data| data.get("ca.crt")?.as_str());
    let has_authority = authority.is_some_and(|text| first_of_pem(text.as_bytes()).is_some());
    Ok(Object::ConfigMap(ConfigMap {
        meta: meta::meta(raw, &wire.metadata, None, notes),
        has_authority,
    }))
}
