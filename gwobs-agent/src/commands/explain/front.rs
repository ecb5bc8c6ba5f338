//! What a request is sent to: a Gateway, or a Service in a mesh.

use std::sync::Arc;

use gwobs_route::{Front, ObjectName, Snapshot};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::question::{BadQuestion, object_name};

/// The fields of a line that say it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) gateway: Option<String>,
    pub(super) service: Option<String>,
    pub(super) client: Option<Client>,
}

impl Fields {
    /// Without a client it is one of the Service's own namespace.
    pub(super) fn front(self) -> Result<Front, BadQuestion> {
        match (self.gateway, self.service) {
            (Some(_), Some(_)) => Err(BadQuestion::new(
                "service",
                "a request goes to a gateway or to a service, not to both",
            )),
            (Some(gateway), None) => named("gateway", &gateway).map(Front::Gateway),
            (None, Some(service)) => Ok(to_service(
                named("service", &service)?,
                self.client.map(|client| client.0),
            )),
            (None, None) => Err(BadQuestion::new(
                "gateway",
                "the field `gateway` is missing (or `service`, in a mesh)",
            )),
        }
    }
}

/// A Service as a client of that namespace sees it; without one, a client of the Service's own.
pub(super) fn to_service(service: ObjectName, client: Option<Arc<str>>) -> Front {
    let client = client.unwrap_or_else(|| Arc::clone(&service.namespace));
    Front::Service { service, client }
}

fn named(field: &str, text: &str) -> Result<ObjectName, BadQuestion> {
    object_name(text).map_err(|message| BadQuestion::new(field, message))
}

/// Fails if it is not in the specs.
pub(super) fn require(front: &Front, snapshot: &Snapshot) -> Result<(), BadQuestion> {
    let (known, field, message) = match front {
        Front::Gateway(gateway) => (
            snapshot.listeners(gateway).is_some(),
            "gateway",
            format!("Gateway {gateway} is not in the specs"),
        ),
        Front::Service { service, .. } => (
            snapshot.has_service(service),
            "service",
            format!("Service {service} is not in the specs"),
        ),
    };
    if known {
        return Ok(());
    }
    Err(BadQuestion::new(field, message))
}

/// The namespace of a client: `NAMESPACE`, `NAMESPACE/POD`, or a mapping with `namespace`.
#[derive(Debug)]
pub(super) struct Client(Arc<str>);

impl<'de> Deserialize<'de> for Client {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClientVisitor)
    }
}

struct ClientVisitor;

impl<'de> Visitor<'de> for ClientVisitor {
    type Value = Client;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the namespace of the client, or a mapping with `namespace`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Client, E> {
        match text.split('/').next().filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => Ok(Client(namespace.into())),
            None => Err(E::custom("the namespace of the client is empty")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Client, A::Error> {
        let mut namespace = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "namespace" {
                namespace = Some(map.next_value::<String>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        self.visit_str(&namespace.unwrap_or_default())
    }
}
