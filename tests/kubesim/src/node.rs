//! The node on which every pod runs, and its kubelet, which makes of pods what their objects say.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::configuration;
use crate::container::Container;
use crate::core::Core;
use crate::entrypoint;
use crate::events::{Weight, tell};
use crate::image::Image;
use crate::init;
use crate::probe;
use crate::stage::Stage;
use crate::status::Status;
use crate::volumes;

/// How long the kubelet waits for a change before it looks again anyway.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Sandbox {
    containers: Vec<Arc<Container>>,
    /// Those that ran before.
    ended: Vec<Arc<Container>>,
    /// Init containers that have ended.
    initialised: Vec<Arc<Container>>,
    /// Its end has begun.
    ending: bool,
    /// How often its containers were started again.
    restarts: u64,
}

#[derive(Debug)]
pub struct Node {
    directory: PathBuf,
    images: Mutex<HashMap<String, Image>>,
    /// By the pod's uid.
    pods: Mutex<HashMap<String, Sandbox>>,
    directories: AtomicU64,
}

impl Node {
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, images: Mutex::default(), pods: Mutex::default(), directories: AtomicU64::new(0) }
    }

    fn pods(&self) -> MutexGuard<'_, HashMap<String, Sandbox>> {
        self.pods.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Let containers of this image be so. A name that nobody has described stands for an image that does nothing.
    pub fn put_image(&self, name: &str, image: Image) {
        self.images.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(name.to_owned(), image);
    }

    pub fn image(&self, spec: &Value) -> Image {
        let images = self.images.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        spec["image"].as_str().and_then(|name| images.get(name)).cloned().unwrap_or_default()
    }

    /// A running container of a pod.
    pub fn container(&self, pod: &Value, name: &str) -> Option<Arc<Container>> {
        let pods = self.pods();
        let found = pods.get(uid(pod))?.containers.iter().find(|container| container.name == name);
        found.filter(|container| !container.is_stopped()).cloned()
    }

    /// The latest container of this name, also when it has ended: its log is still there.
    pub fn last_container(&self, pod: &Value, name: &str) -> Option<Arc<Container>> {
        let pods = self.pods();
        let sandbox = pods.get(uid(pod))?;
        let all = sandbox.containers.iter().chain(&sandbox.ended).chain(&sandbox.initialised);
        all.into_iter().find(|container| container.name == name).cloned()
    }

    /// The container of this name that ended last.
    pub fn previous_container(&self, pod: &Value, name: &str) -> Option<Arc<Container>> {
        self.pods().get(uid(pod))?.ended.iter().find(|container| container.name == name).cloned()
    }

    /// Make a container of a pod. Nothing runs in it yet.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_container(&self, core: &Core, pod: &Value, spec: &Value) -> Result<Container, String> {
        let number = self.directories.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.join(number.to_string());
        let configuration = configuration::env_from(core, pod, spec)?;
        let made = Container::create(directory, pod, spec, &self.image(spec), configuration);
        let container = made.map_err(|error| error.to_string())?;
        volumes::mount(&self.directory, pod, spec, &container).map_err(|error| error.to_string())?;
        Ok(container)
    }

    /// Let these be a pod's running containers; false, and they are stopped, when it was deleted meanwhile.
    pub fn put(&self, core: &Core, pod: &Value, containers: Vec<Arc<Container>>) -> bool {
        match self.pods().get_mut(uid(pod)) {
            Some(sandbox) if !sandbox.ending && !core.store.is_closed() => {
                sandbox.containers = containers;
                true
            }
            _ => {
                containers.iter().for_each(|container| container.stop());
                false
            }
        }
    }

    /// Let a container that has ended be none of the running ones.
    pub fn take_out(&self, pod: &Value, container: &Arc<Container>) {
        if let Some(sandbox) = self.pods().get_mut(uid(pod)) {
            sandbox.containers.retain(|there| !Arc::ptr_eq(there, container));
        }
    }

    /// Let the log of an init container that has ended be there as long as its pod.
    pub fn keep_log(&self, pod: &Value, container: &Arc<Container>) {
        if let Some(sandbox) = self.pods().get_mut(uid(pod)) {
            sandbox.initialised.push(Arc::clone(container));
        }
    }

    fn ask_to_end(&self, pod: &Value, grace: Duration) {
        let containers = self.pods().get(uid(pod)).map(|sandbox| sandbox.containers.clone()).unwrap_or_default();
        containers.iter().for_each(|container| container.ask_to_end(grace));
    }

    fn stop(&self, pod: &Value) {
        let mut pods = self.pods();
        let Some(sandbox) = pods.get_mut(uid(pod)) else { return };
        let containers = std::mem::take(&mut sandbox.containers);
        if !containers.is_empty() {
            sandbox.ended.clone_from(&containers);
        }
        drop(pods);
        for container in containers {
            container.stop();
        }
    }

    /// End everything that runs on this node.
    pub fn stop_all(&self) {
        for (_, sandbox) in self.pods().drain() {
            for container in sandbox.containers {
                container.stop();
            }
        }
    }
}

