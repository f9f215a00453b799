//! How far a worker has come on its way to "Worker ready", and waiting for it.

mod remedies;

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::names::Names;
use super::render::CONTAINER;
use crate::cluster::Cluster;
use crate::cluster::objects::{Log, Part};
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::terminal::neutralise;

/// What the entrypoint says when the sessions are there.
const READY: &str = "Worker ready";
/// How lines of the entrypoint read that tell what a ready worker lacks.
const REMARKS: [&str; 4] = [" is not ", " has no ", "There is no ", "WARNING: "];
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How much of a log is looked through for [`READY`], in bytes from its beginning: it is among the first things said.
const BEGINNING: u32 = 32 << 10;

/// The way of a new pod, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Applied,
    Scheduled,
    Pulling,
    Starting,
    TmuxUp,
    Ready,
}

impl Stage {
    pub fn words(self) -> &'static str {
        match self {
            Self::Applied => "applied, waiting for a pod",
            Self::Scheduled => "scheduled",
            Self::Pulling => "pulling the image",
            Self::Starting => "starting",
            Self::TmuxUp => "tmux up",
            Self::Ready => READY,
        }
    }
}

/// What one look at the cluster showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub stage: Stage,
    /// What it waits for, in the cluster's words; may be empty.
    pub detail: String,
    pub pod: Option<String>,
    /// It does not go on by itself: what has been put right meanwhile shows in a new pod only, or much later.
    pub stuck: bool,
}

/// A worker whose sessions are there.
pub struct Ready {
    pub pod: Option<String>,
    /// What it says about what it lacks, e.g. a token that is refused.
    pub remarks: Vec<String>,
}

/// What is changed in a template for a new pod, as `kubectl rollout restart` does.
pub fn renewal() -> Value {
    let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    json!({ "spec": { "template": { "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": now } } } } })
}

impl Look {
    /// For a person, on one line.
    pub fn sentence(&self) -> String {
        match self.detail.as_str() {
            "" => self.stage.words().to_owned(),
            detail => format!("{}: {detail}", self.stage.words()),
        }
    }
}

/// Of a command that does nothing anew to what it has done already.
const GO_ON: &str = "the same command goes on waiting, --wait TIME waits longer";

/// What to wait for.
pub struct Rollout<'a> {
    pub cluster: &'a Cluster,
    /// `deployment/NAME` or `statefulset/NAME`.
    pub owner: String,
    /// The selector of its pods.
    pub selector: String,
    pub container: ObjectName,
    /// Its log says [`READY`]; what another image says is not known, and its probes have to do.
    pub says_ready: bool,
    /// The uids of pods that are not to be taken for new ones.
    pub old: Vec<String>,
    /// How long the worker may take to be ready.
    pub patience: Duration,
    /// How long one answer of the cluster may take.
    pub timeout: Duration,
    /// What to do when it is not ready in time, and may be so later.
    pub later: &'static str,
}

impl<'a> Rollout<'a> {
    /// The rollout of a worker that we have applied.
    pub fn of(cluster: &'a Cluster, names: &Names, patience: Duration, timeout: Duration) -> Result<Self, Failure> {
        let container = CONTAINER.parse().map_err(|error| Failure::new(Kind::Failed, format!("{error}")))?;
        let owner = format!("deployment/{}", names.deployment);
        let (selector, old) = (names.selector(), Vec::new());
        Ok(Self { cluster, owner, selector, container, says_ready: true, old, patience, timeout, later: GO_ON })
    }

