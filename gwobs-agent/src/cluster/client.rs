//! The way to a cluster.

use std::path::PathBuf;

use kube::config::{Config, KubeConfigOptions, Kubeconfig};

/// Which cluster, as whom. With neither field: that of the pod we are in, else the one that kubectl would use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// A kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it.
    pub context: Option<String>,
}

/// Why there is no way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig file is missing or wrong.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// There is neither a kubeconfig nor a service account.
    #[error("no cluster is known here: {0}")]
    Infer(#[from] kube::config::InferConfigError),
    /// The configuration cannot be used.
    #[error("cannot connect: {0}")]
    Client(#[source] kube::Error),
}

impl Access {
    /// A client; no request is made yet. Must be called within a tokio runtime.
    pub(super) async fn client(&self) -> Result<kube::Client, ConnectError> {
        kube::Client::try_from(self.config().await?).map_err(ConnectError::Client)
    }

    async fn config(&self) -> Result<Config, ConnectError> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        match (&self.kubeconfig, &self.context) {
            (None, None) => Ok(Config::infer().await?),
            (Some(path), _) => {
                let kubeconfig = Kubeconfig::read_from(path)?;
                Ok(Config::from_custom_kubeconfig(kubeconfig, &options).await?)
            }
            (None, Some(_)) => Ok(Config::from_kubeconfig(&options).await?),
        }
    }
}
