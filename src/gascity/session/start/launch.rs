//! What happens between a pod that is made and an agent that can be used.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use super::Interrupted;
use crate::failure::{Failure, Kind};
use crate::gascity::session::agent::{Agent, Inside, NO_IMAGE, STARTED};
use crate::gascity::session::copy::{Into, in_workspace, says_nothing};
use crate::gascity::session::manifest::{self, CITY_STAGE, STAGE};
use crate::gascity::session::payload::{Payload, WORKSPACE};
use crate::gascity::session::questions;
use crate::gascity::session::{City, SESSION, links, remote, session};
use crate::gascity::variables::variable;
use crate::process::Request;
use crate::registry::names::ObjectName;
use crate::remote::local::tar;
use crate::remote::nudge::{self, Delivery};
use crate::remote::script::{self, Parts, Script};
use crate::terminal::{self, neutralise};

const STAGED: &str = include_str!("../staged.sh");
const CITY: &str = include_str!("../city.sh");
const READY: &str = include_str!("../ready.sh");

/// Where the controller's city is in the pod until the pod has its own.
const CITY_SOURCE: &str = "/tmp/city-src";
/// How often a pod is looked at that is not so far yet.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a command of `session_setup` may take.
const SETUP: Duration = Duration::from_secs(10);
/// How long the agent may take to wait for its first message.
const FIRST_PROMPT: Duration = Duration::from_secs(20);
/// The longest delay before the first message that is taken seriously.
const LONGEST_DELAY: Duration = Duration::from_secs(20);
/// How long a question about a pod may take that is asked again.
const ANSWER: Duration = Duration::from_secs(15);
/// How long the session may take to be there, and for how much of it an exec waits in the pod before the next one does.
const SESSION_COMES: Duration = Duration::from_secs(60);
const AT_A_TIME: Duration = Duration::from_secs(10);
/// How long it is waited for a pod to be ready before it is looked why it is not: longer each time, since most that are not ready
/// at once need some time and nothing else.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const LAST_LOOK: Duration = Duration::from_secs(5);
/// What registries and container runtimes say of an image that is not there, or not for us, or has no name that is one.
const DENIED: [&str; 7] = [
    "not found",
    "manifest unknown",
    "denied",
    "unauthorized",
    "Unauthorized",
    "no match for platform",
    "invalid reference format",
];
/// Kept of the time for what comes after the session is there.
const RESERVE: Duration = Duration::from_secs(5);

/// A pod that was just made.
pub struct Launch<'a> {
    pub city: &'a City,
    pub pod: &'a ObjectName,
    pub session: &'a str,
    /// What tells this start from every other.
    pub start: &'a str,
    pub payload: &'a Payload,
    /// The kubectl says nothing on behalf of any pod.
    pub silent: bool,
    pub interrupted: &'a Interrupted,
    pub deadline: Instant,
}

