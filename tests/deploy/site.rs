//! A simulated cluster whose worker image is the real entrypoint with stand-ins for what it starts, and its operator.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;
use std::path::{Path, PathBuf};

use kubesim::{Cluster, Pod, Published};
use serde_json::Value;

use super::operator::Operator;
use super::support::{Ran, World, eventually};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The image that [`Site::new`] publishes.
pub const IMAGE: &str = "registry.example.com/me/factory-worker:1";

/// Values that must be seen nowhere but in the Secret and the container's environment.
pub const AGENT_TOKEN: &str = "agent-5ecret-value";
pub const GITHUB_TOKEN: &str = "github-5ecret-value";

pub struct Site(pub Operator);

impl Site {
    pub fn new() -> Self {
        let cluster = Cluster::start();
        worker_image(&cluster, IMAGE).publish();
        let site = Self(Operator::of(cluster));
        site.write("worker.env", &format!("CLAUDE_CODE_OAUTH_TOKEN={AGENT_TOKEN}\nGH_TOKEN='{GITHUB_TOKEN}'\n"));
        site
    }

    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// A file in the operator's HOME; its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.world().home().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.0.run(arguments)
    }

    /// `worker add` with the image and the file of tokens, and what else is said.
    pub fn add(&self, arguments: &[&str]) -> Ran {
        let file = self.world().home().join("worker.env");
        let mut all = vec!["worker", "add", "--image", IMAGE, "--from-env", file.to_str().unwrap()];
        if !arguments.contains(&"--timeout") {
            all.extend(["--timeout", "60s"]);
        }
        all.extend(arguments);
        self.run(&all)
    }

    pub fn registry(&self) -> String {
        fs::read_to_string(self.world().registry_path()).unwrap_or_default()
    }

    /// An object of the namespace `factory`.
    pub fn object(&self, resource: &str, name: &str) -> Option<Value> {
        self.cluster().object(resource, "factory", name)
    }

    /// The names of the pods of a worker that are not about to end.
    pub fn pods(&self, worker: &str) -> Vec<String> {
        let selector = format!("--selector=factory-worker/name={worker}");
        let said = self.cluster().kubectl(&["get", "pods", "--namespace=factory", &selector, "--output=json"]).expect(0);
        let list: Value = serde_json::from_str(&said.stdout).unwrap();
        let stays = |pod: &&Value| pod["metadata"].get("deletionTimestamp").is_none();
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(stays)
            .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The only pod of a worker.
    #[track_caller]
    pub fn pod(&self, worker: &str) -> Pod {
        let pods = self.pods(worker);
        assert_eq!(pods.len(), 1, "{pods:?}");
        self.cluster().find_pod("factory", &pods[0])
    }

    /// The log of a worker's only pod, once it has `text` in it.
    #[track_caller]
    pub fn wait_for_log(&self, worker: &str, text: &str) -> String {
        eventually(&format!("{text:?} in the log of {worker}"), || {
            let [pod] = &self.pods(worker)[..] else { return None };
            let log = self.cluster().kubectl(&["logs", "--namespace=factory", pod]).stdout;
            log.contains(text).then_some(log)
        })
    }

    /// Where the data of a worker is, whichever pod has it.
    pub fn data(&self, worker: &str) -> PathBuf {
        self.cluster().volume("factory", &format!("factory-{worker}-data"))
    }
}

/// An image with the real entrypoint and all stand-ins; not published yet.
pub fn worker_image<'a>(cluster: &'a Cluster, name: &str) -> Published<'a> {
    let mut image = cluster.image(name).runs(&[&format!("{ROOT}/deploy/entrypoint.sh")]).env("SHELL", "/bin/sh").env("PS1", "$ ");
    for entry in fs::read_dir(Path::new(ROOT).join("tests/deploy/stand-ins")).unwrap().map(Result::unwrap) {
        let text = fs::read_to_string(entry.path()).unwrap();
        image = image.script(entry.file_name().to_str().unwrap(), &text);
    }
    image.script("factory-queue", include_str!("../demo/factory"))
}
