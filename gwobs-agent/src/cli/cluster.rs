//! Which cluster.

use std::path::PathBuf;

use clap::Args;

use crate::cluster::Access;

/// Which cluster, as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Specs")]
pub struct ClusterArgs {
    /// Read the objects of a cluster, through this kubeconfig file
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Read the objects of a cluster: this context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl ClusterArgs {
    /// The way to the cluster, if one is named.
    #[must_use]
    pub fn access(&self) -> Option<Access> {
        let named = self.kubeconfig.is_some() || self.context.is_some();
        named.then(|| Access {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        })
    }
}
