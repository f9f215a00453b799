//! Starting a session: its pod is made, what it needs is copied into it, and the agent begins. A start that fails, or is
//! interrupted, leaves no pod behind.

mod launch;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use launch::Launch;

use super::agent::{Agent, Inside, Progress, START};
use super::manifest::{self, Wanted};
use super::payload::Payload;
use super::questions;
use super::{City, Listed, names};
use crate::failure::{Failure, Kind};
use crate::gascity::variables::variable;
use crate::process;
use crate::registry::names::ObjectName;
use crate::remote::script;
use crate::signals;
use crate::terminal::{self, neutralise};

/// Gas City kills a start after 120 s; this and what follows it are earlier.
const PATIENCE: Duration = Duration::from_secs(100);
/// How long taking a failed start back may take.
const FAREWELL: Duration = Duration::from_secs(12);
const _: () = assert!(PATIENCE.as_secs() + FAREWELL.as_secs() < 120);
/// How long an answer may take that comes at once when there is one: a cluster that cannot be reached is told of while there is time.
const ANSWER: Duration = Duration::from_secs(25);
/// How long a pod without a session counts as one that is being started, as in Gas City's own provider.
const YOUTH: Duration = Duration::from_secs(240);
/// The same for a pod that a start of ours has made, which lasts no longer than this, with something for clocks that differ.
const OUR_YOUTH: Duration = Duration::from_secs(150);
/// How long a dead session's pod may take to go.
const LAST_BREATH: Duration = Duration::from_secs(30);
/// Selects every pod: none has this label. Some flag has to stand there for `kubectl get pods -l`.
const EVERY_POD: &str = "!factory-worker/no-such-label";

/// Why a session was not started.
#[derive(Debug)]
pub enum Refused {
    /// It is there, or on its way.
    Exists(String),
    /// The cluster has no room for it now.
    Full(Failure),
    /// Something is wrong.
    Failed(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure.reason.contains("exceeded quota") {
            true => Self::Full(failure),
            false => Self::Failed(failure),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(what) => f.write_str(what),
            Self::Full(failure) | Self::Failed(failure) => write!(f, "{failure}"),
        }
    }
}

/// Start a session as `payload` describes it; it can be used when this returns.
///
/// # Errors
/// Nothing is left of it then, unless it was there before.
pub fn start(city: &City, session: &str, payload: &[u8]) -> Result<(), Refused> {
    let wrong = |why: String| Failure::new(Kind::Failed, why);
    let payload = Payload::parse(payload).map_err(wrong)?;
    if session.is_empty() || session.contains(char::is_control) {
        return Err(wrong("start: missing session name".to_owned()).into());
    }
    let image = variable("GC_K8S_IMAGE").ok_or_else(|| wrong("start: GC_K8S_IMAGE is required".to_owned()))?;
    let deadline = Instant::now() + PATIENCE;
    let id = script::nonce();
    let interrupted = Interrupted::listen();

    let listed = city.list(EVERY_POD, None, Instant::now() + ANSWER)?;
    make_way(city, session, &listed, deadline)?;
    let taken: BTreeSet<String> = listed
        .agents
        .iter()
        .filter(|agent| agent.session != session)
        .map(|agent| agent.pod.to_string())
        .chain(listed.others)
        .collect();
    let pod = names::pod(session, &taken).ok_or_else(|| wrong(format!("no name is left for the pod of session {session:?}")))?;
    let wanted = Wanted { pod: &pod, namespace: &city.namespace, session, image: &image, start: &id, payload: &payload };
    let object = manifest::pod(&wanted).map_err(wrong)?;

    interrupted.check()?;
    if let Err(failure) = city.cluster.make_pod(&object, &format!("factory-worker-{id}"), deadline.min(Instant::now() + ANSWER)) {
        let raced = failure.reason.contains("(Conflict)") || failure.reason.contains("conflict");
        // Perhaps it was made, and only the answer was lost.
        take_back(city, &pod, &id);
        return Err(match raced {
            true => Refused::Exists(format!("session {session:?} already exists (pod: {pod})")),
            false => failure.into(),
        });
    }
    let silent = listed.silent;
    let launch = Launch { city, pod: &pod, session, start: &id, payload: &payload, silent, interrupted: &interrupted, deadline };
    launch.run().map_err(|failure| {
        take_back(city, &pod, &id);
        Refused::from(failure)
    })
}

/// Take away what is left of the session, unless it lives, or may still come to life.
fn make_way(city: &City, session: &str, listed: &Listed, deadline: Instant) -> Result<(), Refused> {
    for agent in listed.agents.iter().filter(|agent| agent.session == session) {
        let exists = |why: &str| Refused::Exists(format!("session {session:?} already exists (pod: {}{why})", agent.pod));
        if agent.runs() && questions::is_there(city, agent, deadline.min(Instant::now() + ANSWER))? {
            return Err(exists(""));
        }
        let ended = agent.ending || matches!(agent.phase.as_str(), "Succeeded" | "Failed");
        let over = ended || agent.progress == Progress::Started;
        if !over && is_young(agent) {
            return Err(exists(", which is being started"));
        }
        if agent.runs() {
            say_last_words(city, agent, deadline);
        }
        city.cluster.give_up_pod(&agent.pod, deadline)?;
        let until = deadline.min(Instant::now() + LAST_BREATH);
        city.cluster.wait_for_pod(&agent.pod, "delete", LAST_BREATH, until)?;
    }
    Ok(())
}

fn is_young(agent: &Agent) -> bool {
    let youth = if agent.progress == Progress::Unknown { YOUTH } else { OUR_YOUTH };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    agent.created.is_none_or(|(created, _)| now - created < youth.as_secs() as i64)
}

/// What a session wrote before it ended, for whoever wonders why.
fn say_last_words(city: &City, agent: &Agent, deadline: Instant) {
    let script = script::Script { text: include_str!("log.sh"), tmux: &[], arguments: &[], stdin: b"" };
    let Ok(parts) = script::run(&Inside::of(city, agent), &script, deadline) else { return };
    if let Some(log) = parts.get("log").filter(|log| !log.body.trim_ascii().is_empty()) {
        terminal::note(&format!("factory-worker: the last of session {:?} in pod {}:", agent.session, agent.pod));
        neutralise::plain(&log.body).lines().for_each(terminal::note);
    }
}

/// Delete the pod of a start that failed, if it is that start's.
fn take_back(city: &City, pod: &ObjectName, id: &str) {
    let deadline = Instant::now() + FAREWELL;
    let path = format!("{{.metadata.annotations.{}}}", START.replace('.', "\\."));
    let made = city.cluster.pod_field(pod, &path, deadline);
    let result = match made {
        Ok(there) if there == id => city.cluster.give_up_pod(pod, deadline),
        Err(failure) if failure.kind != Kind::Missing => Err(failure),
        Ok(_) | Err(_) => Ok(()),
    };
    if let Err(failure) = result {
        terminal::note(&neutralise::line(&format!("factory-worker: pod {pod} may be left: {failure}")));
    }
}

/// Whether somebody wants us to end. What runs just then is ended; what was begun is taken back.
struct Interrupted {
    flag: Arc<AtomicBool>,
    _listening: signals::Listening,
}

impl Interrupted {
    fn listen() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&flag);
        let listening = signals::listen(move |_| {
            told.store(true, Ordering::SeqCst);
            process::kill_all();
        });
        Self { flag, _listening: listening }
    }

    fn check(&self) -> Result<(), Failure> {
        match self.flag.load(Ordering::SeqCst) {
            true => Err(Failure::new(Kind::Failed, "the start was interrupted")),
            false => Ok(()),
        }
    }
}
