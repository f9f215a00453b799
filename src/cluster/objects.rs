//! Objects of a namespace through kubectl: applied, read, patched, deleted; logs and events of pods.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Cluster;
use super::kubectl::{LISTING_CAP, not_ended_well};
use super::pod::listing::PodObject;
use super::pod::state;
use super::refusal;
use crate::failure::{Failure, Kind};
use crate::process::{ANSWER_CAP, End};
use crate::registry::names::ObjectName;
use crate::terminal::neutralise;

/// Who owns the fields that we apply.
pub const MANAGER: &str = "factory-worker";
/// Who owns nothing, and only looks. What [`MANAGER`] no longer applies is taken away.
const ONLOOKER: &str = "factory-worker-onlooker";
const REHEARSAL: [&str; 2] = ["--dry-run=server", "--output=json"];

/// How long a question about what was already said may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Whether a change is made, or the server only says what would become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Made,
    /// `--dry-run=server`
    DryRun,
}

impl Change {
    fn flag(self) -> Option<&'static str> {
        (self == Self::DryRun).then_some("--dry-run=server")
    }
}

/// How much of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    All,
    /// The last lines.
    Last(u32),
    /// The first bytes.
    First(u32),
}

/// Which log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    pub part: Part,
    /// Of the container that ended before the present one.
    pub previous: bool,
    /// Go on until it ends.
    pub follow: bool,
}

impl Cluster {
    /// Server-side apply of these objects. They travel on standard input: values of Secrets are on no command line, in no
    /// file, and in no annotation (which client-side apply would make).
    ///
    /// # Errors
    /// The server refused one, or could not be asked.
    pub fn apply(&self, objects: &[Value], change: Change, deadline: Instant) -> Result<Vec<String>, Failure> {
        Ok(lines(&self.apply_as(MANAGER, objects, change.flag(), deadline)?))
    }

