//! Pods of this node that are data planes.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{World, shop};

fn pod(name: &str, node: &str, labels: &Value, container: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "proxy", "ports": [{"name": "http", "containerPort": 10080}]}],
        },
        "status": {"containerStatuses": [{
            "name": "proxy", "containerID": format!("containerd://{}", container.repeat(64)),
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }]},
    })
}

#[test]
fn a_pod_of_this_node_with_its_gateway_and_ports() -> Result<()> {
    let api = shop()?;
    let own = json!({"gateway.networking.k8s.io/gateway-name": "web"});
    api.apply(pod("here", "node-1", &own, "a"))?;
    api.apply(pod("elsewhere", "node-2", &own, "b"))?;
    api.apply(pod("unlabelled", "node-1", &json!({}), "c"))?;
    api.apply(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": own, "ports": [{"port": 80, "targetPort": "http"}, {"port": 9, "targetPort": 9}]},
    }))?;
    let mut world = World::watch(api)?;
    world.until("a data plane", |world| !world.planes.is_empty())?;
    let [plane] = world.planes.as_slice() else {
        panic!("{:?}", world.planes)
    };
    assert_eq!(&*plane.pod.name, "here");
    assert_eq!(
        plane.gateways.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["shop/web"]
    );
    assert_eq!(plane.ports, [(80, 10080)]);
    assert_eq!(plane.containers.len(), 1);

    // A container that restarts gets another id.
    world.api.apply(pod("here", "node-1", &own, "d"))?;
    let before = world.planes.clone();
    world.until("the new container", |world| world.planes != before)?;
    assert_eq!(world.planes[0].containers[0].to_string(), "d".repeat(64));
    world.api.delete("Pod", "shop", "here")?;
    world.until("no data plane", |world| world.planes.is_empty())
}

/// Who waits for data planes must hear that there are none, or it waits for ever.
#[test]
fn a_node_without_data_planes_is_told_of_too() -> Result<()> {
    let mut world = World::watch(shop()?)?;
    world.until("no data planes", |world| world.planes_told)?;
    assert!(world.planes.is_empty());
    Ok(())
}

/// A controller's own pods serve all Gateways of its classes.
#[test]
fn shared_pods_serve_all_gateways_of_their_controller() -> Result<()> {
    let api = shop()?;
    api.apply(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "proxy"}, "spec": {"controllerName": "traefik.io/gateway-controller"},
    }))?;
    api.apply(pod(
        "traefik",
        "node-1",
        &json!({"app.kubernetes.io/name": "traefik"}),
        "a",
    ))?;
    let mut world = World::watch(api)?;
    world.until("a data plane", |world| !world.planes.is_empty())?;
    assert_eq!(world.planes[0].gateways[0].to_string(), "shop/web");
    Ok(())
}
