//! Gateways and routes as they are written: one shape for what the API repeats under many names.
//!
//! The `gateway-api` crate has a type of its own for each place where a filter or a reference may stand, and refuses
//! an object for one enum value that is newer than the crate. Here a reference is a reference wherever it stands, and
//! enum values stay text, so that an object from a newer API is read as far as it is understood. That these types know
//! every field of the crate's schemas is a test. Kinds that the crate has once are read with its own types.

mod filter;
mod gateway;
mod route;
mod status;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use filter::*;
pub(crate) use gateway::*;
pub(crate) use route::*;
pub(crate) use status::*;

/// A reference to an object, whatever it is for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Reference {
    pub(crate) group: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

/// `parentRefs[]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParentRef {
    pub(crate) group: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) section_name: Option<String>,
    pub(crate) port: Option<i64>,
}

/// `backendRefs[]` of a rule, and the `backendRef` of filters, which has neither weight nor filters.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BackendRef {
    pub(crate) group: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) port: Option<i64>,
    pub(crate) weight: Option<i64>,
    pub(crate) filters: Option<Vec<Filter>>,
}

/// A field that is known and has no effect on routing; read as a value, since an ignored one would count as unknown.
pub(crate) type Known = Option<Value>;
