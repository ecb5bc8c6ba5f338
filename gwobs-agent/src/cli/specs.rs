//! Specs of commands that read them once.

use std::path::PathBuf;

use clap::Args;

use super::cluster::ClusterArgs;

/// Where the specs are: manifests or a cluster.
#[derive(Debug, Clone, Default, Args)]
pub struct SpecsArgs {
    /// File or directory of Gateway API objects, YAML or JSON; repeatable
    #[arg(
        long, value_name = "PATH", num_args = 1.., required_unless_present_any = ["kubeconfig", "context"],
        conflicts_with_all = ["kubeconfig", "context"], help_heading = "Specs"
    )]
    pub manifests: Vec<PathBuf>,

    /// A cluster, in place of manifests.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}
