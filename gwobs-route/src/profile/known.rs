//! What is known of each data plane, with the source of every entry. An entry without a source stays unknown.

use super::{Behaviour, PathReading, Profile};

/// Beginnings of `controllerName`, as each project documents its GatewayClass.
pub(super) const CONTROLLERS: &[(&str, Profile)] = &[
    ("gateway.envoyproxy.io/", Profile::EnvoyGateway),
    ("istio.io/", Profile::Istio),
    ("projectcontour.io/", Profile::Contour),
    ("gateway.nginx.org/", Profile::NginxGatewayFabric),
    ("haproxy-ingress.github.io/", Profile::Haproxy),
    ("gate.haproxy.org/", Profile::Haproxy),
    ("traefik.io/", Profile::Traefik),
    ("io.cilium/", Profile::Cilium),
    ("kgateway.dev/", Profile::Kgateway),
];

const DECODE: PathReading = PathReading {
    decode: true,
    ..PathReading::RAW
};
const MERGE: PathReading = PathReading {
    merge_slashes: true,
    ..PathReading::RAW
};
const DOTS: PathReading = PathReading {
    dot_segments: true,
    ..PathReading::RAW
};
const MERGE_DOTS: PathReading = PathReading {
    decode: false,
    merge_slashes: true,
    dot_segments: true,
};
const ALL: PathReading = PathReading {
    decode: true,
    merge_slashes: true,
    dot_segments: true,
};
const DECODE_DOTS: PathReading = PathReading {
    decode: true,
    merge_slashes: false,
    dot_segments: true,
};
const DECODE_MERGE: PathReading = PathReading {
    decode: true,
    merge_slashes: true,
    dot_segments: false,
};

const GENERIC: Behaviour = Behaviour {
    dialect: None,
    regex_rank: None,
    listener_isolation: None,
    hostname_fallthrough: None,
    repeated_headers: None,
    paths: &[
        PathReading::RAW,
        MERGE_DOTS,
        ALL,
        DOTS,
        MERGE,
        DECODE,
        DECODE_DOTS,
        DECODE_MERGE,
    ],
};

pub(super) fn behaviour(profile: Profile) -> &'static Behaviour {
    match profile {
        _ => &GENERIC,
    }
}
