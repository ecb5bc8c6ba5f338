//! The wire types know every field of the schemas of the `gateway-api` crate.

use gateway_api::experimental::gateways::{GatewaySpec as GatewaySchema, GatewayStatus};
use gateway_api::experimental::grpcroutes::GrpcRouteSpec;
use gateway_api::experimental::httproutes::{HttpRouteSpec, HttpRouteStatus};
use gateway_api::experimental::listenersets::{ListenerSetSpec as ListenerSetSchema, ListenerSetStatus};
use gateway_api::experimental::tcproutes::TcpRouteSpec;
use gateway_api::experimental::tlsroutes::TlsRouteSpec;
use gateway_api::experimental::udproutes::UdpRouteSpec;
use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{GatewaySpec, GrpcRule, HttpRule, ListenerSetSpec, PlainRule, RouteSpec, Status};
use crate::specs::decode::decode;

/// A value with every field that the schema knows.
fn fullest(schema: &Value, root: &Value) -> Value {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let found = root
            .pointer(reference.trim_start_matches('#'))
            .expect("a reference leads somewhere");
        return fullest(found, root);
    }
    if let Some(choices) = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Value::as_array)
    {
        let other = choices
            .iter()
            .find(|choice| choice.get("type") != Some(&json!("null")))
            .expect("a choice");
        return fullest(other, root);
    }
    if let Some(value) = schema
        .get("enum")
        .and_then(|values| values.get(0))
        .or_else(|| schema.get("const"))
    {
        return value.clone();
    }
    of_type(schema, root)
}

fn of_type(schema: &Value, root: &Value) -> Value {
    let kind = schema
        .get("type")
        .and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()));
    match kind.unwrap_or("object") {
        "object" => {
            let mut fields: Map<String, Value> = Map::new();
            for (name, field) in schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                fields.insert(name.clone(), fullest(field, root));
            }
            Value::Object(fields)
        }
        "array" => json!([fullest(&schema["items"], root)]),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        _ => json!("2026-01-01T00:00:00Z"),
    }
}

fn knows_all<Schema: JsonSchema, Wire: DeserializeOwned>() {
    let schema = schema_for!(Schema).to_value();
    let value = fullest(&schema, &schema);
    assert!(
        value.as_object().is_some_and(|fields| !fields.is_empty()),
        "the schema has fields: {value}"
    );
    let mut unknown = Vec::new();
    if let Err(misfit) = decode::<Wire>(&value, &mut unknown) {
        panic!("{misfit:?} in {value:#}");
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn gateways() {
    knows_all::<GatewaySchema, GatewaySpec>();
    knows_all::<ListenerSetSchema, ListenerSetSpec>();
}

#[test]
fn routes() {
    knows_all::<HttpRouteSpec, RouteSpec<HttpRule>>();
    knows_all::<GrpcRouteSpec, RouteSpec<GrpcRule>>();
    knows_all::<TlsRouteSpec, RouteSpec<PlainRule>>();
    knows_all::<TcpRouteSpec, RouteSpec<PlainRule>>();
    knows_all::<UdpRouteSpec, RouteSpec<PlainRule>>();
}

/// Times and addresses of a status are not read.
#[test]
fn statuses_fit() {
    for value in [
        fullest_of::<HttpRouteStatus>(),
        fullest_of::<GatewayStatus>(),
        fullest_of::<ListenerSetStatus>(),
    ] {
        decode::<Status>(&value, &mut Vec::new()).expect("fits");
    }
}

fn fullest_of<Schema: JsonSchema>() -> Value {
    let schema = schema_for!(Schema).to_value();
    fullest(&schema, &schema)
}
