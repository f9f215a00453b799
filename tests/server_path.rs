//! A kubeconfig whose server has a path, as Rancher writes it: `https://host/k8s/clusters/c-1`.

#[path = "gascity/city.rs"]
mod city;
#[path = "gascity/events.rs"]
mod events;
#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::fs;

use city::City;
use kubesim::Cluster;
use operator::Operator;
use serde_json::json;
use support::eventually;
use window::{Factory, Kind};

const PATH: &str = "/k8s/clusters/c-1";

fn cluster() -> Cluster {
    let cluster = Cluster::start();
    cluster.serves_below(PATH);
    cluster
}

/// Whoever leaves the path out is told that there is nothing.
#[test]
fn there_is_nothing_anywhere_else() {
    let cluster = cluster();
    assert!(cluster.url().ends_with(PATH));
    assert_eq!(cluster.kubectl(&["get", "pods"]).code, 0);
    let elsewhere = format!("--server=http://{}", cluster.address());
    let refused = cluster.kubectl(&["get", "pods", &elsewhere]);
    assert!(refused.code == 1 && refused.stderr.contains("not find the requested resource"), "{}", refused.stderr);
}

#[test]
fn questions_are_answered() {
    let cluster = cluster();
    let _worker = cluster.deployment("fleet").session("qa", "echo I am qa; exec cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let rows = operator.rows();
    assert_eq!((&rows[0]["status"], &rows[0]["sessions"][0]["name"]), (&json!("running"), &json!("qa")), "{rows:?}");
    assert_eq!(operator.run(&["peek", "w/qa"]).expect(0).stdout, "I am qa\n");
    let doctor = operator.run(&["doctor"]).stdout;
    assert!(doctor.contains(&format!("{PATH}\n")) && !doctor.contains("  fail  "), "{doctor}");
}

#[test]
fn a_window_opens_and_notices_that_the_api_is_back() {
    let factory = Factory::of(cluster(), Kind::Deployment, "");
    let window = factory.window();
    window.types("hello");
    factory.cut_off();
    window.wait_state("reconnecting");
    // Long enough for the view to ask kubectl where the API server is, and to look there.
    let pause = |text: &str| text.split("next try in ").nth(1)?.split(' ').next()?.parse::<u32>().ok();
    window.screen.wait_until("a long pause", |text| pause(text).is_some_and(|seconds| seconds >= 4));
    factory.operator.cluster.accept_connections();
    window.wait_back();
    let looked_for = || {
        let files = fs::read_dir(factory.operator.world.path("state/factory-worker")).unwrap().flatten();
        files
            .filter(|file| file.file_name().to_str().unwrap().starts_with("network-"))
            .any(|file| fs::read_to_string(file.path()).is_ok_and(|text| text.contains("\"away\":false,\"returns\":1")))
    };
    eventually("the view to have seen the API come back", || looked_for().then_some(()));
    window.types("again");
    window.close();
    factory.wait_clean();
}

#[test]
fn events_of_gas_city_are_recorded_and_watched() {
    let city = City::new();
    city.cluster.serves_below(PATH);
    city.assert_records_and_watches();
}
