//! What clients ask beside objects, and how they ask for some of them only.

mod support;

use kubesim::{Cluster, Stage};
use serde_json::Value;
use support::client::Client;

const PODS: &str = "/api/v1/namespaces/default/pods";

#[test]
fn a_server_that_discovers_plainly_is_understood() {
    let cluster = Cluster::start();
    cluster.discovers_plainly();
    cluster.registers("example.com/v1", "Widget", "widgets");
    cluster.deployment("d").start();
    let ran = cluster.kubectl(&["get", "deployments,pods", "-o", "name"]).expect(0);
    assert!(ran.stdout.starts_with("deployment.apps/d\npod/d-"), "{}", ran.stdout);
    let paths: Vec<String> = cluster.calls().into_iter().map(|call| call.path).collect();
    for list in ["/api/v1", "/apis/apps/v1", "/apis/example.com/v1"] {
        assert!(paths.iter().any(|path| path.split('?').next() == Some(list)), "{list}: {paths:?}");
    }
    let ran = cluster.kubectl(&["api-resources", "-o", "name"]).expect(0);
    let names: Vec<&str> = ran.stdout.lines().collect();
    assert!(names.contains(&"pods") && names.contains(&"widgets.example.com"), "{names:?}");
    cluster.kubectl(&["exec", "deploy/d", "--", "true"]).expect(0);
    let manifest = cluster.directory().join("c.yaml");
    std::fs::write(&manifest, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n").unwrap();
    let file = manifest.to_str().unwrap();
    cluster.kubectl(&["apply", "-f", file]).expect(0);
    cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", file]).expect(0);
}

#[test]
fn discovery_in_one_piece_asks_for_no_lists() {
    let cluster = Cluster::start();
    cluster.kubectl(&["get", "deployments,pods", "-o", "name"]).expect(0);
    let paths: Vec<String> = cluster.calls().into_iter().map(|call| call.path).collect();
    assert!(!paths.iter().any(|path| path.starts_with("/apis/apps/v1?") || path == "/apis/apps/v1"), "{paths:?}");
}

#[test]
fn the_server_lives_and_has_kubectls_version() {
    let cluster = Cluster::start();
    for path in ["/livez", "/readyz", "/healthz", "/livez/ping"] {
        assert_eq!(cluster.kubectl(&["get", "--raw", path]).expect(0).stdout, "ok", "{path}");
    }
    let ran = cluster.kubectl(&["version", "-o", "json"]).expect(0);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    let minor = said["clientVersion"]["minor"].as_str().unwrap().trim_end_matches('+');
    assert_eq!((&said["serverVersion"]["major"], &said["serverVersion"]["minor"]), (&"1".into(), &minor.into()), "{said}");
    assert!(said["serverVersion"]["gitVersion"].as_str().unwrap().starts_with(&format!("v1.{minor}.")), "{said}");
}

#[test]
fn a_watch_that_asked_for_bookmarks_is_told_how_far_it_is() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let list = Client::of(&cluster).ask("GET", PODS, "").json();
    let from = list["metadata"]["resourceVersion"].as_str().unwrap();
    let watch = |more: &str| {
        let mut client = Client::of(&cluster);
        client.send("GET", &format!("{PODS}?watch=true&resourceVersion={from}{more}"), &[], "");
        assert_eq!(client.beginning(0).header("transfer-encoding"), "chunked");
        client
    };
    let (mut with, mut without) = (watch("&allowWatchBookmarks=true&timeoutSeconds=30"), watch("&timeoutSeconds=3"));
    // Something that this watch does not show moves it on all the same.
    let configuration = r#"{"metadata":{"name":"c"}}"#;
    let made = Client::of(&cluster).ask("POST", "/api/v1/namespaces/default/configmaps", configuration).json();
    let number = |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
    let bookmark = loop {
        let event = with.event().expect("a bookmark");
        assert_eq!(event["type"], "BOOKMARK", "{event}");
        if number(&event["object"]) >= number(&made) {
            break event["object"].clone();
        }
    };
    assert_eq!((&bookmark["kind"], &bookmark["apiVersion"]), (&"Pod".into(), &"v1".into()));
    // A watch goes on from a bookmark as from any other version.
    let path = format!("{PODS}?watch=true&timeoutSeconds=1&resourceVersion={}", number(&bookmark));
    assert_eq!(Client::of(&cluster).ask("GET", &path, "").body, b"");
    assert_eq!(without.event(), None, "who did not ask is told nothing");
}

#[test]
fn fields_select_in_lists_and_watches() {
    let cluster = Cluster::start();
    cluster.pod("one").start();
    cluster.pod("two").start();
    cluster.pod("late").in_stage(Stage::Pending).start();
    cluster.pod("far").in_namespace("other").start();
    let cases = [
        ("metadata.name=one", &["one"][..]),
        ("metadata.name!=one,status.phase=Running", &["far", "two"]),
        ("status.phase==Pending", &["late"]),
        ("metadata.namespace=other", &["far"]),
        ("spec.nodeName=", &["late"]),
        ("spec.restartPolicy=Always,metadata.name=two", &["two"]),
        ("status.phase=Failed", &[]),
    ];
    for (fields, expected) in cases {
        let names = "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}";
        let ran = cluster.kubectl(&["get", "pods", "-A", "--field-selector", fields, "-o", names]).expect(0);
        let mut names: Vec<&str> = ran.stdout.lines().collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{fields}");
        let path = format!("/api/v1/pods?watch=true&timeoutSeconds=0&fieldSelector={}", fields.replace('=', "%3D"));
        let initial = Client::of(&cluster).ask("GET", &path, "").body;
        let initial = serde_json::Deserializer::from_slice(&initial).into_iter::<Value>().map(Result::unwrap);
        let mut names: Vec<String> =
            initial.map(|event| event["object"]["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "watch {fields}");
    }
    let ran = cluster.kubectl(&["get", "pods", "--field-selector", "spec.colour=green"]).expect(1);
    assert!(ran.stderr.contains("field label not supported: spec.colour"), "{}", ran.stderr);
    let path = format!("{PODS}?watch=true&fieldSelector=spec.colour%3Dgreen");
    assert_eq!(Client::of(&cluster).ask("GET", &path, "").refusal().0, 400);
}

#[test]
fn pages_of_a_list_that_changes_meanwhile_lose_and_repeat_nothing_that_stays() {
    let cluster = Cluster::start();
    let maps = "/api/v1/namespaces/default/configmaps";
    for name in ["a", "b", "c", "d", "e"] {
        Client::of(&cluster).ask("POST", maps, &format!(r#"{{"metadata":{{"name":"{name}"}}}}"#));
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = Client::of(&cluster).ask("GET", &format!("{maps}?limit=2"), "").json();
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a".into(), "b".into()], &3.into()));
    Client::of(&cluster).ask("DELETE", &format!("{maps}/a"), "");
    let token = first["metadata"]["continue"].as_str().unwrap().replace('=', "%3D").replace('+', "%2B");
    let second = Client::of(&cluster).ask("GET", &format!("{maps}?limit=2&continue={token}"), "").json();
    assert_eq!(names(&second), ["c", "d"]);
    let token = second["metadata"]["continue"].as_str().unwrap().replace('=', "%3D").replace('+', "%2B");
    let last = Client::of(&cluster).ask("GET", &format!("{maps}?limit=2&continue={token}"), "").json();
    assert_eq!((names(&last), last["metadata"].get("continue")), (vec!["e".into()], None));
    assert_eq!(Client::of(&cluster).ask("GET", &format!("{maps}?continue=nonsense"), "").refusal().0, 400);
}
