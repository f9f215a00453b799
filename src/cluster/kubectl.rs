//! Everything this program knows about kubectl's command line: where kubectl is, its flags, and how it ends.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::kubectl_error;
use crate::failure::{Failure, Kind};
use crate::process::{ANSWER_CAP, End, Finished, Output, Request};
use crate::registry::names::ObjectName;
use crate::registry::worker::{Place, PodPlace, Worker};
use crate::terminal::neutralise;

/// Names kubectl for windows and popups, whose PATH is the tmux server's and not the operator's.
pub const KUBECTL: &str = "FACTORY_KUBECTL";

/// The largest listing of a namespace taken from kubectl, in bytes.
pub const LISTING_CAP: usize = 64 << 20;

/// Where kubectl is: `$FACTORY_KUBECTL`, else the first on `PATH`; absolute.
///
/// # Errors
/// There is none, or `$FACTORY_KUBECTL` is not an absolute path.
pub fn program() -> Result<PathBuf, Failure> {
    match env::var_os(KUBECTL).filter(|value| !value.is_empty()).map(PathBuf::from) {
        Some(path) if path.is_absolute() => Ok(path),
        Some(path) => {
            Err(Failure::new(Kind::Unreachable, format!("${KUBECTL} is {}, which is no absolute path", path.display()))
                .before_start()
                .lasting()
                .with_remedy(format!("set {KUBECTL} to kubectl's absolute path, or unset it")))
        }
        None => which::which("kubectl").map_err(|_| missing("kubectl is not on PATH")),
    }
}

/// A kubectl that is not there, or cannot be run.
pub fn missing(what: impl Into<String>) -> Failure {
    Failure::new(Kind::Unreachable, what)
        .before_start()
        .lasting()
        .with_remedy(format!("install kubectl (https://kubernetes.io/docs/tasks/tools), or set {KUBECTL} to its absolute path"))
}

/// A namespace of a cluster, as kubectl is told about it. What is `None` is left to kubectl's own rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cluster {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    pub namespace: Option<ObjectName>,
}

/// What kubectl itself printed, and whether all went well for it.
#[derive(Debug)]
pub struct Said {
    pub stdout: Vec<u8>,
    /// Why kubectl exited non-zero; its standard output may still hold a part of what was asked for.
    pub failure: Option<Failure>,
    pub stderr: String,
}

impl Cluster {
    pub fn of(place: &PodPlace) -> Self {
        Self { kubeconfig: place.kubeconfig.clone(), context: place.context.clone(), namespace: place.namespace.clone() }
    }

    /// The cluster of a worker that is a pod.
    pub fn of_worker(worker: &Worker) -> Option<Self> {
        match &worker.place {
            Place::Pod(place) => Some(Self::of(place)),
            Place::Local(_) => None,
        }
    }

    /// Run a command in a container to its end.
    ///
    /// # Errors
    /// As [`crate::remote::exec::Exec::run`].
    pub fn exec(&self, pod: &ObjectName, container: Option<&ObjectName>, request: Request<'_>) -> Result<Output, Failure> {
        let stdin = if request.stdin.is_empty() { None } else { Some("-i") };
        let command = self.exec_command(pod, container, request.argv, stdin)?;
        understand(self.run(command, request.stdin, ANSWER_CAP, request.deadline)?).map_err(|failure| self.named(failure))
    }

    /// The command that runs `argv` in a container on the caller's terminal.
    pub fn interactive(&self, pod: &ObjectName, container: Option<&ObjectName>, argv: &[String]) -> Result<Command, Failure> {
        self.exec_command(pod, container, argv, Some("-it"))
    }

    /// All objects of these kinds (`deployments,pods`) as one JSON list. A kind that is refused is left out of it, and
    /// kubectl then exits non-zero.
    ///
    /// # Errors
    /// kubectl said nothing that could be used.
    pub fn list(&self, kinds: &str, deadline: Instant) -> Result<Said, Failure> {
        self.ask(&["get", kinds, "--output=json"], LISTING_CAP, deadline)
    }

