//! The other commands with a cluster in place of manifests.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::objects::{prefix, route};
use xtask::testbed::gwobs::{self, Observe};
use xtask::testbed::traffic::get;

use crate::assert_exact;

fn cluster() -> Result<(Cluster, String)> {
    let cluster = Cluster::start(&["cart", "other/pay"])?;
    let rules = json!([prefix("/", "cart"), prefix("/pay", "other/pay")]);
    cluster.api.apply(route("shop", &[], &rules))?;
    cluster.wait_until(&get("/").due("cart"))?;
    let kubeconfig = cluster.directory.path().join("kubeconfig");
    cluster.api.kubeconfig(&kubeconfig)?;
    let kubeconfig = kubeconfig.to_str().context("a path")?.to_owned();
    Ok((cluster, kubeconfig))
}

/// `observe` finds the processes of a container by its id, and judges by the objects of the cluster.
#[test]
fn observe_a_container_by_the_objects_of_the_cluster() -> Result<()> {
    let (cluster, kubeconfig) = cluster()?;
    let observe = Observe::new().arg("--kubeconfig").arg(&kubeconfig).gateway("shop/web");
    let gwobs = observe.arg("--cgroup").arg(cluster.container()).start()?;
    ensure!(
        gwobs.ready.pointer("/processes/0/pid") == Some(&json!(cluster.pid())),
        "{}",
        gwobs.ready
    );
    // The specs come after the probes; until then decisions are open.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let exchanges = cluster.client().run(&vec![get("/").due("cart"); 50])?;
    assert_exact(&exchanges, &gwobs.stop()?)?;
    Ok(())
}

#[test]
fn explain_status_and_lint_read_the_cluster() -> Result<()> {
    let (cluster, kubeconfig) = cluster()?;
    let port = cluster.address().port();
    let url = format!("http://shop.example.com:{port}/x");
    let ask = [
        "explain",
        "--kubeconfig",
        &kubeconfig,
        "--gateway",
        "shop/web",
        "-o",
        "json",
        &url,
    ];
    let (code, out, err) = gwobs::run(&ask)?;
    ensure!(code == 0, "{err}");
    let answer: Value = serde_json::from_str(&out)?;
    ensure!(
        answer.pointer("/backends/0/backend") == Some(&json!("shop/cart:80")),
        "{out}"
    );

    let (code, out, err) = gwobs::run(&["status", "--kubeconfig", &kubeconfig, "-o", "jsonl"])?;
    ensure!(code == 0, "{err}");
    let rows: Vec<Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let row = rows
        .iter()
        .find(|row| row["kind"] == "HTTPRoute")
        .context("the route's row")?;
    ensure!(
        row.pointer("/conditions/ResolvedRefs/expected/1") == Some(&json!("RefNotPermitted")),
        "{row}"
    );
    ensure!(
        row.pointer("/conditions/Accepted/actual/0") == Some(&json!("True")),
        "{row}"
    );

    let (code, out, err) = gwobs::run(&["lint", "--kubeconfig", &kubeconfig, "-o", "jsonl"])?;
    ensure!(code == 3 && out.contains("grant-missing"), "{code} {out} {err}");
    Ok(())
}

/// What the API server does not permit is a lack if decisions depend on it.
#[test]
fn check_asks_what_the_api_permits() -> Result<()> {
    let (cluster, kubeconfig) = cluster()?;
    let check = || -> Result<(i32, Vec<Value>)> {
        let (code, text, _) = gwobs::run(&["check", "--kubeconfig", &kubeconfig, "-o", "json"])?;
        Ok((code, serde_json::from_str(&text)?))
    };
    let need = |needs: &[Value], name: &str| {
        needs
            .iter()
            .find(|need| need["need"] == name)
            .cloned()
            .unwrap_or_default()
    };
    cluster.api.forbid(&["list", "watch"], "", "secrets");
    let (code, needs) = check()?;
    let secrets = need(&needs, "API: list and watch secrets");
    ensure!(code == 0 && secrets["ok"] == true, "{code} {needs:#?}");
    let detail = secrets["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains("may not list and watch"), "{detail}");
    let group = "gateway.networking.k8s.io";
    cluster.api.forbid(&["watch"], group, "httproutes");
    let (code, needs) = check()?;
    let routes = need(&needs, &format!("API: list and watch httproutes.{group}"));
    ensure!(code == 3 && routes["ok"] == false, "{code} {needs:#?}");
    Ok(())
}
