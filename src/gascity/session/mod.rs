//! Gas City's agents: each session is a pod with a tmux session `main`, laid out as Gas City's own script does, so that a city
//! can go from the one to the other and back while agents run.

mod agent;
mod copy;
mod environment;
mod links;
mod manifest;
mod names;
mod payload;
mod questions;
mod start;

pub use agent::Agent;
use agent::{Inside, MARK, Progress};
pub use copy::copy_to;
pub use questions::{
    Meta, activity, alive, clear, copy_from, execute, get_meta, is_attached, is_there, keys, nudge, peek, set_meta,
};
pub use start::{Refused, start};

use std::cmp::Reverse;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::variables;
use crate::cluster::gateway::{Gateways, escaped};
use crate::cluster::{Cluster, login};
use crate::failure::{Failure, Kind};
use crate::registry::names::{ObjectName, SessionName};
use crate::remote::Remote;

/// Gas City kills an operation after 30 s; this is earlier, so that the reason can still be told.
pub const PATIENCE: Duration = Duration::from_secs(25);
const _: () = assert!(PATIENCE.as_secs() < 30);
/// The label of every agent's pod.
const AGENTS: &str = "app=gc-agent";
/// How many half-made pods are asked at the same time whether they have a session.
const AT_A_TIME: usize = 16;
/// What every agent's tmux session is called.
const SESSION: &str = "main";
/// The newer operations that we know, for who asks before it uses them.
pub const PROTOCOL: &str = r#"{"version":0,"capabilities":["report-attachment","report-activity","proc.exec"]}"#;

/// Where a city's agents are.
#[derive(Clone)]
pub struct City {
    cluster: Cluster,
    namespace: ObjectName,
    gateways: Option<Arc<Gateways>>,
}

/// Pods as they were listed.
struct Listed {
    agents: Vec<Agent>,
    /// Names of pods in the listing that are no session's.
    others: Vec<String>,
    /// kubectl said nothing at all. The real one always says something; the one that stands in for it in Gas City's own
    /// manifest tests does not, and neither does it say anything on behalf of a pod.
    silent: bool,
}

impl City {
    /// The city that the environment names.
    ///
    /// # Errors
    /// `GC_K8S_NAMESPACE` is no name of a namespace.
    pub fn of_environment() -> anyhow::Result<Self> {
        let (cluster, namespace) = variables::cluster()?;
        Ok(Self { cluster, namespace, gateways: None })
    }

    /// The same for a moment: to find a pod and to ask it one thing is one kubectl then, where it would be two. Who has a login
    /// plugin has two all the same.
    pub fn for_a_moment(self) -> Self {
        let gateways = Arc::<Gateways>::default();
        if login::is_free_of_plugins(&self.cluster) {
            gateways.expect([&self.cluster, &self.cluster]);
        }
        Self { gateways: Some(gateways), ..self }
    }

    /// The same for what lasts: each question is a kubectl of its own.
    pub fn for_long(self) -> Self {
        Self { gateways: None, ..self }
    }