    /// The same, with these labels.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn list_labelled(&self, kinds: &str, selector: &str, deadline: Instant) -> Result<Said, Failure> {
        self.ask(&["get", kinds, &format!("--selector={selector}"), "--output=json"], LISTING_CAP, deadline)
    }

    /// Whether the operator may `verb` `resource` here, by the cluster's own word. A resource may have a subresource:
    /// `pods/exec`.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn can_i(&self, verb: &str, resource: &str, deadline: Instant) -> Result<bool, Failure> {
        // `kubectl auth can-i create pods/exec` would ask about a pod that is called exec.
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(format!("--subresource={subresource}"))),
            None => (resource, None),
        };
        let mut question = vec!["auth", "can-i", verb, resource];
        question.extend(subresource.as_deref());
        let said = self.ask(&question, ANSWER_CAP, deadline)?;
        match (String::from_utf8_lossy(&said.stdout).trim(), said.failure) {
            ("yes", _) => Ok(true),
            // "no", or "no - REASON"; kubectl exits 1 then.
            (no, _) if no == "no" || no.starts_with("no ") => Ok(false),
            (_, Some(failure)) => Err(failure),
            (other, None) => Err(Failure::new(Kind::Incomplete, format!("kubectl said {:?}", neutralise::line(other)))),
        }
    }

    /// The part of the kubeconfig that is used, as JSON, with secrets left out by kubectl.
    ///
    /// # Errors
    /// There is no kubeconfig, or no such context in it.
    pub fn config(&self, deadline: Instant) -> Result<Vec<u8>, Failure> {
        let mut command = self.command()?;
        command.args(["config", "view", "--minify", "--output=json"]);
        said(self.run_locally(command, deadline)?).and_then(Said::whole).map_err(|failure| self.named(failure))
    }

    /// The version of the API server, e.g. `v1.32.13`.
    ///
    /// # Errors
    /// It did not say.
    pub fn server_version(&self, deadline: Instant) -> Result<String, Failure> {
        let said = self.ask(&["get", "--raw=/version"], ANSWER_CAP, deadline)?.whole()?;
        let version: serde_json::Value = serde_json::from_slice(&said).unwrap_or_default();
        Ok(neutralise::line(version["gitVersion"].as_str().unwrap_or_default()))
    }

    /// Ask kubectl one thing.
    ///
    /// # Errors
    /// It said nothing that could be used.
    pub fn ask(&self, arguments: &[&str], cap: usize, deadline: Instant) -> Result<Said, Failure> {
        let mut command = self.command()?;
        command.args(arguments);
        let mut said = said(self.run(command, b"", cap, deadline)?).map_err(|failure| self.named(failure))?;
        said.failure = said.failure.map(|failure| self.named(failure));
        Ok(said)
    }

    /// kubectl with the flags that select this namespace, each one word, so that no value can be taken for a flag.
    pub fn command(&self) -> Result<Command, Failure> {
        let mut command = Command::new(program()?);
        if let Some(kubeconfig) = &self.kubeconfig {
            let mut flag = std::ffi::OsString::from("--kubeconfig=");
            flag.push(kubeconfig);
            command.arg(flag);
        }
        if let Some(context) = &self.context {
            command.arg(format!("--context={context}"));
        }
        if let Some(namespace) = &self.namespace {
            command.arg(format!("--namespace={namespace}"));
        }
        Ok(command)
    }

    /// `kubectl exec` of this command, with `-i` or `-it`.
    pub fn exec_command(
        &self,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        argv: &[String],
        stdin: Option<&str>,
    ) -> Result<Command, Failure> {
        let mut command = self.command()?;
        // --quiet: no "Defaulted container …" among what the command says.
        command.args(["exec", &format!("pod/{}", pod), "--quiet"]);
        if let Some(container) = container {
            command.arg(format!("--container={container}"));
        }
        command.args(stdin).arg("--").args(argv);
        Ok(command)
    }
}

