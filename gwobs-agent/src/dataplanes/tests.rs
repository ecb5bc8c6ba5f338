//! From labels to Gateways, from control groups to containers, from containers to proxies.

use std::collections::{BTreeMap, BTreeSet};

use gwobs_route::ObjectName;
use gwobs_route::profile::Profile;
use serde_json::{Value, json};

use super::doors::doors;
use super::*;
use crate::output::DataPlane;
use crate::processes::Found;
use crate::specs::Spec;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn id() -> ContainerId {
    ContainerId::of_status(&format!("containerd://{ID}")).expect("an id")
}

/// As the runtimes and drivers name control groups (containerd, CRI-O and Docker sources; the last part is what counts).
#[test]
fn containers_of_control_groups() {
    let pod = "pod0a1b2c3d-0000-1111-2222-333344445555";
    let slice = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b.slice";
    for (what, text) in [
        (
            "systemd, containerd, v2",
            format!("0::/{slice}/cri-containerd-{ID}.scope"),
        ),
        ("systemd, CRI-O, v2", format!("0::/{slice}/crio-{ID}.scope")),
        (
            "systemd, CRI-O with a group inside",
            format!("0::/{slice}/crio-{ID}.scope/container"),
        ),
        ("systemd, Docker", format!("0::/{slice}/docker-{ID}.scope")),
        ("cgroupfs, v2", format!("0::/kubepods/burstable/{pod}/{ID}")),
        ("cgroupfs, CRI-O", format!("0::/kubepods/{pod}/crio-{ID}")),
        (
            "cgroupfs, v1",
            format!("11:memory:/kubepods/{pod}/{ID}\n10:cpu,cpuacct:/kubepods/{pod}/{ID}\n0::/"),
        ),
        (
            "containerd without CRI's prefix",
            format!("0::/system.slice/kubepods-{pod}.slice:cri-containerd:{ID}"),
        ),
        (
            "from inside another namespace",
            format!("0::/../../../{slice}/cri-containerd-{ID}.scope"),
        ),
        (
            "systemd inside of the container",
            format!("0::/{slice}/cri-containerd-{ID}.scope/system.slice/a.service"),
        ),
    ] {
        assert_eq!(ContainerId::of_cgroups(&text), Some(id()), "{what}");
    }
    for (what, text) in [
        ("CRI-O's monitor", format!("0::/{slice}/crio-conmon-{ID}.scope")),
        ("no container", "0::/user.slice/user-0.slice/session-1.scope".to_owned()),
        ("the pod alone", format!("0::/kubepods/{pod}")),
        (
            "an id that is cut",
            format!("0::/{slice}/cri-containerd-{}.scope", &ID[1..]),
        ),
        ("nothing", String::new()),
    ] {
        assert_eq!(ContainerId::of_cgroups(&text), None, "{what}");
    }
}

#[test]
fn containers_of_a_status() {
    assert_eq!(ContainerId::of_status(&format!("cri-o://{ID}")), Some(id()));
    for odd in [ID, "containerd://", "containerd://../../etc", ""] {
        assert_eq!(ContainerId::of_status(odd), None, "{odd}");
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn gateway(namespace: &str, name: &str) -> ObjectName {
    ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    }
}

#[test]
fn owners_by_label() {
    let extras = ["app=edge:infra/web".parse().expect("an extra")];
    let own = Some(Owner::Gateway(gateway("shop", "web")));
    for (what, pairs, expected) in [
        (
            "GEP-1762",
            vec![("gateway.networking.k8s.io/gateway-name", "web")],
            own.clone(),
        ),
        ("older Istio", vec![("istio.io/gateway-name", "web")], own.clone()),
        (
            "older Contour",
            vec![("projectcontour.io/owning-gateway-name", "web")],
            own,
        ),
        (
            "Envoy Gateway",
            vec![
                ("gateway.envoyproxy.io/owning-gateway-name", "web"),
                ("gateway.envoyproxy.io/owning-gateway-namespace", "infra"),
            ],
            Some(Owner::Gateway(gateway("infra", "web"))),
        ),
        (
            "merged Gateways",
            vec![("gateway.envoyproxy.io/owning-gatewayclass", "eg")],
            Some(Owner::Class("eg".to_owned())),
        ),
        (
            "Traefik",
            vec![("app.kubernetes.io/name", "traefik")],
            Some(Owner::Controller(Profile::Traefik)),
        ),
        (
            "Cilium",
            vec![("k8s-app", "cilium-envoy")],
            Some(Owner::Controller(Profile::Cilium)),
        ),
        (
            "configured",
            vec![("app", "edge")],
            Some(Owner::Gateway(gateway("infra", "web"))),
        ),
        ("another pod", vec![("app.kubernetes.io/name", "shop")], None),
        (
            "an empty label",
            vec![("gateway.networking.k8s.io/gateway-name", "")],
            None,
        ),
    ] {
        assert_eq!(Owner::of("shop", &labels(&pairs), &extras), expected, "{what}");
    }
}

#[test]
fn extras_that_say_too_little_are_refused() {
    for text in [
        "",
        "app=edge",
        "app:infra/web",
        "app=edge:web",
        "=edge:infra/web",
        "app=edge:infra/web/x",
    ] {
        assert!(text.parse::<Extra>().is_err(), "{text}");
    }
}

fn pod(value: Value) -> Pod {
    let mut whole = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"app": "edge"}}});
    whole["spec"] = value;
    Pod::read(&whole).expect("a pod")
}

