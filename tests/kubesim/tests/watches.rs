//! What those who watch for long meet: versions that are gone or begin anew, and looks that cost little.

mod support;

use kubesim::{Cluster, Fault, watches};
use serde_json::json;
use support::client::Client;

#[test]
fn a_version_may_be_gone_before_a_watch_begins() {
    let cluster = Cluster::start();
    cluster.when(watches().once()).then(Fault::Status(410));
    let path = "/api/v1/namespaces/default/pods?watch=true&resourceVersion=1&timeoutSeconds=0";
    assert_eq!(
        Client::of(&cluster).ask("GET", path, "").refusal(),
        (410, "Expired".to_owned(), "too old resource version: 1 (1)".to_owned())
    );
}

#[test]
fn a_client_may_want_what_every_object_has_and_nothing_else() {
    let cluster = Cluster::start();
    cluster.pod("one").start();
    cluster.pod("two").start();
    let mut client = Client::of(&cluster);
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    client.send("GET", "/api/v1/namespaces/default/pods?limit=1", &[("Accept", accept)], "");
    let list = client.answer().json();
    let uid = cluster.object("pods", "default", "one").unwrap()["metadata"]["uid"].clone();
    assert_eq!((&list["kind"], &list["metadata"]["remainingItemCount"]), (&json!("PartialObjectMetadataList"), &json!(1)));
    let item = &list["items"][0];
    assert_eq!((&item["kind"], &item["metadata"]["uid"], item.get("spec")), (&json!("PartialObjectMetadata"), &uid, None));
}

#[test]
fn versions_may_count_from_the_beginning_again() {
    let cluster = Cluster::start();
    cluster.pod("one").start();
    let version = || {
        let said = Client::of(&cluster).ask("GET", "/api/v1/namespaces/default/pods", "").json();
        said["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
    };
    let before = version();
    let old = before + 1000;
    cluster.count_versions_anew();
    assert!(version() < before, "{before}");
    // From a version that is yet to come nothing is told, and nothing said against it.
    let path = format!("/api/v1/namespaces/default/pods?watch=true&resourceVersion={old}&timeoutSeconds=1");
    cluster.pod("two").start();
    assert_eq!(cluster.kubectl(&["get", "--raw", &path]).expect(0).stdout, "");
}
