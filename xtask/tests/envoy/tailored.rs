//! Envoy with what the rule table does not say: filters, health checks, other endpoints, configuration that changes.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use xtask::testbed::plane::envoy::{Envoy, bootstrap};
use xtask::testbed::plane::{DataPlane, Options, Reload, Settings};
use xtask::testbed::rule::Route;
use xtask::testbed::{Testbed, manifests};

/// Envoy whose configuration is changed before it starts.
struct Tailored<F>(F);

/// Envoy with its configuration changed by `change`; the second argument is the directory of its files. It lasts as long
/// as the test's process.
pub(crate) fn tailored(change: impl Fn(&mut Value, &Path) -> Result<()> + Sync + 'static) -> &'static dyn DataPlane {
    Box::leak(Box::new(Tailored(change)))
}

impl<F: Fn(&mut Value, &Path) -> Result<()> + Sync> DataPlane for Tailored<F> {
    fn name(&self) -> &'static str {
        Envoy.name()
    }

    fn title(&self) -> &'static str {
        Envoy.title()
    }

    fn configure(&self, settings: &Settings<'_>, dir: &Path) -> Result<()> {
        let mut configuration = bootstrap(settings);
        (self.0)(&mut configuration, dir)?;
        // JSON is YAML.
        std::fs::write(dir.join("envoy.yaml"), configuration.to_string()).context("cannot write the configuration")
    }

    fn command(&self, options: &Options, dir: &Path) -> Result<Command> {
        Envoy.command(options, dir)
    }

    /// What it takes [`from_files`] it reads again when they are replaced.
    fn reload(&self) -> Reload {
        Reload::Watched
    }
}

/// The HTTP connection manager of the only listener.
pub(crate) fn connection_manager(configuration: &mut Value) -> Result<&mut Value> {
    configuration
        .pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config")
        .context("no connection manager")
}

/// The routes of the virtual host for all hosts, in order.
pub(crate) fn routes(configuration: &mut Value) -> Result<&mut Vec<Value>> {
    connection_manager(configuration)?
        .pointer_mut("/route_config/virtual_hosts/0/routes")
        .and_then(Value::as_array_mut)
        .context("no routes")
}

/// The cluster of a backend.
pub(crate) fn cluster<'a>(configuration: &'a mut Value, name: &str) -> Result<&'a mut Value> {
    let clusters = configuration
        .pointer_mut("/static_resources/clusters")
        .and_then(Value::as_array_mut);
    clusters
        .into_iter()
        .flatten()
        .find(|cluster| cluster["name"] == name)
        .with_context(|| format!("no cluster {name}"))
}

/// The endpoints of a cluster.
pub(crate) fn load_assignment(name: &str, endpoints: &[SocketAddr]) -> Value {
    let endpoint = |address: &SocketAddr| json!({"endpoint": {"address": {"socket_address": {"address": address.ip(), "port_value": address.port()}}}});
    let endpoints: Vec<Value> = endpoints.iter().map(endpoint).collect();
    json!({"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]})
}

/// Takes routes and endpoints from files, which Envoy reads again when they are replaced.
pub(crate) fn from_files(configuration: &mut Value, dir: &Path) -> Result<()> {
    let top = configuration.as_object_mut().context("no configuration")?;
    top.insert("node".to_owned(), json!({"id": "testbed", "cluster": "testbed"}));
    let manager = connection_manager(configuration)?;
    let mut table = manager["route_config"].take();
    let fields = table.as_object_mut().context("no routes")?;
    fields.insert("name".to_owned(), json!("routes"));
    manager
        .as_object_mut()
        .context("no connection manager")?
        .remove("route_config");
    manager["rds"] = json!({"route_config_name": "routes", "config_source": source(dir, "routes")});
    serve(dir, "routes", "route.v3.RouteConfiguration", table)?;
    let clusters = configuration
        .pointer_mut("/static_resources/clusters")
        .and_then(Value::as_array_mut);
    for cluster in clusters.context("no clusters")? {
        let name = cluster["name"].as_str().context("no name")?.to_owned();
        let endpoints = cluster["load_assignment"].take();
        cluster.as_object_mut().context("no cluster")?.remove("load_assignment");
        cluster["type"] = json!("EDS");
        cluster["eds_cluster_config"] = json!({"eds_config": source(dir, &name)});
        serve(dir, &name, "endpoint.v3.ClusterLoadAssignment", endpoints)?;
    }
    Ok(())
}

/// Gives a cluster of a running Envoy with [`from_files`] other endpoints.
pub(crate) fn configure_endpoints(bed: &Testbed, name: &str, endpoints: &[SocketAddr]) -> Result<()> {
    let assignment = load_assignment(name, endpoints);
    serve(
        bed.directory.path(),
        name,
        "endpoint.v3.ClusterLoadAssignment",
        assignment,
    )
}

fn source(dir: &Path, name: &str) -> Value {
    let path = dir.join(format!("{name}.json"));
    json!({"resource_api_version": "V3", "path_config_source": {"path": path}})
}

/// Replaces a file of resources in one step: Envoy looks for files that are moved into place.
fn serve(dir: &Path, name: &str, kind: &str, mut resource: Value) -> Result<()> {
    let fields = resource.as_object_mut().context("no resource")?;
    fields.insert(
        "@type".to_owned(),
        json!(format!("type.googleapis.com/envoy.config.{kind}")),
    );
    let aside = dir.join(format!("{name}.new"));
    std::fs::write(&aside, json!({"resources": [resource]}).to_string())?;
    std::fs::rename(&aside, dir.join(format!("{name}.json"))).context("cannot replace a resource")
}

/// Replaces the manifests by those of these routes, changed as text.
pub(crate) fn specify(bed: &Testbed, routes: &[Route], change: impl FnOnce(String) -> String) -> Result<()> {
    let text = change(bed.render(routes));
    let aside = bed.directory.path().join("manifests.new");
    std::fs::write(&aside, text)?;
    std::fs::rename(&aside, bed.manifests()).context("cannot replace manifests")
}

/// An EndpointSlice with one address, beside those that the testbed writes.
pub(crate) fn endpoint_slice(name: &str, service: &str, address: SocketAddr) -> String {
    format!(
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: {name}, namespace: {}, \
         labels: {{kubernetes.io/service-name: {service}}}}}\naddressType: IPv4\n\
         ports: [{{name: http, port: {}, protocol: TCP}}]\nendpoints: [{{addresses: [\"{}\"], \
         conditions: {{ready: true}}}}]\n",
        manifests::NAMESPACE,
        address.port(),
        address.ip(),
    )
}

/// The only endpoint of a backend.
pub(crate) fn endpoint(bed: &Testbed, name: &str) -> Result<SocketAddr> {
    let backend = bed.backends.iter().find(|backend| backend.name() == name);
    backend
        .and_then(|backend| backend.endpoints().next())
        .with_context(|| format!("no backend {name}"))
}
