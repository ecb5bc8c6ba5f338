//! Shares for tests.

use super::{BackendChoice, BackendName, Shares};
use crate::{Endpoints, InvalidBackend, ObjectName};

pub(in crate::weights) fn backend(name: &str) -> BackendName {
    BackendName {
        service: ObjectName {
            namespace: "default".into(),
            name: name.into(),
        },
        port: 80,
    }
}

pub(in crate::weights) fn choice(name: &str, weight: u32) -> BackendChoice {
    BackendChoice {
        backend: backend(name),
        weight,
        invalid: None,
        forwarded: None,
        redirect: None,
        endpoints: Endpoints::Unknown,
    }
}

pub(in crate::weights) fn invalid(name: &str, weight: u32) -> BackendChoice {
    BackendChoice {
        invalid: Some(InvalidBackend::NotFound),
        ..choice(name, weight)
    }
}

/// Names and weights.
pub(in crate::weights) type Weights<'a> = &'a [(&'a str, u32)];

pub(in crate::weights) fn shares(weights: Weights<'_>) -> Shares {
    let choices = weights
        .iter()
        .map(|(name, weight)| choice(name, *weight))
        .collect::<Vec<_>>();
    Shares::of(&choices).unwrap()
}
