//! The way to a cluster.

use std::path::PathBuf;
use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{ClientBuilder, ConfigExt};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use tower::{BoxError, ServiceBuilder};

/// A connection that says nothing for so long is asked whether its other end is still there.
const IDLE: Duration = Duration::from_secs(15);
/// How long between two such questions, and how many may go unanswered: an end that is gone without a word (a node that died, a
/// firewall that forgot) is noticed within 30 s, however long a watch has nothing to tell.
const QUESTIONS: (Duration, u32) = (Duration::from_secs(5), 3);
/// How long what was sent may go unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

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
        let config = self.config().await?;
        if config.proxy_url.is_some() {
            return kube::Client::try_from(config).map_err(ConnectError::Client);
        }
        attentive(&config).map_err(ConnectError::Client)
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

/// kube's client over connections that notice when their other end is gone, which its own do not.
fn attentive(config: &Config) -> kube::Result<kube::Client> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_keepalive(Some(IDLE));
    connector.set_keepalive_interval(Some(QUESTIONS.0));
    connector.set_keepalive_retries(Some(QUESTIONS.1));
    connector.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}
