//! From an alert to its proof: `gwobs misroutes`, through the cluster and by an agent's address.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::objects::{prefix, route, rule};
use xtask::testbed::gwobs;
use xtask::testbed::traffic::get;

/// How long a mismatch may be held, and a little more.
const HELD: Duration = Duration::from_secs(10);

/// Standard output of a run that ends well.
fn run(args: &[&str]) -> Result<String> {
    let (code, out, err) = gwobs::run(args)?;
    ensure!(code == 0, "{args:?} ended with {code}: {err}");
    Ok(out)
}

fn lines(out: &str) -> Result<Vec<Value>> {
    Ok(out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[test]
fn a_misroute_is_proven_through_the_cluster() -> Result<()> {
    let cluster = Cluster::start(&["short", "long"])?;
    let with_method = json!({"path": {"type": "PathPrefix", "value": "/a"}, "method": "GET"});
    let rules = json!([rule(&with_method, "short"), prefix("/a/b", "long")]);
    cluster.api.apply(route("rank", &[], &rules))?;
    cluster.wait_until(&get("/a").due("short"))?;
    let agent = cluster.agent_with(&["--hold", "1"])?;
    let kubeconfig = cluster.kubeconfig()?;
    let kubeconfig = kubeconfig.to_str().context("a path")?;
    let through_the_cluster = ["misroutes", "--kubeconfig", kubeconfig];

    let out = run(&through_the_cluster)?;
    ensure!(out.starts_with("No misroute was seen by 1 agent since"), "{out}");
    cluster.client().run(&vec![get("/a/b?token=secret").due("long"); 30])?;

    let listed = [&through_the_cluster[..], &["-o", "jsonl"]].concat();
    let deadline = Instant::now() + HELD;
    let group = loop {
        let groups = lines(&run(&listed)?)?;
        let whole = groups.into_iter().find(|group| group["count"] == 30);
        match whole {
            Some(group) => break group,
            None => ensure!(Instant::now() < deadline, "the misroutes are not listed"),
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    ensure!(
        (&group["reason"], &group["gateway"], &group["agents"])
            == (&json!("wrong_backend"), &json!("shop/web"), &json!(["node-1"])),
        "{group}"
    );
    ensure!(
        (&group["expected"], &group["observed"]) == (&json!("shop/long:80"), &json!("shop/short:80")),
        "{group}"
    );
    let id = group["id"].as_str().context("an id")?;
    let table = run(&through_the_cluster)?;
    ensure!(
        table.contains(id) && table.contains("30 requests misrouted in 1 group"),
        "{table}"
    );
    proof_is_whole(&run(&["misroutes", "show", id, "--kubeconfig", kubeconfig])?)?;

    let url = format!("http://{}", cluster.metrics_address());
    let direct = lines(&run(&["misroutes", "--agent", &url, "-o", "jsonl"])?)?;
    ensure!(direct.len() == 1 && direct[0]["id"] == id, "{direct:?}");
    let (code, _, err) = gwobs::run(&["misroutes", "show", "00000000", "--agent", &url])?;
    ensure!(
        code == 1 && err.contains("no agent knows a group 00000000"),
        "{code} {err}"
    );
    top_tells_the_rule(&url)?;
    agent.stop()?;
    Ok(())
}

/// Where many requests of a rule go wrong the live view says so, one line a rule where there is no terminal.
fn top_tells_the_rule(url: &str) -> Result<()> {
    let out = run(&[
        "top",
        "--agent",
        url,
        "--interval",
        "0.2",
        "--count",
        "2",
        "-o",
        "jsonl",
    ])?;
    let rules = lines(&out)?;
    let of_rule: Vec<&Value> = rules.iter().filter(|line| line["rule"] == "1").collect();
    ensure!(of_rule.len() == 2, "{out}");
    for line in of_rule {
        ensure!(
            (&line["gateway"], &line["route"], &line["reason"])
                == (
                    &json!("shop/web"),
                    &json!("HTTPRoute shop/rank"),
                    &json!("wrong_backend")
                ),
            "{line}"
        );
        let counted = (line.pointer("/totals/mismatch"), line.pointer("/rates/mismatch"));
        ensure!(counted == (Some(&json!(30.0)), Some(&json!(0.0))), "{line}");
    }
    let (code, _, err) = gwobs::run(&["top", "--agent", url])?;
    ensure!(
        code == 2 && err.contains("-o jsonl"),
        "without a terminal: {code} {err}"
    );
    let (code, _, err) = gwobs::run(&["top", "--agent", "http://127.0.0.1:1", "-o", "jsonl"])?;
    ensure!(
        code == 1 && err.contains("no agent answered, of 127.0.0.1:1"),
        "{code} {err}"
    );
    Ok(())
}

/// All that somebody needs at night.
fn proof_is_whole(text: &str) -> Result<()> {
    for wanted in [
        "wrong_backend",
        "GET shop.example.com/a/b?token=",
        "200 by shop/short:80 at 127.",
        "as if by HTTPRoute shop/rank rule 0 match 0",
        "✔ HTTPRoute shop/rank rule 1 match 0: path prefix /a/b",
        "✘ HTTPRoute shop/rank rule 0 match 0: path prefix /a, method GET",
        "ranks lower by path",
        "curl -i -H 'Host: shop.example.com'",
        "kubectl get httproute -n shop rank -o yaml",
        "kubectl get service -n shop long -o yaml",
        "The gateway ranks HTTPRoute shop/rank rule 0 (path prefix /a, method GET) above",
    ] {
        ensure!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    Ok(())
}
