//! Describing pods, in sentences: `cluster.deployment("worker-1").in_namespace("factory").session("qa", "sh").start()`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::core::Core;
use crate::image::{Image, Oddity};
use crate::pod::Pod;
use crate::resources::Kind;
use crate::stage::{Stage, is_ready};
use crate::status::Status;
use crate::waiting::PATIENCE;

/// What looks after a workload's pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    None,
    Deployment,
    StatefulSet,
}

/// A description of pods. What is said about containers concerns the latest one.
#[derive(Debug, Clone)]
#[must_use = "nothing runs before start()"]
pub struct Workload<'a> {
    cluster: &'a Cluster,
    owner: Owner,
    name: String,
    namespace: String,
    replicas: usize,
    annotations: Value,
    containers: Vec<(String, Image)>,
}

impl<'a> Workload<'a> {
    pub(crate) fn new(cluster: &'a Cluster, owner: Owner, name: &str) -> Self {
        Self {
            cluster,
            owner,
            name: name.to_owned(),
            namespace: "default".to_owned(),
            replicas: 1,
            annotations: json!({}),
            containers: vec![("worker".to_owned(), Image::default())],
        }
    }

    /// A namespace other than `default`; it is made when it is not there.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.to_owned();
        self
    }

    /// How many pods; one unless this is said.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// One more container; the first one is called `worker`.
    pub fn container(mut self, name: &str) -> Self {
        self.containers.push((name.to_owned(), Image::default()));
        self
    }

    /// The container that kubectl takes when none is named.
    pub fn default_container(mut self, name: &str) -> Self {
        self.annotations["kubectl.kubernetes.io/default-container"] = json!(name);
        self
    }

    fn image(mut self, change: impl FnOnce(&mut Image)) -> Self {
        if let Some((_, image)) = self.containers.last_mut() {
            change(image);
        }
        self
    }

    /// A tmux session that every new pod begins with; `command` is sh.
    pub fn session(self, name: &str, command: &str) -> Self {
        self.image(|image| image.sessions.push((name.to_owned(), command.to_owned())))
    }

    /// An executable that comes first on its PATH, e.g. a stand-in for `factory`.
    pub fn script(self, name: &str, text: &str) -> Self {
        self.image(|image| image.scripts.push((name.to_owned(), text.to_owned())))
    }

    /// A program of this machine that it does not have.
    pub fn without(self, program: &str) -> Self {
        self.image(|image| image.missing.push(program.to_owned()))
    }

    /// A variable of its environment. It has no `LANG` unless this says so: a POSIX locale, as in most images.
    pub fn env(self, name: &str, value: &str) -> Self {
        self.image(|image| image.env.push((name.to_owned(), value.to_owned())))
    }

    /// What it runs first; its output is the container's log. Without this it just stays.
    pub fn runs(self, argv: &[&str]) -> Self {
        self.image(|image| image.entrypoint = argv.iter().map(|&word| word.to_owned()).collect())
    }

    /// Let its surroundings differ from this machine's.
    pub fn with(self, oddity: Oddity) -> Self {
        self.image(|image| image.oddities.push(oddity))
    }

    /// Several of them; [`Oddity::of_all`] are there anyway.
    pub fn with_all(self, oddities: &[Oddity]) -> Self {
        self.image(|image| image.oddities.extend(oddities))
    }

    /// The stage to which new pods come by themselves.
    pub fn in_stage(self, stage: Stage) -> Self {
        self.image(|image| image.stage = stage)
    }

    /// How long new pods stay in `ContainerCreating`.
    pub fn starting_takes(self, time: Duration) -> Self {
        self.image(|image| image.starts_in = time)
    }

    /// Make it, and wait until its pods are in their stage.
    ///
    /// # Panics
    /// The name is taken, or the pods do not come.
    pub fn start(self) -> Running {
        let core = &self.cluster.core;
        self.cluster.namespace(&self.namespace);
        for (name, image) in &self.containers {
            core.node.put_image(&self.image_name(name), image.clone().with_oddities_of_all());
        }
        let (kind, object) = self.object();
        core.store.create(&kind, &self.namespace, object).unwrap_or_else(|status| panic!("{}", status.message));
        let running = Running { core: Arc::clone(core), kind, namespace: self.namespace.clone(), name: self.name.clone() };
        let stage = self.containers[0].1.stage;
        running
            .wait("its pods to come", |pods| pods.len() == self.replicas && pods.iter().all(|pod| is_in(&pod.object(), stage)));
        running
    }

    fn image_name(&self, container: &str) -> String {
        format!("kubesim.example/{}/{}/{container}", self.namespace, self.name)
    }

    fn object(&self) -> (Arc<Kind>, Value) {
        let core = &self.cluster.core;
        let containers = self.containers.iter().map(|(name, _)| json!({ "name": name, "image": self.image_name(name) }));
        let spec = json!({ "containers": containers.collect::<Vec<_>>(), "restartPolicy": "Always" });
        let labels = json!({ "app": self.name });
        let metadata = json!({ "name": self.name, "labels": labels });
        let owner = |kind: &Arc<Kind>, more: Value| {
            let template = json!({ "metadata": { "labels": labels, "annotations": self.annotations }, "spec": spec });
            let mut spec = json!({ "replicas": self.replicas, "selector": { "matchLabels": labels }, "template": template });
            spec.as_object_mut().into_iter().for_each(|spec| spec.extend(more.as_object().cloned().unwrap_or_default()));
            (Arc::clone(kind), json!({ "metadata": metadata, "spec": spec }))
        };
        match self.owner {
            Owner::Deployment => owner(&core.deployments, json!({})),
            Owner::StatefulSet => owner(&core.stateful_sets, json!({ "serviceName": self.name })),
            Owner::None => {
                let mut metadata = metadata.clone();
                metadata["annotations"] = self.annotations.clone();
                let pod = json!({ "metadata": metadata, "spec": spec, "status": { "phase": "Pending" } });
                (Arc::clone(&core.pods), pod)
            }
        }
    }
}

