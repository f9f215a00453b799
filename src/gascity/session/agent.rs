//! A session's pod as it is found, and the way into it.

use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::City;
use crate::gascity::time::{self, Moment};
use crate::registry::names::ObjectName;
use crate::remote::exec::{Exec, Output, Request};
use crate::remote::failure::{Failure, Kind};

/// What the script calls the container.
const CONTAINER: &str = "agent";
/// The session's name as it is, without anything replaced.
pub const NAME: &str = "gc-session-name";
/// Which start of ours made the pod.
pub const START: &str = "factory-worker/start";

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
            ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]
                .contains(&reason)
                .then(|| (image, format!("{reason} {message}").trim().to_owned()))
        });
        Some(Self {
            pod: metadata["name"].as_str()?.parse().ok()?,
            session: session.to_owned(),
            phase: word("/status/phase"),
            ending: metadata.get("deletionTimestamp").is_some_and(|time| !time.is_null()),
            created: metadata["creationTimestamp"].as_str().and_then(time::parse),
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
            missing_images: Vec::new(),
            image: String::new(),
        }
    }

    /// Whether something may run in it.
    pub fn runs(&self) -> bool {
        self.phase == "Running" && !self.ending
    }
}

/// The way into a session's pod. Whoever attaches again finds the pod that has taken its place.
pub struct Inside {
    city: City,
    session: String,
    pod: ObjectName,
}

impl Inside {
    pub fn of(city: &City, agent: &Agent) -> Self {
        Self { city: city.clone(), session: agent.session.clone(), pod: agent.pod.clone() }
    }

    /// The container that the agent runs in.
    pub fn container() -> Option<ObjectName> {
        CONTAINER.parse().ok()
    }
}

impl Exec for Inside {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        self.city.cluster.exec(&self.pod, Self::container().as_ref(), request)
    }

    fn interactive(&self, argv: &[String], deadline: Instant) -> Result<Command, Failure> {
        let agent = self.city.running(&self.session, deadline)?;
        let agent = agent.ok_or_else(|| Failure::new(Kind::Missing, format!("no running pod for session {:?}", self.session)))?;
        self.city.cluster.interactive(&agent.pod, Self::container().as_ref(), argv)
    }

    fn pod(&self) -> Option<String> {
        Some(self.pod.as_str().to_owned())
    }

    fn place(&self) -> Option<String> {
        let context = self.city.cluster.context.as_deref().unwrap_or_default();
        Some(format!("gas city {context} {} {:?}", self.city.namespace, self.session))
    }
}
