//! HTTP/2 and gRPC end to end: real Envoy, real eBPF, clients and backends of the h2 crate. Clients know which backend
//! answered every request; each test compares that with what `gwobs observe` said. These tests need root.

mod backend;
mod gateway;
mod goaway;
mod grpc;
mod indexing;
mod joined;
mod nghttp2;
mod plain;
mod planes;
mod streams;
mod upgrade;
mod upstream;