/// Whether a pod's status is what this stage makes of it.
fn is_in(pod: &Value, stage: Stage) -> bool {
    let expected = stage.status(&pod["spec"], "");
    let reason = |status: &Value| status.pointer("/containerStatuses/0/state/waiting/reason").cloned();
    let status = &pod["status"];
    let same = status["phase"] == expected["phase"] && reason(status) == reason(&expected) && status.get("conditions").is_some();
    same && is_ready(pod) == (stage == Stage::Running)
}

/// A workload that was started.
#[derive(Debug)]
pub struct Running {
    core: Arc<Core>,
    kind: Arc<Kind>,
    namespace: String,
    name: String,
}

impl Running {
    /// Its pods that are not being deleted, the oldest first.
    pub fn pods(&self) -> Vec<Pod> {
        let all = self.core.store.list(&self.core.pods, &self.namespace).0;
        let mut mine: Vec<Pod> = all
            .iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == *self.name && pod["metadata"].get("deletionTimestamp").is_none())
            .map(|pod| Pod::of(&self.core, pod))
            .collect();
        mine.sort_by(|one, other| one.uid().cmp(other.uid())); // uids are given in order
        mine
    }

    /// Its newest pod.
    ///
    /// # Panics
    /// It has none.
    pub fn pod(&self) -> Pod {
        self.pods().pop().unwrap_or_else(|| panic!("{} has no pod", self.name))
    }

    /// Wait until `good` is true of its pods.
    ///
    /// # Panics
    /// It does not come true.
    pub fn wait(&self, what: &str, mut good: impl FnMut(&[Pod]) -> bool) -> Vec<Pod> {
        let found = self.core.store.wait_for(PATIENCE, || Some(self.pods()).filter(|pods| good(pods)));
        found.unwrap_or_else(|| panic!("{}: waited in vain for {what}: {:#?}", self.name, self.pods()))
    }

    /// Wait until the pod that comes instead of `old` is ready.
    ///
    /// # Panics
    /// None comes.
    pub fn wait_replaced(&self, old: &Pod) -> Pod {
        let keeps_names = self.kind.plural == "statefulsets";
        let is_new = |pod: &Pod| pod.is_newer_than(old) && pod.is_ready() && (!keeps_names || pod.name() == old.name());
        let pods = self.wait("a new pod", |pods| pods.iter().any(is_new));
        pods.into_iter().rfind(is_new).expect("just seen")
    }

    /// Change the template, so that every pod is replaced; does not wait for that.
    pub fn roll_out(&self) {
        self.edit(|object| {
            let annotations = &mut object["spec"]["template"]["metadata"]["annotations"];
            annotations["kubectl.kubernetes.io/restartedAt"] = json!(crate::store::suffix(8));
        });
    }

    /// Change how many pods it has; does not wait for that.
    pub fn scale(&self, replicas: usize) {
        self.edit(|object| object["spec"]["replicas"] = json!(replicas));
    }

    /// Delete it and with it its pods, and wait until these are gone.
    pub fn delete(&self) {
        if let Ok(object) = self.core.store.get(&self.kind, &self.namespace, &self.name) {
            crate::controllers::delete(&self.core, &self.kind, &object);
        }
        self.wait("its pods to go", <[Pod]>::is_empty);
    }

    fn edit(&self, change: impl FnOnce(&mut Value)) {
        let edited = self.core.store.edit(&self.kind, &self.namespace, &self.name, |object| {
            change(object);
            Ok::<(), Status>(())
        });
        edited.unwrap_or_else(|status| panic!("{}", status.message));
    }
}