impl Launch<'_> {
    /// Bring the pod to where its agent can be used.
    ///
    /// # Errors
    /// It does not come so far.
    pub fn run(&self) -> Result<(), Failure> {
        if manifest::needs_staging(self.payload) {
            self.wait_for_stage()?;
            self.stage()?;
        }
        self.wait_for_agent()?;
        self.make_city()?;
        self.begin()?;
        self.sign()?;
        self.set_up()?;
        self.tell_first()?;
        self.interrupted.check()
    }

    fn wait_for_stage(&self) -> Result<(), Failure> {
        // One question for all that is wanted; the first part is what the script asks.
        let path = "{.status.initContainerStatuses[0].state.running}|{.status.initContainerStatuses[0].state.waiting.reason}|{.status.initContainerStatuses[0].state.waiting.message}";
        loop {
            self.interrupted.check()?;
            let said = self.city.cluster.pod_field(self.pod, path, self.deadline.min(Instant::now() + ANSWER))?;
            let mut said = said.splitn(3, '|').map(neutralise::line);
            match (said.next().as_deref(), said.next()) {
                (Some(""), Some(reason)) => {
                    let message = said.next().unwrap_or_default();
                    self.check_image(&reason, &message)?;
                    self.pause(&format!("its init container does not run ({})", format!("{reason} {message}").trim()))?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Fail as soon as the kubelet has said that the image is not to be had. That a registry did not answer once is no such word:
    /// it tries again by itself, and says so when that has failed, too.
    fn check_image(&self, reason: &str, message: &str) -> Result<(), Failure> {
        if !is_not_to_be_had(reason, message) {
            return Ok(());
        }
        let image = variable("GC_K8S_IMAGE").unwrap_or_default();
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        Err(self.failed(&format!("the cluster cannot get its image {}: {reason}{message}", neutralise::line(&image))))
    }

    /// Put everything where the agent expects it, and let its container begin. What cannot be copied is only said.
    fn stage(&self) -> Result<(), Failure> {
        let stage = STAGE.parse().ok();
        let into = Into { city: self.city, pod: self.pod, container: stage.as_ref(), silent: self.silent };
        let payload = self.payload;
        let mut copies: Vec<(PathBuf, String)> = Vec::new();
        if manifest::has_own_directory(payload) {
            copies.push((payload.work_dir.clone().into(), payload.directory()));
        }
        let overlays = payload.pack_overlay_dirs.iter().chain([&payload.overlay_dir]).filter(|path| manifest::is_directory(path));
        copies.extend(overlays.map(|path| (path.into(), WORKSPACE.to_owned())));
        copies.extend(payload.copy_files.iter().map(|file| (file.src.clone().into(), in_workspace(&file.rel_dst))));
        for (from, to) in copies {
            self.interrupted.check()?;
            warn_of(&format!("{} was not copied", from.display()), into.copy(&from, &to, self.deadline))?;
        }
        let city = if manifest::has_city_volume(payload) { CITY_STAGE } else { "" };
        let parts = self.ask(STAGE, STAGED, &[WORKSPACE, city])?;
        match parts {
            Some(parts) if parts.get("ok").is_none() => Err(questions::said(&parts, "the files could not be staged")),
            _ => Ok(()),
        }
    }

    fn wait_for_agent(&self) -> Result<(), Failure> {
        let mut slice = FIRST_LOOK;
        loop {
            self.interrupted.check()?;
            let left = self.deadline.saturating_duration_since(Instant::now());
            slice = (slice + FIRST_LOOK).min(LAST_LOOK).min(left);
            let waited = self.city.cluster.wait_for_pod(self.pod, "condition=Ready", slice, Instant::now() + slice + RESERVE);
            if waited.is_ok() {
                return Ok(());
            }
            self.interrupted.check()?;
            let path = "{.status.phase}|{.status.containerStatuses[0].state.waiting.reason}|{.status.conditions[?(@.type=='PodScheduled')].message}|{.status.containerStatuses[0].state.waiting.message}";
            let said = self.city.cluster.pod_field(self.pod, path, Instant::now() + RESERVE)?;
            let said: Vec<_> = said.splitn(4, '|').map(neutralise::line).collect();
            let word = |place: usize| said.get(place).map_or("", String::as_str);
            match word(0) {
                "Running" => return Ok(()),
                "Succeeded" | "Failed" => return Err(self.failed("its container has ended")),
                _ => {
                    self.check_image(word(1), word(3))?;
                    let words: Vec<_> = said.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
                    self.pause(&format!("it is not ready ({})", words.join(" ")))?;
                }
            }
        }
    }

    /// Make the controller's city one of the pod's own. Without one, and when it fails, the agent begins all the same.
    fn make_city(&self) -> Result<(), Failure> {
        let city = self.payload.city();
        if !manifest::is_directory(city) {
            return Ok(());
        }
        self.interrupted.check()?;
        let container = Inside::container();
        let into = Into { city: self.city, pod: self.pod, container: container.as_ref(), silent: self.silent };
        warn_of("the city was not made in the pod", self.copy_city(Path::new(city), &into))
    }

    fn copy_city(&self, city: &Path, into: &Into<'_>) -> Result<(), Failure> {
        let links = links::leaving(city);
        let left_out = |link: &PathBuf| format!("--exclude=./{}", link.display());
        let options: Vec<_> = ["--exclude=./.gc".to_owned()].into_iter().chain(links.iter().map(left_out)).collect();
        into.unpack(tar(city, &options), CITY_SOURCE, self.deadline)?;
        for link in links {
            into.copy(&city.join(&link), &format!("{CITY_SOURCE}/{}", link.display()), self.deadline)?;
        }
        match self.ask_agent(CITY, &[CITY_SOURCE, WORKSPACE])? {
            Some(parts) if parts.get("made").is_none_or(|part| part.detail != "0") => {
                Err(questions::said(&parts, "gc init failed"))
            }
            _ => Ok(()),
        }
    }

    /// Let the agent begin, and wait for its session. An exec that says nothing any more is followed by another.
    fn begin(&self) -> Result<(), Failure> {
        let end = self.deadline.min(Instant::now() + SESSION_COMES);
        loop {
            self.interrupted.check()?;
            let left = end.saturating_duration_since(Instant::now());
            let seconds = left.min(AT_A_TIME).as_secs().max(1);
            let arguments = [SESSION, WORKSPACE, &seconds.to_string()];
            let until = self.deadline.min(Instant::now() + Duration::from_secs(seconds) + RESERVE);
            let failure = match self.ask_until("agent", READY, &arguments, until) {
                Ok(None) => return Ok(()),
                Ok(Some(parts)) if parts.get("ready").is_some() => return Ok(()),
                Ok(Some(parts)) if parts.get("late").is_none() => return Err(questions::said(&parts, "the agent did not begin")),
                Ok(Some(parts)) => questions::said(&parts, &format!("pod {} still has no tmux session", self.pod)),
                Err(failure) if failure.kind == Kind::Unreachable && Instant::now() >= until => failure,
                Err(failure) => return Err(failure),
            };
            if Instant::now() >= end {
                return Err(failure);
            }
        }
    }

    /// Let the pod say that its session has been there. Without it the pod is asked each time.
    fn sign(&self) -> Result<(), Failure> {
        if self.silent {
            return Ok(());
        }
        self.interrupted.check()?;
        let signed = self.city.cluster.annotate_pod(self.pod, STARTED, self.start, self.deadline.min(Instant::now() + SETUP));
        warn_of("the pod does not say that it has started", signed)
    }

    /// Run what is to be run in the pod once the session is there. What fails is only said.
    fn set_up(&self) -> Result<(), Failure> {
        let payload = self.payload;
        let script = (!payload.session_setup_script.is_empty()).then(|| fs::read(&payload.session_setup_script));
        let script = match script.transpose() {
            Ok(script) => script,
            Err(error) => {
                warn(&format!("session_setup_script {}", payload.session_setup_script), &error);
                None
            }
        };
        let setup = payload.session_setup.iter().map(|command| ("session_setup", command.clone().into_bytes()));
        let setup = setup.chain(script.map(|script| ("session_setup_script", script)));
        let live = payload.session_live.iter().map(|command| ("session_live", command.clone().into_bytes()));
        // A kubectl that says nothing on behalf of any pod runs nothing there, either.
        for (what, command) in setup.chain(live).filter(|(_, command)| !command.is_empty() && !self.silent) {
            self.interrupted.check()?;
            let deadline = self.deadline.min(Instant::now() + SETUP);
            let ran = questions::execute(self.city, &self.agent(), &command, deadline);
            let result = ran.and_then(|ran| match ran.status {
                0 => Ok(()),
                status => {
                    let said = neutralise::plain(&ran.stderr);
                    Err(Failure::new(Kind::Failed, format!("exit {status} {}", neutralise::line(said.trim()))))
                }
            });
            warn_of(what, result)?;
        }
        Ok(())
    }

    /// Say the first thing to the agent, once it waits for it. Enter is not pressed unless the text has shown: there may be a
    /// dialog, which Gas City answers when we are done.
    fn tell_first(&self) -> Result<(), Failure> {
        let text = &self.payload.nudge;
        if text.trim().is_empty() || self.silent {
            return Ok(());
        }
        self.wait_for_prompt()?;
        let result = nudge::nudge(&remote(self.city, &self.agent()), &session()?, text, self.deadline);
        let result = result.and_then(|delivery| match delivery {
            Delivery::Confirmed => Ok(()),
            Delivery::Typed { .. } => Err(Failure::new(Kind::Unproven, "it was typed, and nothing shows that the agent took it")),
        });
        warn_of("the first message", result)
    }

    fn wait_for_prompt(&self) -> Result<(), Failure> {
        let prefix = self.payload.ready_prompt_prefix.trim();
        if prefix.is_empty() {
            thread::sleep(Duration::from_millis(self.payload.ready_delay_ms).min(LONGEST_DELAY));
            return Ok(());
        }
        let until = self.deadline.min(Instant::now() + FIRST_PROMPT);
        while Instant::now() < until {
            self.interrupted.check()?;
            let screen = questions::peek(self.city, &self.agent(), Some(0), until)?;
            if String::from_utf8_lossy(&screen).lines().any(|line| line.trim_start().starts_with(prefix)) {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// The pod, as something that can be asked.
    fn agent(&self) -> Agent {
        Agent::just_made(self.pod, self.session)
    }

    fn ask_agent(&self, text: &'static str, arguments: &[&str]) -> Result<Option<Parts>, Failure> {
        self.ask("agent", text, arguments)
    }

    fn ask(&self, container: &str, text: &'static str, arguments: &[&str]) -> Result<Option<Parts>, Failure> {
        self.ask_until(container, text, arguments, self.deadline)
    }

    /// Run a script in a container; `None` when the kubectl is one that says nothing on behalf of any pod.
    fn ask_until(
        &self,
        container: &str,
        text: &'static str,
        arguments: &[&str],
        deadline: Instant,
    ) -> Result<Option<Parts>, Failure> {
        let arguments: Vec<_> = arguments.iter().map(|&word| word.to_owned()).collect();
        let script = Script { text, tmux: &["tmux".to_owned()], arguments: &arguments, stdin: b"" };
        let nonce = script::nonce();
        let sent = script.sent(&nonce)?;
        let request = Request { argv: &sent.argv, stdin: &sent.stdin, reads_to_end: false, deadline };
        let output = self.city.cluster.exec(self.pod, container.parse().ok().as_ref(), request)?;
        match script::understand(&output, &nonce) {
            Ok(parts) => Ok(Some(parts)),
            Err(_) if self.silent && says_nothing(&output) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn pause(&self, why: &str) -> Result<(), Failure> {
        if Instant::now() + LOOK_EVERY >= self.deadline {
            return Err(self.failed(why));
        }
        thread::sleep(LOOK_EVERY);
        Ok(())
    }

    fn failed(&self, why: &str) -> Failure {
        Failure::new(Kind::Failed, format!("pod {}: {why}", self.pod))
    }
}

/// Whether a kubelet that waits so has no hope for the image.
fn is_not_to_be_had(reason: &str, message: &str) -> bool {
    NO_IMAGE.contains(&reason) && (reason != "ErrImagePull" || DENIED.iter().any(|words| message.contains(words)))
}

/// Something that must not keep the agent from beginning: it is said when it went wrong.
fn warn_of(what: &str, result: Result<(), Failure>) -> Result<(), Failure> {
    if let Err(failure) = result {
        warn(what, &failure);
    }
    Ok(())
}

fn warn(what: &str, why: &dyn fmt::Display) {
    terminal::note(&neutralise::line(&format!("factory-worker: warning: {what}: {why}")));
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ErrImagePull", "failed to resolve reference \"x:1\": x:1: not found", true)]
    #[case("ErrImagePull", "pull access denied, repository does not exist or may require authorization", true)]
    #[case("ErrImagePull", "failed to do request: Head \"https://x/v2\": dial tcp 192.0.2.1:443: i/o timeout", false)]
    #[case("ImagePullBackOff", "", true)]
    #[case("InvalidImageName", "couldn't parse image name", true)]
    #[case("ContainerCreating", "not found", false)]
    #[case("", "", false)]
    fn a_registry_that_did_not_answer_once_is_given_another_chance(
        #[case] reason: &str,
        #[case] message: &str,
        #[case] not: bool,
    ) {
        assert_eq!(is_not_to_be_had(reason, message), not);
    }
}
