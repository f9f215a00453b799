//! A session's pod as it is found, and the way into it.

use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use serde_json::Value;

use super::City;
use crate::cluster::login::{self, Login, Turn};
use crate::cluster::pod::Start;
use crate::failure::{Failure, Kind};
use crate::gascity::time::{self, Moment};
use crate::process::{Output, Request};
use crate::registry::names::ObjectName;

use crate::remote::exec::{Exec, Interactive};
use crate::remote::pod::Pod;

/// What the script calls the container.
const CONTAINER: &str = "agent";
/// The session's name as it is, without anything replaced.
pub const NAME: &str = "gc-session-name";
/// The label with what [`super::names::mark`] makes of that.
pub const MARK: &str = "factory-worker/session";
/// Why a kubelet has no image for a container.
pub const NO_IMAGE: [&str; 4] = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"];
/// Which start of ours made the pod.
pub const START: &str = "factory-worker/start";
/// The start whose session has been there. A pod that a start made and that does not say so is half made: its start goes on,
/// or was killed.
pub const STARTED: &str = "factory-worker/started";

/// What a pod says of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing: somebody else made it.
    Unknown,
    /// A start of ours made it, and has not seen its session.
    HalfMade,
    /// Its session has been there.
    Started,
}

/// A pod of a city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub pod: ObjectName,
    /// The session's name.
    pub session: String,
    pub phase: String,
    /// It is being deleted.
    pub ending: bool,
    pub created: Option<Moment>,
    pub progress: Progress,
    /// Images that its containers cannot get, with the reason.
    pub missing_images: Vec<(String, String)>,
    pub image: String,
}

impl Agent {
    /// What a pod's object says; `None` for a pod without a name that can be used.
    pub fn of(pod: &Value) -> Option<Self> {
        let metadata = &pod["metadata"];
        let annotation = |name: &str| metadata["annotations"][name].as_str();
        let session = annotation(NAME).or_else(|| metadata["labels"]["gc-session"].as_str())?;
        let word = |path: &str| pod.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let statuses = ["initContainerStatuses", "containerStatuses"].map(|list| pod["status"][list].as_array());
        let missing = statuses.into_iter().flatten().flatten().filter_map(|status| {
            let waiting = &status["state"]["waiting"];
            let reason = waiting["reason"].as_str()?;
            let image = status["image"]
                .as_str()
                .filter(|image| !image.is_empty())
                .map_or(word("/spec/containers/0/image"), str::to_owned);
            let message = waiting["message"].as_str().unwrap_or_default();
            NO_IMAGE.contains(&reason).then(|| (image, format!("{reason} {message}").trim().to_owned()))
        });
        Some(Self {
            pod: metadata["name"].as_str()?.parse().ok()?,
            session: session.to_owned(),
            phase: word("/status/phase"),
            ending: metadata.get("deletionTimestamp").is_some_and(|time| !time.is_null()),
            created: metadata["creationTimestamp"].as_str().and_then(time::parse),
            progress: match (annotation(START), annotation(STARTED)) {
                (None, _) => Progress::Unknown,
                (start, started) if start == started => Progress::Started,
                (Some(_), _) => Progress::HalfMade,
            },
            missing_images: missing.collect(),
            image: word("/spec/containers/0/image"),
        })
    }

    /// The pod that a start of ours has just made for a session.
    pub fn just_made(pod: &ObjectName, session: &str) -> Self {
        Self {
            pod: pod.clone(),
            session: session.to_owned(),
            phase: "Running".to_owned(),
            ending: false,
            created: None,
            progress: Progress::HalfMade,
            missing_images: Vec::new(),
            image: String::new(),
        }
    }

    /// Whether something may run in it.
    pub fn runs(&self) -> bool {
        self.phase == "Running" && !self.ending
    }
}

/// The way into a session's pod. Whoever has lost it finds the pod that has taken its place.
pub struct Inside {
    city: City,
    session: String,
    pod: Mutex<ObjectName>,
}

impl Inside {
    pub fn of(city: &City, agent: &Agent) -> Self {
        Self { city: city.clone(), session: agent.session.clone(), pod: Mutex::new(agent.pod.clone()) }
    }

    /// The container that the agent runs in.
    pub fn container() -> Option<ObjectName> {
        CONTAINER.parse().ok()
    }

    fn current(&self) -> MutexGuard<'_, ObjectName> {
        self.pod.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The pod as a worker, for what is asked of workers in the same way.
    fn worker(&self, pod: &ObjectName) -> Pod {
        Pod::known(self.city.cluster.clone(), pod.clone(), Self::container())
    }
}

impl Exec for Inside {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        let pod = self.current().clone();
        let (cluster, container) = (&self.city.cluster, Self::container());
        let gateways = self.city.gateways.as_ref();
        let answer = gateways.and_then(|gateways| gateways.exec(cluster, &pod, container.as_ref(), request));
        answer.unwrap_or_else(|| cluster.exec(&pod, container.as_ref(), request))
    }

    fn interactive(&self, argv: &[String], _deadline: Instant) -> Result<Interactive, Failure> {
        let pod = self.current().clone();
        let command = self.city.cluster.interactive(&pod, Self::container().as_ref(), argv)?;
        Ok(Interactive { command, pod: Some(pod) })
    }

    fn pod(&self) -> Option<String> {
        Some(self.current().to_string())
    }

    fn place(&self) -> Option<String> {
        let context = self.city.cluster.context.as_deref().unwrap_or_default();
        Some(format!("gas city {context} {} {:?}", self.city.namespace, self.session))
    }

    fn start(&self, pod: &ObjectName, deadline: Instant) -> Result<Start, Failure> {
        self.worker(pod).start(pod, deadline)
    }

    fn renew(&self, deadline: Instant) -> Result<(), Failure> {
        let agent = self.city.running(&self.session, deadline)?;
        let missing = || {
            let missing = Failure::new(Kind::Missing, format!("no running pod for session {:?}", self.session));
            self.city.cluster.named(missing.with_remedy("`kubectl get pods` shows those there are"))
        };
        *self.current() = agent.ok_or_else(missing)?.pod;
        Ok(())
    }

    fn turn(&self, until: Option<Instant>) -> Result<Turn, Failure> {
        login::turn(&self.city.cluster, until)
    }

    fn login(&self) -> Login {
        let pod = self.current().clone();
        self.worker(&pod).login()
    }

    fn endpoint(&self) -> Option<String> {
        login::endpoint(&self.city.cluster)
    }
}
