//! What is in deploy/k8s: it builds, it is in the schema, it has the names and sizes of the design, and no secrets.

#[path = "deploy/kubernetes.rs"]
mod kubernetes;
#[path = "deploy/restricted.rs"]
mod restricted;

use std::fs;
use std::path::Path;

use kubernetes::{Checkout, assert_in_schema, git, kustomize, objects, only, tracked};
use rstest::rstest;
use serde_json::{Value, json};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn worker_1() -> Vec<Value> {
    kustomize(&Checkout::new().path("worker-1"))
}

fn pod(objects: &[Value]) -> &Value {
    &only(objects, "Deployment")["spec"]["template"]["spec"]
}

#[test]
fn every_kustomization_builds_in_a_clean_checkout() {
    let checkout = Checkout::new();
    assert!(!checkout.path("worker-1/secret.yaml").exists());
    let all = checkout.kustomizations();
    assert!(all.len() >= 5, "{all:?}");
    for directory in all {
        let objects = kustomize(&directory);
        let is_component = directory.parent().unwrap().ends_with("components");
        assert_eq!(objects.is_empty(), is_component, "{}", directory.display());
        objects.iter().for_each(assert_in_schema);
    }
}

#[test]
fn every_manifest_is_in_the_schema() {
    let whole = ["namespace.yaml", "worker-1/secret.template.yaml", "gascity-events-cleanup.yaml", "gastown-networkpolicy.yaml"];
    for name in whole {
        let text = fs::read_to_string(Path::new(ROOT).join("deploy/k8s").join(name)).unwrap();
        objects(&text).iter().for_each(assert_in_schema);
    }
}

#[test]
#[should_panic(expected = "left == right")]
fn a_misspelt_field_is_noticed() {
    let mut objects = worker_1();
    let deployment = objects.iter_mut().find(|object| object["kind"] == "Deployment").unwrap();
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePulPolicy"] = json!("Always");
    assert_in_schema(deployment);
}

/// The original design's figures, by their place in the Deployment.
#[rstest]
#[case("/metadata/name", json!("factory-worker-1"))]
#[case("/metadata/namespace", json!("factory"))]
#[case("/metadata/labels/app", json!("factory-worker-1"))]
#[case("/metadata/labels/factory-worker~1name", json!("worker-1"))]
#[case("/metadata/labels/app.kubernetes.io~1instance", json!("factory-worker-1"))]
#[case("/spec/replicas", json!(1))]
#[case("/spec/strategy", json!({"type": "Recreate"}))]
#[case("/spec/selector/matchLabels", json!({"app": "factory-worker-1"}))]
#[case("/spec/template/metadata/labels/app", json!("factory-worker-1"))]
#[case("/spec/template/spec/serviceAccountName", json!("factory-worker-1"))]
#[case("/spec/template/spec/automountServiceAccountToken", json!(false))]
#[case("/spec/template/spec/terminationGracePeriodSeconds", json!(60))]
#[case("/spec/template/spec/containers/0/name", json!("worker"))]
#[case("/spec/template/spec/containers/0/image", json!("registry.digitalocean.com/<your-registry>/factory-worker:latest"))]
#[case("/spec/template/spec/containers/0/imagePullPolicy", json!("Always"))]
#[case("/spec/template/spec/containers/0/envFrom", json!([{"secretRef": {"name": "factory-worker-1-secrets"}}]))]
#[case("/spec/template/spec/containers/0/resources", json!({"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"cpu": "4", "memory": "8Gi"}}))]
#[case("/spec/template/spec/containers/0/securityContext", json!({"privileged": true}))]
#[case("/spec/template/spec/containers/0/startupProbe/exec/command/0", json!("tmux"))]
#[case("/spec/template/spec/containers/0/readinessProbe/exec/command/0", json!("tmux"))]
fn the_deployment_has_the_names_and_sizes_of_the_design(#[case] place: &str, #[case] value: Value) {
    let objects = worker_1();
    assert_eq!(only(&objects, "Deployment").pointer(place), Some(&value));
}