    /// Wait until the sessions are there; each look is told.
    ///
    /// # Errors
    /// It is not ready in time, or will not be by itself. The look says what there was last.
    pub fn wait(&self, mut tell: impl FnMut(&Look)) -> Result<Ready, (Failure, Look)> {
        let end = Instant::now() + self.patience;
        let mut last = Look { stage: Stage::Applied, detail: String::new(), pod: None, stuck: false };
        loop {
            match self.look() {
                Ok((look, remarks)) => {
                    tell(&look);
                    if look.stage == Stage::Ready {
                        return Ok(Ready { pod: look.pod, remarks });
                    }
                    last = look;
                }
                Err((failure, look)) if ends_it(&failure) => return Err((failure, look.unwrap_or(last))),
                // A cluster that does not answer for a moment may do so in the next one.
                Err((failure, _)) => {
                    last.detail = failure.reason;
                    tell(&last);
                }
            }
            if Instant::now() + LOOK_EVERY >= end {
                return Err((self.too_late(&last), last));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn too_late(&self, last: &Look) -> Failure {
        let detail = if last.detail.is_empty() { String::new() } else { format!(": {}", last.detail) };
        let patience = humantime::format_duration(self.patience);
        let failure = Failure::new(Kind::Failed, format!("not ready within {patience}; {}{detail}", last.stage.words()));
        self.cluster.named(failure.with_remedy(remedies::while_waiting(&last.detail, self.later)))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// One look, and what the worker remarks when it is ready.
    fn look(&self) -> Result<(Look, Vec<String>), (Failure, Option<Look>)> {
        let nothing = |failure| (failure, None);
        let owner = self.cluster.get(&self.owner, self.deadline()).map_err(nothing)?;
        let owner = owner.ok_or_else(|| (Failure::new(Kind::Missing, format!("there is no {}", self.owner)), None))?;
        let pods = self.cluster.select("pods", &self.selector, self.deadline()).map_err(nothing)?;
        let Some(pod) = current(&owner, &pods, &self.old) else {
            let look = Look { stage: Stage::Applied, detail: String::new(), pod: None, stuck: false };
            return match remedies::cannot_create(&owner) {
                Some(failure) => Err((self.cluster.named(failure), Some(look))),
                None => Ok((look, Vec::new())),
            };
        };
        let mut look = stage_of(pod, self.container.as_str()).map_err(|(failure, look)| (failure, Some(look)))?;
        match look.stage {
            Stage::Scheduled => self.look_at_events(&mut look),
            Stage::TmuxUp => {
                if let Some(remarks) = self.ready(pod) {
                    look.stage = Stage::Ready;
                    return Ok((look, remarks));
                }
            }
            _ => {}
        }
        Ok((look, Vec::new()))
    }

    /// Pulling, and what keeps a pod from starting, is told by events only. Who may not see them sees less.
    fn look_at_events(&self, look: &mut Look) {
        let events = self.cluster.events(self.deadline()).unwrap_or_default();
        for event in events.iter().filter(|event| event["involvedObject"]["name"].as_str() == look.pod.as_deref()) {
            match event["reason"].as_str() {
                Some("Pulling") => look.stage = Stage::Pulling,
                Some("Pulled") => look.stage = Stage::Scheduled,
                _ if event["type"] == "Warning" => look.detail = text(&event["message"]),
                _ => {}
            }
        }
    }

    /// What a pod remarks that is ready; `None` when it is not.
    fn ready(&self, pod: &Value) -> Option<Vec<String>> {
        if !self.says_ready {
            return has_condition(pod, "Ready").then(Vec::new);
        }
        let name = text(&pod["metadata"]["name"]).parse().ok()?;
        let log = Log { part: Part::First(BEGINNING), previous: false, follow: false };
        let said = self.cluster.log(&name, Some(&self.container), log, self.deadline()).unwrap_or_default();
        remarks(&said).or_else(|| {
            // Of a worker that has run for long, the node may have thrown the beginning away.
            (said.len() >= BEGINNING as usize && has_condition(pod, "Ready")).then(Vec::new)
        })
    }
}

/// What the entrypoint remarked before it said that the worker is ready; `None` when it did not say so.
fn remarks(log: &[u8]) -> Option<Vec<String>> {
    let said = String::from_utf8_lossy(log);
    let lines: Vec<_> = said.lines().collect();
    let ready = lines.iter().position(|line| line.starts_with(READY))?;
    let remarks = lines[..ready].iter().filter(|line| REMARKS.iter().any(|words| line.contains(words)));
    Some(remarks.map(|line| neutralise::line(line)).collect())
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == kind && one["status"] == "True")
}

/// Whether waiting is of no use.
fn ends_it(failure: &Failure) -> bool {
    !matches!(failure.kind, Kind::Unreachable | Kind::Incomplete)
}

fn text(value: &Value) -> String {
    neutralise::line(value.as_str().unwrap_or_default())
}

/// The names of these pods.
pub fn names<'a>(pods: &'a [Value]) -> impl Iterator<Item = String> + 'a {
    pods.iter().map(|pod| text(&pod["metadata"]["name"]))
}

/// The names of those of them that are ready.
pub fn ready_ones(pods: &[Value]) -> Vec<String> {
    names(pods).zip(pods).filter(|(_, pod)| has_condition(pod, "Ready")).map(|(name, _)| name).collect()
}

/// The uids of the pods there are.
pub fn uids(pods: &[Value]) -> Vec<String> {
    pods.iter().filter_map(|pod| Some(pod["metadata"]["uid"].as_str()?.to_owned())).collect()
}

/// The newest pod that is made from the owner's present template.
fn current<'a>(owner: &Value, pods: &'a [Value], old: &[String]) -> Option<&'a Value> {
    let status = &owner["status"];
    let observed = status["observedGeneration"].as_u64() >= owner["metadata"]["generation"].as_u64();
    if !observed || status["updatedReplicas"].as_u64().unwrap_or(0) == 0 {
        return None;
    }
    let stays = |pod: &&Value| pod["metadata"].get("deletionTimestamp").is_none();
    let is_new = |pod: &&Value| pod["metadata"]["uid"].as_str().is_some_and(|uid| !old.iter().any(|known| known == uid));
    pods.iter().filter(stays).filter(is_new).max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str())
}

/// How far a pod has come, from its status alone.
fn stage_of(pod: &Value, container: &str) -> Result<Look, (Failure, Look)> {
    let name = text(&pod["metadata"]["name"]);
    let at = |stage, detail: String| Look { stage, detail, pod: Some(name.clone()), stuck: false };
    let status = &pod["status"];
    let list = |field: &str| status[field].as_array().cloned().unwrap_or_default();
    if let Some(unscheduled) = list("conditions").iter().find(|one| one["type"] == "PodScheduled" && one["status"] == "False") {
        return Ok(at(Stage::Applied, format!("on no node: {}", text(&unscheduled["message"]))));
    }
    let statuses = list("containerStatuses");
    let Some(found) = statuses.iter().find(|status| status["name"] == container) else {
        let scheduled = pod["spec"].get("nodeName").is_some();
        return Ok(at(if scheduled { Stage::Scheduled } else { Stage::Applied }, String::new()));
    };
    let state = &found["state"];
    if state.get("running").is_some() {
        return Ok(at(if found["started"] == true { Stage::TmuxUp } else { Stage::Starting }, String::new()));
    }
    if let Some(ended) = state.get("terminated") {
        return Ok(at(Stage::Starting, format!("it ended with status {}", ended["exitCode"])));
    }
    let (reason, message) = (text(&state["waiting"]["reason"]), text(&state["waiting"]["message"]));
    match remedies::hopeless(&reason, &message) {
        Some(failure) => Err((failure, Look { stuck: true, ..at(Stage::Scheduled, reason) })),
        None if reason == "ErrImagePull" => Ok(at(Stage::Pulling, message)),
        None => Ok(at(Stage::Scheduled, message)),
    }
}

#[cfg(test)]
mod tests;
