//! What Gas City's agents need of kubectl: pods by their labels, and files streamed into them.
//!
//! Everything that starts an agent is spelled as Gas City's own script spells it (`get pods -l`, `apply -f -`, `wait
//! --for=…`): its manifest tests put a kubectl in front that knows no other spelling.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::kubectl::{LISTING_CAP, understand};
use crate::cluster::{Cluster, Input};
use crate::failure::{Failure, Kind};
use crate::process::{ANSWER_CAP, End, Output};
use crate::registry::names::ObjectName;
use crate::remote::script::Sent;

/// How long an agent that is stopped may take to end, in seconds.
const GRACE: u32 = 5;

/// Where the bytes come from that are streamed into a container.
pub enum Source {
    File(File),
    /// The standard output of a command.
    Command(Command),
}

impl Cluster {
    /// Pods as a JSON list, of those labels and fields.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn pods(&self, selector: &str, fields: Option<&str>, deadline: Instant) -> Result<Vec<u8>, Failure> {
        let mut arguments = vec!["get", "pods", "-l", selector];
        let fields = fields.map(|fields| format!("--field-selector={fields}"));
        arguments.extend(fields.as_deref());
        arguments.extend(["-o", "json"]);
        self.ask(&arguments, LISTING_CAP, deadline)?.whole()
    }

    /// A part of a pod's object, by a JSON path.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn pod_field(&self, pod: &ObjectName, path: &str, deadline: Instant) -> Result<String, Failure> {
        let path = format!("jsonpath={path}");
        let said = self.ask(&["get", "pod", pod.as_str(), "-o", &path], ANSWER_CAP, deadline)?.whole()?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// Make a pod. `manager` is nobody else's name: when somebody has made the pod meanwhile, the two conflict.
    ///
    /// # Errors
    /// The server refused, or did not say.
    pub fn make_pod(&self, pod: &Value, manager: &str, deadline: Instant) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.args(["apply", "-f", "-", "--server-side"]).arg(format!("--field-manager={manager}"));
        self.change(command, pod.to_string().as_bytes(), deadline).map(drop)
    }

    /// Delete pods and wait until they are gone; those that are not there are no error.
    ///
    /// # Errors
    /// The server refused, or they do not go.
    pub fn delete_pods(&self, pods: &[ObjectName], deadline: Instant) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.args(["delete", "pod"]).args(pods.iter().map(ObjectName::as_str));
        command.args(["--ignore-not-found".to_owned(), format!("--grace-period={GRACE}")]);
        self.change(command, b"", deadline).map(drop)
    }

    /// Delete pods of those labels, and wait until they are gone.
    ///
    /// # Errors
    /// As [`Self::delete_pods`].
    pub fn delete_labelled_pods(&self, selector: &str, deadline: Instant) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.args(["delete", "pod", "-l", selector, "--ignore-not-found"]).arg(format!("--grace-period={GRACE}"));
        self.change(command, b"", deadline).map(drop)
    }

    /// Begin to delete a pod.
    ///
    /// # Errors
    /// The server refused, or did not say.
    pub fn give_up_pod(&self, pod: &ObjectName, deadline: Instant) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.args(["delete", "pod", pod.as_str(), "--ignore-not-found", "--wait=false"]);
        command.arg(format!("--grace-period={GRACE}"));
        self.change(command, b"", deadline).map(drop)
    }

    /// Let a pod have an annotation.
    ///
    /// # Errors
    /// The server refused, or did not say.
    pub fn annotate_pod(&self, pod: &ObjectName, name: &str, value: &str, deadline: Instant) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.args(["annotate", "pod", pod.as_str(), "--overwrite"]).arg(format!("{name}={value}"));
        self.change(command, b"", deadline).map(drop)
    }

    /// Wait until a condition of a pod is true (`delete`, `condition=Ready`).
    ///
    /// # Errors
    /// It does not become true in this time, or the server did not say.
    pub fn wait_for_pod(&self, pod: &ObjectName, condition: &str, time: Duration, deadline: Instant) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.args(["wait".to_owned(), format!("--for={condition}"), format!("pod/{pod}")]);
        command.arg(format!("--timeout={}s", time.as_secs().max(1)));
        self.change(command, b"", deadline).map(drop)
    }

    /// Run a command in a container that reads `head`, and then what `source` gives.
    ///
    /// # Errors
    /// As [`Self::exec`]; or the source failed.
    pub fn exec_from(
        &self,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        Sent { argv, stdin: head }: Sent,
        source: Source,
        deadline: Instant,
    ) -> Result<Output, Failure> {
        let command = self.exec_command(pod, container, &argv, Some("-i"))?;
        let input = match source {
            Source::File(file) => Input::File(head, file),
            Source::Command(source) => Input::Command(head, source),
        };
        let (source, sink) = self.run_reading(command, input, ANSWER_CAP, deadline)?;
        match source {
            End::Exited(0) => understand(sink).map_err(|failure| self.named(failure)),
            // The reader's own trouble says more than that nobody took what was written.
            end => match understand(sink).map_err(|failure| self.named(failure))? {
                output if output.status != 0 => Ok(output),
                _ => Err(Failure::new(Kind::Failed, format!("what was to be copied could not be read ({end})"))),
            },
        }
    }
}
