//! What sources find, while a hub runs: asked by it, and told to whoever lists.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::process::Stdio;

use kubesim::Cluster;
use operator::Operator;
use support::eventually;

#[test]
fn workers_that_are_found_are_known_without_any_kubectl() {
    let cluster = Cluster::start();
    let first = cluster.deployment("first").session("qa", "exec cat").start();
    let operator = Operator::of(cluster).discovers(&["pods: {selector: 'app in (first,second)'}"]);
    let operator = Operator { world: operator.world.env("FACTORY_WORKER_LIVE", "on"), cluster: operator.cluster };
    operator.rows();
    let mut hub = operator.world.command(&["hub"]).stderr(Stdio::null()).spawn().unwrap();
    eventually("the hub to know it", || operator.rows().iter().all(|row| row["via"] == "hub").then_some(()));
    let kubectls = || operator.run(&["-v", "list"]).expect(0).stderr;
    eventually("no kubectl to be needed", || (!kubectls().contains("kubectl")).then_some(()));
    // One that comes is there as soon as there is its pod.
    let _second = operator.cluster.deployment("second").session("qa", "exec cat").start();
    eventually("the second", || (operator.rows().len() == 2).then_some(()));
    first.scale(0);
    eventually("the first to go", || (operator.rows().len() == 1).then_some(()));
    let _ = hub.kill();
    let _ = hub.wait();
}
