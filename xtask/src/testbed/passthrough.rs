//! TLS that goes on to a backend as it came, picked by the name that its client asks for (TLSRoute).

use super::manifests::{GATEWAY, NAMESPACE, SERVICE_PORT};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The listener's name.
const LISTENER: &str = "passthrough";

/// Where connections for a name go, and where they should.
#[derive(Debug, Clone, Copy)]
pub struct Passthrough {
    /// The name in the ClientHello.
    pub server_name: &'static str,
    /// The backend that the data plane picks.
    pub configured: &'static str,
    /// The backend that the TLSRoute names.
    pub specified: &'static str,
}

impl Passthrough {
    /// As specified.
    pub const fn correct(server_name: &'static str, backend: &'static str) -> Self {
        Self {
            server_name,
            configured: backend,
            specified: backend,
        }
    }

    /// To another backend than specified.
    pub const fn wrong(server_name: &'static str, configured: &'static str, specified: &'static str) -> Self {
        Self {
            server_name,
            configured,
            specified,
        }
    }
}

/// A listener that passes TLS on.
#[derive(Debug, Clone)]
pub struct Door {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it passes on.
    pub routes: Vec<Passthrough>,
}

impl Door {
    /// The listener of the Gateway.
    pub(super) fn listener(&self) -> Value {
        json!({"name": LISTENER, "port": self.address.port(), "protocol": "TLS", "tls": {"mode": "Passthrough"}})
    }

    /// The TLSRoutes.
    pub(super) fn objects(&self) -> impl Iterator<Item = Value> {
        self.routes.iter().enumerate().map(|(index, route)| {
            json!({
                "apiVersion": "gateway.networking.k8s.io/v1alpha2",
                "kind": "TLSRoute",
                "metadata": {"name": format!("passed-{index}"), "namespace": NAMESPACE},
                "spec": {
                    "parentRefs": [{"name": GATEWAY, "sectionName": LISTENER}],
                    "hostnames": [route.server_name],
                    "rules": [{"backendRefs": [{"name": route.specified, "port": SERVICE_PORT}]}],
                },
            })
        })
    }
}