fn uid(pod: &Value) -> &str {
    pod["metadata"]["uid"].as_str().unwrap_or_default()
}

fn name_of(pod: &Value) -> (&str, &str) {
    let metadata = &pod["metadata"];
    (metadata["namespace"].as_str().unwrap_or_default(), metadata["name"].as_str().unwrap_or_default())
}

/// The kubelet: look at all pods whenever something changed, until the cluster ends.
pub fn run(core: &Arc<Core>) {
    let mut seen = 0;
    while !core.store.is_closed() {
        let (pods, revision) = core.store.list(&core.pods, "");
        for pod in pods {
            look_at(core, &pod);
        }
        if revision == seen {
            let _ = core.store.changes_after(revision, Instant::now() + LOOK_EVERY);
        }
        seen = revision;
    }
}

fn look_at(core: &Arc<Core>, pod: &Arc<Value>) {
    let mut pods = core.node.pods();
    let ends = pod["metadata"].get("deletionTimestamp").is_some();
    let begins = !pods.contains_key(uid(pod));
    let sandbox = pods.entry(uid(pod).to_owned()).or_default();
    let (core, pod) = (Arc::clone(core), Arc::clone(pod));
    if ends && !sandbox.ending {
        sandbox.ending = true;
        thread::spawn(move || end(&core, &pod));
    } else if begins && !ends {
        thread::spawn(move || begin(&core, &pod));
    }
}

/// Bring a new pod to the stage in which its image says it starts.
fn begin(core: &Arc<Core>, pod: &Value) {
    let images: Vec<Image> = containers_of(pod).map(|spec| core.node.image(spec)).collect();
    let starts_in = images.iter().map(|image| image.starts_in).max().unwrap_or_default();
    let stage = images.first().map(|image| image.stage).unwrap_or_default();
    tell_of(core, pod, stage);
    if !starts_in.is_zero() && stage.runs() {
        set_stage(core, pod, Stage::ContainerCreating);
        core.store.wait_for(starts_in, || None::<()>);
    }
    if stage.runs() && !wait_for_configuration(core, pod) {
        return;
    }
    enter(core, pod, stage);
}

/// What a pod that comes to this stage makes its node and the scheduler say.
fn tell_of(core: &Core, pod: &Value, stage: Stage) {
    let image = containers_of(pod).next().and_then(|spec| spec["image"].as_str()).unwrap_or_default();
    if !stage.has_node() {
        return tell(core, pod, Weight::Warning, "FailedScheduling", stage.unschedulable());
    }
    tell(core, pod, Weight::Normal, "Scheduled", "Successfully assigned the pod to kubesim");
    if stage == Stage::VolumeElsewhere {
        let why = "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) on another node";
        return tell(core, pod, Weight::Warning, "FailedAttachVolume", why);
    }
    tell(core, pod, Weight::Normal, "Pulling", &format!("Pulling image \"{image}\""));
    match stage {
        Stage::ErrImagePull | Stage::ImagePullBackOff => {
            let why = format!("Failed to pull image \"{image}\": not found");
            tell(core, pod, Weight::Warning, "Failed", &why);
        }
        _ => tell(core, pod, Weight::Normal, "Pulled", &format!("Successfully pulled image \"{image}\"")),
    }
}

/// Wait until everything is there that its containers take their environment from; false when it is deleted before.
fn wait_for_configuration(core: &Core, pod: &Value) -> bool {
    let lacks = || containers_of(pod).find_map(|spec| configuration::env_from(core, pod, spec).err());
    let Some(why) = lacks() else { return true };
    set_stage(core, pod, Stage::CreateContainerConfigError);
    tell(core, pod, Weight::Warning, "Failed", &format!("Error: {why}"));
    let (namespace, name) = name_of(pod);
    let stays = || core.store.get(&core.pods, namespace, name).is_ok_and(|there| uid(&there) == uid(pod));
    while !core.store.is_closed() && stays() {
        if core.store.wait_for(LOOK_EVERY, || lacks().is_none().then_some(())).is_some() {
            return true;
        }
    }
    false
}