    /// What would become of these objects if they were applied, in their order.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn rehearse(&self, objects: &[Value], deadline: Instant) -> Result<Vec<Value>, Failure> {
        one_or_more(&self.apply_as(MANAGER, objects, REHEARSAL, deadline)?)
    }

    /// Look at an object by the right to change it: what would become of it if somebody who owns nothing of it applied nothing.
    /// One that would only be made has no `resourceVersion`.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn look_at(&self, kind: &str, name: &str, deadline: Instant) -> Result<Option<Value>, Failure> {
        let nothing = json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name } });
        let said = match self.apply_as(ONLOOKER, &[nothing], REHEARSAL, deadline) {
            Err(failure) if refusal::is_of_rehearsals(&failure) => return self.get(&format!("{kind}/{name}"), deadline),
            said => one_or_more(&said?)?.into_iter().next(),
        };
        let version = |object: &Value| object["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        Ok(said.filter(|object| version(object).is_some_and(|version| !matches!(version.as_str(), "" | "0"))))
    }

    fn apply_as(
        &self,
        manager: &str,
        objects: &[Value],
        flags: impl IntoIterator<Item = &'static str>,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        // One after the other: for a List, kubectl would ask the server for its whole old-style schema.
        let stream = objects.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let mut command = self.command()?;
        // Who else has set a field to what we set owns it too, and would have to be asked when it becomes another one.
        command.args(["apply", "--server-side", "--force-conflicts", "--filename=-"]);
        command.arg(format!("--field-manager={manager}")).args(flags);
        self.change(command, stream.as_bytes(), deadline)
    }

    /// Make an object that is not there yet.
    ///
    /// # Errors
    /// There is one of that name; or as [`Self::apply`].
    pub fn create(&self, object: &Value, change: Change, deadline: Instant) -> Result<Vec<String>, Failure> {
        let mut command = self.command()?;
        command.args(["create", "--filename=-"]).arg(format!("--field-manager={MANAGER}")).args(change.flag());
        Ok(lines(&self.change(command, object.to_string().as_bytes(), deadline)?))
    }

    /// A merge patch of one object (`deployment/NAME`).
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn patch(&self, target: &str, patch: &Value, change: Change, deadline: Instant) -> Result<Vec<String>, Failure> {
        let mut command = self.command()?;
        command.args(["patch", target, "--type=merge"]).arg(format!("--patch={patch}")).args(change.flag());
        let said = lines(&self.change(command, b"", deadline)?);
        // Of all that kubectl rehearses it leaves this unsaid with a patch alone (1.32).
        let mark = if change == Change::DryRun { " (server dry run)" } else { "" };
        Ok(said.into_iter().map(|line| format!("{}{mark}", line.trim_end_matches(mark))).collect())
    }

    /// Begin to delete these objects; those that are not there are no error.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn delete(&self, targets: &[String], change: Change, deadline: Instant) -> Result<Vec<String>, Failure> {
        let mut command = self.command()?;
        command.args(["delete", "--ignore-not-found", "--wait=false"]).args(change.flag()).args(targets);
        Ok(lines(&self.change(command, b"", deadline)?))
    }

    /// One object (`deployment/NAME`), when it is there.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn get(&self, target: &str, deadline: Instant) -> Result<Option<Value>, Failure> {
        let said = self.ask(&["get", target, "--ignore-not-found", "--output=json"], ANSWER_CAP, deadline)?.whole()?;
        if said.is_empty() { Ok(None) } else { parsed(&said).map(Some) }
    }

    /// Those of these objects (`deployment/NAME`) that are there, and who has set what about them.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn present(&self, targets: &[String], deadline: Instant) -> Result<Vec<Value>, Failure> {
        let mut question = vec!["get", "--ignore-not-found", "--output=json", "--show-managed-fields"];
        question.extend(targets.iter().map(String::as_str));
        one_or_more(&self.ask(&question, ANSWER_CAP, deadline)?.whole()?)
    }

    /// The objects of these kinds (`deployments,pods`) with these labels.
    ///
    /// # Errors
    /// The cluster did not say, or not of all kinds.
    pub fn select(&self, kinds: &str, selector: &str, deadline: Instant) -> Result<Vec<Value>, Failure> {
        let selector = format!("--selector={selector}");
        items(&self.ask(&["get", kinds, &selector, "--output=json"], LISTING_CAP, deadline)?.whole()?)
    }

    /// The namespace's events, in the server's order.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn events(&self, deadline: Instant) -> Result<Vec<Value>, Failure> {
        items(&self.ask(&["get", "events", "--output=json"], LISTING_CAP, deadline)?.whole()?)
    }

    /// The log of a container so far.
    ///
    /// # Errors
    /// The cluster did not say: e.g. there is no container yet.
    pub fn log(&self, pod: &ObjectName, container: Option<&ObjectName>, log: Log, deadline: Instant) -> Result<Vec<u8>, Failure> {
        let command = self.log_command(pod, container, Log { follow: false, ..log })?;
        self.logged(command, pod, container, deadline)
    }

    /// Whether a container has said anything since so long.
    ///
    /// # Errors
    /// As [`Self::log`].
    pub fn has_said(
        &self,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        since: Duration,
        deadline: Instant,
    ) -> Result<bool, Failure> {
        let last = Log { part: Part::Last(1), previous: false, follow: false };
        let mut command = self.log_command(pod, container, last)?;
        command.arg(format!("--since={}s", since.as_secs().max(1)));
        Ok(!self.logged(command, pod, container, deadline)?.is_empty())
    }

    fn logged(
        &self,
        command: Command,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let done = self.run(command, b"", ANSWER_CAP, deadline)?;
        match done.end {
            End::Exited(0) => Ok(done.stdout),
            _ => Err(self.named(self.no_log(pod, container, not_ended_well(&done)))),
        }
    }

    /// Hand on the log of a container, line by line, as it comes. `patience` bounds the time without a word, unless the log
    /// is followed: then it may be quiet for ever.
    ///
    /// # Errors
    /// As [`Self::log`]; or `take` failed.
    pub fn read_log(
        &self,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        log: Log,
        patience: Duration,
        take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let command = self.log_command(pod, container, log)?;
        let done = self.stream(command, (!log.follow).then_some(patience), Instant::now() + patience, take)?;
        match done.end {
            End::Exited(0) => Ok(()),
            _ => Err(self.named(self.no_log(pod, container, not_ended_well(&done))).into()),
        }
    }

    fn no_log(&self, pod: &ObjectName, container: Option<&ObjectName>, failure: Failure) -> Failure {
        why_no_log(pod, container, failure, || {
            serde_json::from_value(self.get(&format!("pod/{pod}"), Instant::now() + ANSWER).ok()??).ok()
        })
    }

    /// The command that prints the log of a container.
    ///
    /// # Errors
    /// There is no kubectl.
    pub fn log_command(&self, pod: &ObjectName, container: Option<&ObjectName>, log: Log) -> Result<Command, Failure> {
        let mut command = self.command()?;
        command.args(["logs", &format!("pod/{pod}")]);
        if let Some(container) = container {
            command.arg(format!("--container={container}"));
        }
        match log.part {
            Part::All => {}
            Part::Last(lines) => drop(command.arg(format!("--tail={lines}"))),
            Part::First(bytes) => drop(command.arg(format!("--limit-bytes={bytes}"))),
        }
        command.args(log.previous.then_some("--previous")).args(log.follow.then_some("--follow"));
        Ok(command)
    }

    /// Run to the end; what it printed.
    ///
    /// # Errors
    /// kubectl failed.
    pub fn change(&self, command: Command, stdin: &[u8], deadline: Instant) -> Result<Vec<u8>, Failure> {
        let done = self.run(command, stdin, ANSWER_CAP, deadline)?;
        match done.end {
            End::Exited(0) => Ok(done.stdout),
            _ => Err(self.named(refusal::of(&done.stderr, self.namespace.as_ref()).unwrap_or_else(|| not_ended_well(&done)))),
        }
    }
}

