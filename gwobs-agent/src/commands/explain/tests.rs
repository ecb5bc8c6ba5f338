//! Specs shared by the tests of the command.

use std::sync::Arc;

use gwobs_route::Snapshot;

use crate::specs::{InForce, load_text};

const SPECS: &str = "
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: web, namespace: infra},
 spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: shop}
spec:
  parentRefs: [{name: web, namespace: infra}]
  hostnames: [shop.example]
  rules:
  - name: new
    matches: [{path: {value: /cart}, headers: [{name: x-new, value: '1'}]}]
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-From, value: gw}], remove: [x-secret]}}
    - {type: URLRewrite, urlRewrite: {hostname: cart.internal, path: {type: ReplacePrefixMatch, replacePrefixMatch: /v2}}}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: A, value: b}], add: [{name: C, value: d}], remove: [E]}}
    - {type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}, percent: 10}}
    backendRefs: [{name: v2, port: 80, weight: 9}, {name: missing, port: 80, weight: 1}]
  - matches: [{path: {value: /cart}}]
    backendRefs: [{name: v1, port: 80}]
  - matches: [{path: {value: /old}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: new.example, statusCode: 301}}]
---
{apiVersion: v1, kind: Service, metadata: {name: v1, namespace: shop}, spec: {ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: v2, namespace: shop}, spec: {ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: copy, namespace: shop}, spec: {ports: [{port: 80}]}}
";

pub(super) fn snapshot() -> Arc<Snapshot> {
    let mut specs = InForce::new(None);
    let report = specs.take(load_text("specs", SPECS).expect("YAML"), 0);
    assert_eq!(report.findings, []);
    Arc::clone(specs.snapshot())
}
