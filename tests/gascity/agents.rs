//! Agents of a city: started by us, or as Gas City's own script starts them.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;

use kubesim::{Oddity, Pod};
use serde_json::{Value, json};

use crate::city::{City, NAMESPACE};
use crate::support::{Ran, eventually};

pub const PROVIDER: &str = "gc-session-k8s";
pub const IMAGE: &str = "gc-agent:latest";
/// An agent that writes what it is told into a file.
pub const LISTENER: &str = "echo I listen; exec cat >/workspace/heard";

/// A stand-in for Gas City's own program in the image.
pub const GC: &str = "#!/bin/sh\necho \"$*\" >>/workspace/gc-calls\n[ \"$1\" = init ] || exit 1\ncp -a \"$3/.\" \"$4/\"\n";

impl City {
    /// A city whose agents' image is there.
    pub fn of_agents() -> Self {
        let city = Self::new().env("GC_K8S_IMAGE", IMAGE);
        city.cluster.image(IMAGE).with(Oddity::OwnRoot).script("gc", GC).publish();
        city
    }

    pub fn session(&self, words: &[&str], input: &str) -> Ran {
        self.call(PROVIDER, words, input)
    }

    /// The answer to a question.
    #[track_caller]
    pub fn ask(&self, words: &[&str]) -> String {
        self.session(words, "").expect(0).stdout
    }

    pub fn try_start(&self, name: &str, payload: &Value) -> Ran {
        self.session(&["start", name], &payload.to_string())
    }

    #[track_caller]
    pub fn start(&self, name: &str, command: &str) -> Pod {
        self.start_with(name, &json!({"command": command}))
    }

    #[track_caller]
    pub fn start_with(&self, name: &str, payload: &Value) -> Pod {
        self.try_start(name, payload).expect(0);
        self.pod_of(name)
    }

    /// Its pods, as (session, pod) in order.
    pub fn pods(&self) -> Vec<(String, String)> {
        let got = self.cluster.kubectl(&["--namespace=gc", "get", "pods", "--output=json"]);
        let list: Value = serde_json::from_str(&got.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().unwrap().iter();
        let mut pods: Vec<_> =
            items.map(|pod| (text(&pod["metadata"]["annotations"]["gc-session-name"]), text(&pod["metadata"]["name"]))).collect();
        pods.sort();
        pods
    }

    #[track_caller]
    pub fn pod_of(&self, name: &str) -> Pod {
        let pods = self.pods();
        let (_, pod) = pods.iter().find(|(session, _)| session == name).unwrap_or_else(|| panic!("no {name:?} in {pods:?}"));
        self.cluster.find_pod(NAMESPACE, pod)
    }

    /// A file's text in a pod, from the side.
    pub fn file(&self, pod: &Pod, path: &str) -> Option<String> {
        let cat = ["--namespace=gc", "exec", pod.name(), "--container=agent", "--", "cat", path];
        Some(self.cluster.kubectl(&cat)).filter(|ran| ran.code == 0).map(|ran| ran.stdout)
    }

    /// Wait until a file in a pod has this text.
    #[track_caller]
    pub fn wait_for_file(&self, pod: &Pod, path: &str, text: &str) {
        let mut seen = None;
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while std::time::Instant::now() < end {
            seen = self.file(pod, path);
            if seen.as_deref() == Some(text) {
                return;
            }
        }
        assert_eq!(seen.as_deref(), Some(text), "{path}");
    }

    /// A session as the script starts it: the pod, the sign that its workspace is ready, its tmux session.
    #[track_caller]
    pub fn script_starts(&self, name: &str, pod: &str, label: &str, command: &str) -> Pod {
        let manifest = script_pod(name, pod, label, command);
        let file = self.world.path(&format!("script-{pod}.json"));
        fs::write(&file, manifest.to_string()).unwrap();
        let kubectl = |words: &[&str]| {
            let ran = self.cluster.kubectl(&[&["-n", NAMESPACE], words].concat());
            assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
        };
        kubectl(&["apply", "-f", file.to_str().unwrap()]);
        kubectl(&["wait", "--for=condition=Ready", &format!("pod/{pod}"), "--timeout=60s"]);
        kubectl(&["exec", pod, "--", "touch", "/workspace/.gc-workspace-ready"]);
        let has_session = ["-n", NAMESPACE, "exec", pod, "--", "tmux", "has-session", "-t", "main"];
        eventually("the script's session", || (self.cluster.kubectl(&has_session).code == 0).then_some(()));
        self.cluster.find_pod(NAMESPACE, pod)
    }

    /// What the script finds by its label, as it looks for it.
    pub fn script_finds(&self, label: &str) -> String {
        let selector = format!("gc-session={label}");
        let words = [
            "-n",
            NAMESPACE,
            "get",
            "pods",
            "-l",
            &selector,
            "--field-selector=status.phase=Running",
            "-o",
            "jsonpath={.items[0].metadata.name}",
        ];
        self.cluster.kubectl(&words).stdout
    }
}

/// The manifest that the script makes (`contrib/session-scripts/gc-session-k8s` of Gas City) of a session without anything
/// to stage.
fn script_pod(name: &str, pod: &str, label: &str, command: &str) -> Value {
    let quoted = command.replace('\'', "'\\''");
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": pod, "namespace": NAMESPACE,
            "labels": {"app": "gc-agent", "gc-session": label, "gc-agent": "unknown"},
            "annotations": {"gc-session-name": name},
        },
        "spec": {
            "serviceAccountName": "", "restartPolicy": "Never",
            "containers": [{
                "name": "agent", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "workingDir": "/workspace",
                "command": ["/bin/sh", "-c"],
                "args": [format!(
                    "mkdir -p $HOME/.claude && cp -rL /tmp/claude-secret/. $HOME/.claude/ 2>/dev/null; \
                     while [ ! -f /workspace/.gc-workspace-ready ]; do sleep 0.5; done; \
                     CMD='{quoted}' && tmux new-session -d -s main \"$CMD\" && sleep infinity"
                )],
                "env": [{"name": "GC_CITY", "value": "/workspace"}, {"name": "GC_TMUX_SESSION", "value": "main"}],
                "stdin": true, "tty": true,
                "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}},
                "volumeMounts": [{"name": "ws", "mountPath": "/workspace"}],
            }],
            "volumes": [{"name": "ws", "emptyDir": {}}],
        },
    })
}

/// A provider that reads this, started and not waited for.
pub fn begin(city: &City, words: &[&str], input: String) -> std::thread::JoinHandle<Ran> {
    let command = city.command(PROVIDER, words);
    std::thread::spawn(move || Ran::with_input(command, input.as_bytes()))
}
