//! `gwobs_build_info`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// What this binary was built from.
#[derive(Debug)]
pub struct Build;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    version: &'static str,
    revision: &'static str,
}

impl Build {
    /// Version of the crate.
    pub const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    /// Revision of the source, if this is a release from a checkout or the build was told.
    pub const REVISION: &'static str = match option_env!("GWOBS_REVISION") {
        Some(revision) => revision,
        None => "unknown",
    };

    pub(super) fn register(registry: &mut Registry) {
        let labels = Labels {
            version: Self::VERSION,
            revision: Self::REVISION,
        };
        registry.register("build", "What this binary was built from", Info::new(labels));
    }
}
