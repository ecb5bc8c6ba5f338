//! TLS end to end: real data planes and their TLS libraries, real eBPF, clients and backends that know what happened. These
//! tests need root.

mod routing;

type Plane = &'static dyn xtask::testbed::plane::DataPlane;