    /// The pods of exactly this session, the newest first.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn find(&self, session: &str, deadline: Instant) -> Result<Vec<Agent>, Failure> {
        let mut agents = self.list(&format!("gc-session={}", names::label(session)), None, deadline)?.agents;
        agents.retain(|agent| agent.session == session);
        agents.sort_by_key(|agent| Reverse(agent.created));
        Ok(agents)
    }

    /// The pod of exactly this session that runs.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn running(&self, session: &str, deadline: Instant) -> Result<Option<Agent>, Failure> {
        Ok(self.find(session, deadline)?.into_iter().find(Agent::runs))
    }

    /// The names of all sessions whose pod runs. Only pods that are half made are asked whether they have one.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn sessions(&self, prefix: &str, deadline: Instant) -> Result<Vec<String>, Failure> {
        let mut agents = self.list(AGENTS, Some("status.phase=Running"), deadline)?.agents;
        // A name with a line end in it would be two names to whoever reads them.
        agents.retain(|agent| agent.runs() && agent.session.starts_with(prefix) && !agent.session.contains(char::is_control));
        let (half_made, mut running): (Vec<_>, Vec<_>) =
            agents.into_iter().partition(|agent| agent.progress == Progress::HalfMade);
        running.extend(self.with_session(half_made, deadline)?);
        let mut names: Vec<_> = running.into_iter().map(|agent| agent.session).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Those in which there is a session.
    fn with_session(&self, agents: Vec<Agent>, deadline: Instant) -> Result<Vec<Agent>, Failure> {
        let mut there = Vec::new();
        for some in agents.chunks(AT_A_TIME) {
            let answers: Vec<_> = thread::scope(|scope| {
                let ask = |agent| scope.spawn(move || is_there(self, agent, deadline));
                let asked: Vec<_> = some.iter().map(ask).collect();
                asked.into_iter().map(|answer| answer.join()).collect()
            });
            for (agent, answer) in some.iter().zip(answers) {
                let lost = |_| Err(Failure::new(Kind::Failed, format!("nobody knows of pod {}", agent.pod)));
                if answer.unwrap_or_else(lost)? {
                    there.push(agent.clone());
                }
            }
        }
        Ok(there)
    }

    /// End a session: its pods are gone then. That there are none is no error.
    ///
    /// Those that a start of ours has made are known by their mark, so that one kubectl finds and ends them, as the script's does.
    /// At the same time another looks for those that somebody else has made, of which only their annotation says whose they are.
    ///
    /// # Errors
    /// The cluster refused, or they do not go.
    pub fn stop(&self, session: &str, deadline: Instant) -> Result<(), Failure> {
        let (label, mark) = (names::label(session), names::mark(session));
        let others = format!("gc-session={label},{MARK}!={mark}");
        let (marked, others) = thread::scope(|scope| {
            let manner = login::manner();
            let others = scope.spawn(move || {
                let _acting = login::acting(manner);
                self.stop_others(session, &others, deadline)
            });
            let marked = self.cluster.delete_labelled_pods(&format!("gc-session={label},{MARK}={mark}"), deadline);
            (marked, others.join())
        });
        let lost =
            |_| Err(Failure::new(Kind::Failed, format!("nobody knows whether other pods of session {session:?} are left")));
        marked.and(others.unwrap_or_else(lost))
    }

    fn stop_others(&self, session: &str, selector: &str, deadline: Instant) -> Result<(), Failure> {
        let agents = self.list(selector, None, deadline)?.agents.into_iter();
        let pods: Vec<_> = agents.filter(|agent| agent.session == session).map(|agent| agent.pod).collect();
        if pods.is_empty() { Ok(()) } else { self.cluster.delete_pods(&pods, deadline) }
    }

    /// Why pods of the city cannot get this image, when they cannot. That no pod has tried says nothing against it.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn image_trouble(&self, image: &str, deadline: Instant) -> Result<Option<String>, Failure> {
        let agents = self.list(AGENTS, None, deadline)?.agents;
        if agents.iter().any(|agent| agent.phase == "Running" && agent.image == image) {
            return Ok(None);
        }
        let missing = agents.into_iter().flat_map(|agent| agent.missing_images);
        Ok(missing.into_iter().find(|(name, _)| name == image).map(|(_, why)| why))
    }

    fn list(&self, selector: &str, fields: Option<&str>, deadline: Instant) -> Result<Listed, Failure> {
        let gateways = self.gateways.as_ref();
        let path = pods_path(selector, fields);
        let said = match gateways.and_then(|gateways| gateways.get(&self.cluster, &path, deadline)) {
            Some(said) => said?,
            None => self.cluster.pods(selector, fields, deadline)?,
        };
        if said.is_empty() {
            return Ok(Listed { agents: Vec::new(), others: Vec::new(), silent: true });
        }
        let list: Value = serde_json::from_slice(&said)
            .map_err(|error| Failure::new(Kind::Incomplete, format!("kubectl's answer is no JSON: {error}")))?;
        let items = list["items"].as_array().ok_or_else(|| Failure::new(Kind::Incomplete, "kubectl's answer is no list"))?;
        let (mut agents, mut others) = (Vec::new(), Vec::new());
        for item in items {
            match Agent::of(item) {
                Some(agent) => agents.push(agent),
                None => others.extend(item["metadata"]["name"].as_str().map(str::to_owned)),
            }
        }
        Ok(Listed { agents, others, silent: false })
    }
}

/// Where the API lists the pods of these labels and fields, below a namespace.
fn pods_path(selector: &str, fields: Option<&str>) -> String {
    let fields = fields.map(|fields| format!("&fieldSelector={}", escaped(fields))).unwrap_or_default();
    format!("/pods?labelSelector={}{fields}", escaped(selector))
}

/// The tmux server of a pod, for everything that works on workers as well.
pub fn remote(city: &City, agent: &Agent) -> Remote {
    Remote { exec: Box::new(Inside::of(city, agent)), tmux: vec!["tmux".to_owned()], log: None, meant: None }
}

/// The session in it.
///
/// # Errors
/// Never: it is a session's name.
pub fn session() -> Result<SessionName, Failure> {
    SESSION.parse().map_err(|error| Failure::new(Kind::Failed, format!("{SESSION}: {error}")))
}