/// Why there is no log: another right is wanted for it than for exec. And of a container that waits to start the pod knows more
/// than is said: an init container before it may have failed, so that it never will. `object` is the pod as it is now.
pub(super) fn why_no_log(
    pod: &ObjectName,
    container: Option<&ObjectName>,
    failure: Failure,
    object: impl FnOnce() -> Option<PodObject>,
) -> Failure {
    match failure.kind {
        Kind::Forbidden => failure.with_remedy("ask for a role that may get pods and pods/log in this namespace"),
        Kind::Starting | Kind::Pending => object().and_then(|object| never_begins(pod, &object, container)).unwrap_or(failure),
        _ => failure,
    }
}

fn never_begins(pod: &ObjectName, object: &PodObject, container: Option<&ObjectName>) -> Option<Failure> {
    let why = state::of(object, container).err().filter(|why| why.kind != Kind::Starting)?;
    let Some(init) = state::failed_init(object).and_then(|init| init.name.parse::<ObjectName>().ok()) else {
        return Some(why);
    };
    Some(why.with_remedy(format!("`kubectl logs {pod} --container={init}` shows what it said")))
}

fn lines(said: &[u8]) -> Vec<String> {
    neutralise::plain(said).lines().map(str::to_owned).collect()
}

/// What kubectl prints of any number of objects: nothing, the only one, or a list.
fn one_or_more(said: &[u8]) -> Result<Vec<Value>, Failure> {
    if said.is_empty() {
        return Ok(Vec::new());
    }
    match parsed(said)? {
        list if list["kind"] == "List" => items(said),
        object => Ok(vec![object]),
    }
}

fn items(said: &[u8]) -> Result<Vec<Value>, Failure> {
    match parsed(said)?.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(Failure::new(Kind::Incomplete, "kubectl's answer is no list")),
    }
}

fn parsed(said: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(said).map_err(|error| Failure::new(Kind::Incomplete, format!("kubectl's answer is no JSON: {error}")))
}