fn service(selector: &Value, ports: &Value) -> ServicePorts {
    let spec = Spec::read(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "shop"}, "spec": {"ports": ports},
    }));
    ServicePorts::of(selector, spec.object().expect("a Service")).expect("a selector")
}

#[test]
fn doors_by_number_by_name_and_not_at_all() {
    let pod = pod(json!({"containers": [
        {"name": "sidecar", "ports": [{"containerPort": 9}]},
        {"name": "proxy", "ports": [{"name": "web", "containerPort": 8000}, {"name": "tls", "containerPort": 8443}]},
    ]}));
    let own = json!({"app": "edge"});
    let services = [
        service(&json!({"app": "other"}), &json!([{"port": 80, "targetPort": 1}])),
        service(
            &own,
            &json!([
                {"port": 80, "targetPort": "web"}, {"port": 443, "targetPort": 10443}, {"port": 8080},
                {"port": 8081, "targetPort": "none"}, {"port": 53, "targetPort": 5353, "protocol": "UDP"},
                {"port": 9000, "targetPort": 9001},
            ]),
        ),
    ];
    let listeners = BTreeSet::from([80, 443, 8080, 8081, 53]);
    // 9000 is no listener's; 8080 stands for itself.
    assert_eq!(doors(&listeners, services.iter(), &pod), [(80, 8000), (443, 10443)]);
}

#[test]
fn only_containers_that_run_are_looked_for() {
    let status = |state: Value| {
        let pod = Pod::read(&json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "proxy"}]},
            "status": {"containerStatuses": [{
                "name": "proxy", "containerID": format!("containerd://{ID}"), "state": state,
                "image": "", "imageID": "", "ready": true, "restartCount": 0,
            }]},
        }));
        pod.expect("a pod").running().count()
    };
    assert_eq!(status(json!({"running": {}})), 1);
    assert_eq!(status(json!({"terminated": {"exitCode": 1}})), 0);
    assert_eq!(status(json!({"waiting": {"reason": "CrashLoopBackOff"}})), 0);
}

#[test]
fn proxies_are_told_from_sidecars_and_followed_from_their_roots() {
    let one = |pid, name: &str, parent| Candidate {
        process: Found {
            pid,
            name: name.to_owned(),
        },
        data_plane: DataPlane::of_command(name),
        parent,
    };
    let pids = |candidates: &[&Candidate]| proxies(candidates).iter().map(|found| found.pid).collect::<Vec<_>>();
    let (agent, envoy) = (one(10, "pilot-agent", 1), one(11, "envoy", 10));
    assert_eq!(pids(&[&agent, &envoy]), [11], "Istio's agent starts Envoy");
    let (master, worker) = (one(20, "nginx", 1), one(21, "nginx", 20));
    assert_eq!(
        pids(&[&master, &worker]),
        [20],
        "following the master follows its workers"
    );
    let (unknown, child) = (one(30, "my-proxy", 1), one(31, "helper", 30));
    assert_eq!(pids(&[&unknown, &child]), [30], "nothing is known: all of them may be");
}