#[test]
fn an_agent_at_work_is_never_killed_for_being_slow() {
    assert_eq!(pod(&worker_1())["containers"][0].get("livenessProbe"), None);
}

#[rstest]
#[case("worker-1", false, "/root/.factory")]
#[case("ten", true, "/home/factory/.factory")]
fn the_data_is_on_the_volume(#[case] name: &str, #[case] restricted: bool, #[case] path: &str) {
    let checkout = Checkout::new();
    let objects = kustomize(&checkout.copy_worker(name, restricted));
    let pod = pod(&objects);
    let mounts: Vec<_> =
        pod["containers"][0]["volumeMounts"].as_array().unwrap().iter().filter(|mount| mount["name"] == "factory-data").collect();
    assert_eq!(mounts, [&json!({"name": "factory-data", "mountPath": path})]);
    let claim = json!({"name": "factory-data", "persistentVolumeClaim": {"claimName": format!("factory-{name}-data")}});
    assert!(pod["volumes"].as_array().unwrap().contains(&claim), "{pod:#}");
    let claim = only(&objects, "PersistentVolumeClaim");
    assert_eq!(claim["metadata"]["name"], format!("factory-{name}-data"));
    assert_eq!(claim["spec"], json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}));
}

#[test]
fn the_ssh_key_is_mounted_for_its_owner_only_and_may_be_missing() {
    let objects = worker_1();
    let volume = pod(&objects)["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == "ssh-key").unwrap();
    let expected = json!({
        "secretName": "factory-worker-1-secrets", "optional": true, "defaultMode": 0o400,
        "items": [{"key": "ssh-privatekey", "path": "key"}],
    });
    assert_eq!(volume["secret"], expected);
}

#[test]
fn a_worker_may_not_be_called_and_calls_only_dns_https_and_ssh() {
    let objects = worker_1();
    let spec = &only(&objects, "NetworkPolicy")["spec"];
    assert_eq!(spec["podSelector"], json!({"matchLabels": {"app": "factory-worker-1"}}));
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    // Ingress is among its types, and nothing of it is allowed.
    assert_eq!((&spec["policyTypes"], spec.get("ingress")), (&json!(["Ingress", "Egress"]), None));
    let ports = |rule: &Value| {
        rule["ports"].as_array().unwrap().iter().map(|port| format!("{} {}", port["protocol"], port["port"])).collect::<Vec<_>>()
    };
    let allowed: Vec<_> = spec["egress"].as_array().unwrap().iter().flat_map(ports).collect();
    assert_eq!(allowed, ["\"UDP\" 53", "\"TCP\" 53", "\"TCP\" 443", "\"TCP\" 22"]);
}

#[test]
fn the_service_account_has_no_token() {
    assert_eq!(only(&worker_1(), "ServiceAccount")["automountServiceAccountToken"], false);
}

#[test]
fn an_operator_may_do_just_what_the_tool_needs() {
    let roles = kustomize(&Checkout::new().path("access"));
    let operator =
        roles.iter().find(|object| object["kind"] == "Role" && object["metadata"]["name"] == "factory-worker-operator").unwrap();
    let expected = json!([
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": ["get", "list"]},
    ]);
    assert_eq!(operator["rules"], expected);
}

#[test]
fn nobody_may_read_a_secret() {
    for role in kustomize(&Checkout::new().path("access")).iter().filter(|object| object["kind"] == "Role") {
        for rule in role["rules"].as_array().unwrap() {
            let verbs = rule["verbs"].as_array().unwrap();
            let reads = ["get", "list", "watch", "*"].iter().any(|&verb| verbs.contains(&json!(verb)));
            let secrets = rule["resources"].as_array().unwrap().iter().any(|name| name == "secrets" || name == "*");
            assert!(!(reads && secrets), "{rule}");
        }
    }
}

#[test]
fn the_restricted_variant_keeps_every_rule_of_the_level_restricted() {
    let checkout = Checkout::new();
    let objects = kustomize(&checkout.copy_worker("ten", true));
    let broken: Vec<_> = restricted::RULES.iter().filter(|(_, keeps)| !keeps(pod(&objects))).map(|(name, _)| name).collect();
    assert_eq!(broken, [&""; 0]);
    assert_eq!(pod(&objects)["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
}

#[test]
fn the_docker_variant_breaks_the_rules_that_the_readme_names() {
    let objects = worker_1();
    let broken: Vec<_> = restricted::RULES.iter().filter(|(_, keeps)| !keeps(pod(&objects))).map(|(name, _)| *name).collect();
    assert_eq!(broken, ["Privileged Containers", "Privilege Escalation", "Running as Non-root", "Seccomp", "Capabilities"]);
}

#[test]
fn git_ignores_secrets_and_has_none() {
    let ignored = |path: &str| git().args(["check-ignore", "-q", path]).status().unwrap().success();
    assert!(ignored("deploy/k8s/worker-1/secret.yaml") && ignored("deploy/k8s/any/where/secret.yaml"));
    assert!(!ignored("deploy/k8s/worker-1/secret.template.yaml"));
    let files = tracked(".");
    assert!(!files.iter().any(|path| path.ends_with("secret.yaml")), "a secret.yaml is tracked");
    // How real values begin; put together here so that this file has none of them.
    let beginnings = [("gh", "p_"), ("gh", "o_"), ("github_", "pat_"), ("sk-", "ant-"), ("-----BEGIN OPENSSH ", "PRIVATE KEY")];
    for path in files.iter().filter(|path| path.starts_with("deploy")) {
        let text = fs::read(Path::new(ROOT).join(path)).unwrap();
        let text = String::from_utf8_lossy(&text);
        for (one, two) in beginnings {
            assert!(!text.contains(&format!("{one}{two}")), "{} has what looks like a real {one}{two}…", path.display());
        }
    }
}

#[test]
fn the_template_has_placeholders_for_values() {
    let text = fs::read_to_string(Path::new(ROOT).join("deploy/k8s/worker-1/secret.template.yaml")).unwrap();
    let secret = &objects(&text)[0];
    assert_eq!(secret["metadata"]["name"], "factory-worker-1-secrets");
    let values = &secret["stringData"];
    assert_eq!(values["GH_USER"], "taintfactory-bot");
    for key in ["CLAUDE_CODE_OAUTH_TOKEN", "GH_TOKEN"] {
        let value = values[key].as_str().unwrap();
        assert!(value.starts_with('<') && value.ends_with('>'), "{key}: {value}");
    }
}

#[test]
fn polecats_reach_dns_https_and_ssh_by_the_label_that_their_pods_carry() {
    let text = fs::read_to_string(Path::new(ROOT).join("deploy/k8s/gastown-networkpolicy.yaml")).unwrap();
    let objects = objects(&text);
    let spec = &only(&objects, "NetworkPolicy")["spec"];
    // Its value is the polecat's name, so only the key can be asked for.
    assert_eq!(spec["podSelector"], json!({"matchExpressions": [{"key": "gastown.io/polecat", "operator": "Exists"}]}));
    assert_eq!((&spec["policyTypes"], spec.get("ingress")), (&json!(["Ingress", "Egress"]), None));
    let rules = spec["egress"].as_array().unwrap();
    let ports: Vec<String> = rules
        .iter()
        .flat_map(|rule| rule["ports"].as_array().unwrap())
        .map(|port| format!("{} {}", port["protocol"].as_str().unwrap(), port["port"]))
        .collect();
    assert_eq!(ports, ["UDP 53", "TCP 53", "TCP 443", "TCP 22"]);
    assert!(rules.iter().all(|rule| rule.get("to").is_none()));
}