/// Let a pod be in a stage: its containers run or not, and its status says so.
pub fn enter(core: &Arc<Core>, pod: &Value, stage: Stage) {
    if !stage.runs() {
        core.node.stop(pod);
    } else {
        match start(core, pod) {
            Ok(true) => {}
            Ok(false) => return, // its end has said so
            Err(error) => {
                eprintln!("kubesim: pod {} cannot start: {error}", name_of(pod).1);
                set_stage(core, pod, Stage::Failed);
                return;
            }
        }
    }
    if stage == Stage::Running && !wait_for_probes(core, pod) {
        return; // it ended, and its end said so
    }
    set_stage(core, pod, stage);
}

/// Wait until startup probes succeed; false when a container ended before.
fn wait_for_probes(core: &Arc<Core>, pod: &Value) -> bool {
    if !containers_of(pod).any(probe::is_wanted) {
        return true;
    }
    set_stage(core, pod, Stage::Starting);
    containers_of(pod).filter(|spec| probe::is_wanted(spec)).all(|spec| {
        let container = core.node.container(pod, spec["name"].as_str().unwrap_or_default());
        container.is_some_and(|container| probe::wait(spec, &container))
    })
}

/// Start its containers; false when it ends before they run.
fn start(core: &Arc<Core>, pod: &Value) -> Result<bool, String> {
    let running = core.node.pods().get(uid(pod)).is_none_or(|sandbox| !sandbox.containers.is_empty() || sandbox.ending);
    if running {
        return Ok(true);
    }
    if !init::run(core, pod)? {
        return Ok(false);
    }
    let mut containers = Vec::new();
    for spec in containers_of(pod) {
        let image = core.node.image(spec);
        let container = core.node.make_container(core, pod, spec)?;
        for (name, command) in &image.sessions {
            container.start_session(name, command)?;
        }
        let container = Arc::new(container);
        entrypoint::start(core, pod, &container, spec, &image)?;
        containers.push(container);
    }
    Ok(core.node.put(core, pod, containers))
}

fn containers_of(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["spec"]["containers"].as_array().into_iter().flatten()
}

/// End the containers of a pod and start them again, as when its first process has ended.
pub fn restart(core: &Arc<Core>, pod: &Value) {
    core.node.stop(pod);
    if let Some(sandbox) = core.node.pods().get_mut(uid(pod)) {
        sandbox.restarts += 1;
    }
    enter(core, pod, Stage::Running);
}

/// Write a stage into a pod's status. A pod that is gone meanwhile needs none.
pub fn set_stage(core: &Core, pod: &Value, stage: Stage) {
    let (namespace, name) = name_of(pod);
    let same_pod = uid(pod).to_owned();
    let restarts = core.node.pods().get(&same_pod).map_or(0, |sandbox| sandbox.restarts);
    let _ = core.store.edit(&core.pods, namespace, name, |pod| {
        if uid(pod) != same_pod {
            return Err(Status::not_found(&core.pods, name));
        }
        if stage.has_node() {
            pod["spec"]["nodeName"] = json!("kubesim");
        } else if let Some(spec) = pod["spec"].as_object_mut() {
            spec.remove("nodeName");
        }
        let initialised = pod["status"]["initContainerStatuses"].take();
        pod["status"] = stage.status(&pod["spec"], name);
        if !initialised.is_null() {
            pod["status"]["initContainerStatuses"] = initialised;
        }
        for container in pod["status"]
            .pointer_mut("/containerStatuses")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter(|_| restarts > 0)
        {
            container["restartCount"] = json!(container["restartCount"].as_u64().unwrap_or(0) + restarts);
        }
        Ok(())
    });
}

/// End a pod that is being deleted: everything in it, then its object.
fn end(core: &Arc<Core>, pod: &Value) {
    let takes = core.settings().stopping_takes;
    if !takes.is_zero() {
        core.store.wait_for(takes, || None::<()>);
    }
    // As long as its manifest says; without a word at once, so that tests do not wait.
    if let Some(grace) = pod["spec"]["terminationGracePeriodSeconds"].as_u64() {
        core.node.ask_to_end(pod, Duration::from_secs(grace));
    }
    core.node.stop(pod);
    let (namespace, name) = name_of(pod);
    let there = core.store.get(&core.pods, namespace, name);
    if there.is_ok_and(|there| uid(&there) == uid(pod)) {
        let _ = core.store.remove(&core.pods, namespace, name);
    }
}
