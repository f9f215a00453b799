//! Objects of a namespace through kubectl: applied, read, patched, deleted; logs and events of pods.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Cluster;
use super::kubectl::{LISTING_CAP, not_ended_well};
use crate::failure::{Failure, Kind};
use crate::process::{ANSWER_CAP, End, Finished};
use crate::registry::names::ObjectName;
use crate::terminal::neutralise;

/// Who owns the fields that we apply.
const MANAGER: &str = "factory-worker";

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
        // One after the other: for a List, kubectl would ask the server for its whole old-style schema.
        let stream = objects.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let mut command = self.command()?;
        // What somebody else changed about a worker is set again: the same command has the same result.
        command.args(["apply", "--server-side", "--force-conflicts", "--filename=-"]);
        command.arg(format!("--field-manager={MANAGER}")).args(change.flag());
        Ok(lines(&self.administer(command, stream.as_bytes(), deadline)?))
    }

    /// Make an object that is not there yet.
    ///
    /// # Errors
    /// There is one of that name; or as [`Self::apply`].
    pub fn create(&self, object: &Value, deadline: Instant) -> Result<Vec<String>, Failure> {
        let mut command = self.command()?;
        command.args(["create", "--filename=-"]).arg(format!("--field-manager={MANAGER}"));
        Ok(lines(&self.change(command, object.to_string().as_bytes(), deadline)?))
    }

    /// A merge patch of one object (`deployment/NAME`).
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn patch(&self, target: &str, patch: &Value, change: Change, deadline: Instant) -> Result<Vec<String>, Failure> {
        let mut command = self.command()?;
        command.args(["patch", target, "--type=merge"]).arg(format!("--patch={patch}")).args(change.flag());
        let said = lines(&self.administer(command, b"", deadline)?);
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
        Ok(lines(&self.administer(command, b"", deadline)?))
    }

    /// One object (`deployment/NAME`), when it is there.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn get(&self, target: &str, deadline: Instant) -> Result<Option<Value>, Failure> {
        let said = self.ask(&["get", target, "--ignore-not-found", "--output=json"], ANSWER_CAP, deadline)?.whole()?;
        if said.is_empty() { Ok(None) } else { json(&said).map(Some) }
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
        self.change(command, b"", deadline)
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
            _ => Err(not_ended_well(&done).into()),
        }
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
            _ => Err(refused(&done).unwrap_or_else(|| not_ended_well(&done))),
        }
    }

    /// The same for what takes more than an operator's rights.
    fn administer(&self, command: Command, stdin: &[u8], deadline: Instant) -> Result<Vec<u8>, Failure> {
        self.change(command, stdin, deadline).map_err(|failure| match failure.kind {
            Kind::Forbidden => {
                failure.with_remedy("ask for the role factory-worker-admin of deploy/k8s/access, in this namespace")
            }
            _ => failure,
        })
    }
}

/// What the API server has against an object; `None` when it is something else that went wrong.
fn refused(done: &Finished) -> Option<Failure> {
    let said = neutralise::plain(&done.stderr);
    let words =
        [" is invalid: ", "(Invalid)", "(BadRequest)", "(Conflict)", "(AlreadyExists)", "violates PodSecurity", "exceeded quota"];
    let line = said.lines().find(|line| words.iter().any(|words| line.contains(words)))?;
    let what = line.trim_start_matches("Error from server ").trim_start_matches("error: ");
    let failure = Failure::new(Kind::Failed, format!("the cluster refused it: {what}"));
    Some(match line.contains("exceeded quota") {
        true => failure.with_remedy("`kubectl describe quota` shows what is used: give less, remove a worker, or have it raised"),
        false => failure,
    })
}

fn lines(said: &[u8]) -> Vec<String> {
    neutralise::plain(said).lines().map(str::to_owned).collect()
}

fn items(said: &[u8]) -> Result<Vec<Value>, Failure> {
    match json(said)?.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(Failure::new(Kind::Incomplete, "kubectl's answer is no list")),
    }
}

fn json(said: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(said).map_err(|error| Failure::new(Kind::Incomplete, format!("kubectl's answer is no JSON: {error}")))
}