fn said(done: Finished) -> Result<Said, Failure> {
    let failure = match done.end {
        End::Exited(0) => None,
        _ => Some(not_ended_well(&done)),
    };
    match failure {
        Some(failure) if done.stdout.is_empty() || !matches!(done.end, End::Exited(_)) => Err(failure),
        failure => Ok(Said { stdout: done.stdout, failure, stderr: neutralise::plain(&done.stderr) }),
    }
}

impl Said {
    /// The standard output of a kubectl to which nothing went wrong.
    pub fn whole(self) -> Result<Vec<u8>, Failure> {
        match self.failure {
            None => Ok(self.stdout),
            Some(failure) => Err(failure),
        }
    }
}

/// kubectl's own version, e.g. `v1.32.4`.
///
/// # Errors
/// There is no kubectl, or it does not say.
pub fn version(deadline: Instant) -> Result<String, Failure> {
    let mut command = Command::new(program()?);
    command.args(["version", "--client", "--output=json"]);
    let current = Cluster { kubeconfig: None, context: None, namespace: None };
    let done = current.run_locally(command, deadline)?;
    if done.end != End::Exited(0) {
        return Err(not_ended_well(&done));
    }
    serde_json::from_slice::<serde_json::Value>(&done.stdout)
        .ok()
        .and_then(|said| said.pointer("/clientVersion/gitVersion")?.as_str().map(neutralise::line))
        .ok_or_else(|| Failure::new(Kind::Failed, "kubectl version says nothing that makes sense"))
}

/// A kubectl that answers one question is over before its garbage collector has done any good, and that is a fifth of its
/// processor time (`GOGC=off perf stat kubectl config view`). It collects again should it become large, and does as the
/// operator says who has said something. A view's kubectl lives for days and keeps its collector.
const WITHOUT_COLLECTOR: [(&str, &str); 2] = [("GOGC", "off"), ("GOMEMLIMIT", "256MiB")];

/// Let it do without, unless the operator has said something.
pub fn switch_collector_off(command: &mut Command, is_set: impl Fn(&str) -> bool) {
    if !WITHOUT_COLLECTOR.iter().any(|(name, _)| is_set(name)) {
        command.envs(WITHOUT_COLLECTOR);
    }
}

/// How the command in the container ended, when that is known.
///
/// kubectl exits with the command's own status and says so in its last line; with any other status it is kubectl that
/// failed. Exit 0 proves nothing (kubernetes#73056): callers look for a mark of their own.
pub fn understand(mut done: Finished) -> Result<Output, Failure> {
    let End::Exited(status) = done.end else {
        return Err(not_ended_well(&done));
    };
    let said = format!("command terminated with exit code {status}\n");
    if status == 0 {
        return Ok(Output { status, stdout: done.stdout, stderr: done.stderr });
    }
    if !done.stderr.ends_with(said.as_bytes()) {
        return Err(not_ended_well(&done));
    }
    done.stderr.truncate(done.stderr.len() - said.len());
    ran(Output { status, stdout: done.stdout, stderr: done.stderr })
}

/// What a command said that has ended so, if it did run: some container runtimes report a program that is not there as an exit
/// status.
pub fn ran(output: Output) -> Result<Output, Failure> {
    match kubectl_error::not_started(&neutralise::plain(&output.stderr)) {
        Some(failure) if output.stdout.is_empty() && matches!(output.status, 126 | 127 | 255) => Err(failure),
        _ => Ok(output),
    }
}

/// Why a kubectl failed.
pub fn not_ended_well(done: &Finished) -> Failure {
    match done.end {
        End::Exited(_) => kubectl_error::classify(&done.stderr, &done.stdout),
        End::Signalled(signal) => Failure::new(Kind::Incomplete, format!("kubectl was killed by signal {signal}")),
        End::TooLarge => Failure::too_large(done.stdout.len()),
        End::Deadline => {
            let last = kubectl_error::last_words(&done.stderr);
            let said = last.map(|last| format!(" (kubectl: {last})")).unwrap_or_default();
            Failure::no_answer(&said)
        }
    }
}

#[cfg(test)]
mod tests;
