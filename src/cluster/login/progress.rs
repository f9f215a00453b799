//! How far a kubectl has come with its login, seen from outside: it runs the plugin as a child before it talks to anybody, and
//! talks to the cluster itself afterwards. The exec of a node that froze, or an API server that does not answer, keeps nobody
//! waiting for a login that is over.

use std::time::{Duration, Instant};

use crate::cluster::kubectl_questions::questions;
use crate::process::{Heard, family};

/// Where the kernel does not tell of a process's children, `ps` is asked, no earlier and no more often than this: kubectl starts
/// the plugin within a tenth of a second, but not on every machine.
const PS_AFTER: Duration = Duration::from_secs(2);
const PS_EVERY: Duration = Duration::from_secs(1);
/// A name and a password.
const ANSWERS: usize = 2;
/// Who has asked nothing by then will not, and may wait for what it is to read.
const UNASKED: Duration = Duration::from_secs(5);
/// A wrapper's wrapper is plausible, a hundred of them are not.
const WRAPPERS: usize = 100;

/// Looks at one kubectl.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    asked_ps: Option<Instant>,
    /// It has come past the plugin.
    over: bool,
    /// It had a child when it was looked at last.
    logging_in: bool,
    /// No plugin asks, but kubectl itself.
    itself: bool,
}

impl Progress {
    /// Of a kubectl that is about to start.
    pub fn begin() -> Self {
        Self { began: Instant::now(), asked_ps: None, over: false, logging_in: false, itself: false }
    }

    /// Of one that asks who its user is, by itself.
    pub fn of_questions() -> Self {
        Self { itself: true, ..Self::begin() }
    }

    /// Look once at one of which this was heard; true from when the login is over.
    pub fn look_at(&mut self, kubectl: i32, heard: Option<Heard<'_>>) -> bool {
        let Some(heard) = heard.filter(|_| self.itself) else { return self.look(kubectl) };
        let asked = questions(heard.stdout);
        // Its connections tell nothing: some builds make one before they ask.
        self.over |= match asked.bytes {
            0 => !heard.stdout.is_empty() || self.began.elapsed() >= UNASKED,
            _ => asked.all && heard.answers >= ANSWERS && heard.echoes,
        };
        self.over
    }

    /// Whether a login was under way at the last look.
    pub fn is_logging_in(&self) -> bool {
        self.logging_in
    }

    /// Look once; true from when the login is over.
    pub fn look(&mut self, kubectl: i32) -> bool {
        if self.over {
            return true;
        }
        let kubectl = behind_wrappers(kubectl);
        match family::children_of(kubectl) {
            Some(children) => {
                self.logging_in = !children.is_empty();
                self.over = children.is_empty() && !family::sockets_of(kubectl).is_empty();
            }
            None => self.look_by_ps(kubectl),
        }
        self.over
    }

    fn look_by_ps(&mut self, kubectl: i32) {
        let now = Instant::now();
        if now - self.began < PS_AFTER || self.asked_ps.is_some_and(|asked| now - asked < PS_EVERY) {
            return;
        }
        self.asked_ps = Some(now);
        if let Some(logging_in) = family::has_children_by_ps(kubectl) {
            self.logging_in = logging_in;
            self.over = !logging_in;
        }
    }
}

/// kubectl itself, where a wrapper has started it: the child that got the wrapper's last argument. No plugin does. One that
/// has the wrapper's whole command line is about to become something else.
fn behind_wrappers(process: i32) -> i32 {
    let mut kubectl = process;
    for _ in 0..WRAPPERS {
        let Some(words) = family::words_of(kubectl) else { break };
        let is_kubectl =
            |&child: &i32| family::words_of(child).is_some_and(|others| others != words && others.last() == words.last());
        match family::children_of(kubectl).unwrap_or_default().into_iter().find(is_kubectl) {
            Some(child) => kubectl = child,
            None => break,
        }
    }
    kubectl
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    use std::process::{Child, Command};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    use super::*;

    /// A shell that stands for kubectl, with a child or not, with a socket or not; gone with its child when it is dropped.
    struct Kubectl(Child);

    impl Kubectl {
        fn start(script: &str, socket: bool) -> Self {
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh", "--output=json"]);
            if socket {
                command.stdin(OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap()));
            }
            Self(command.spawn().unwrap())
        }

        fn with_child(script: &str, socket: bool) -> Self {
            let kubectl = Self::start(script, socket);
            eventually(|| !kubectl.children().is_empty());
            kubectl
        }

        fn id(&self) -> i32 {
            self.0.id() as i32
        }

        fn children(&self) -> Vec<i32> {
            family::children_of(self.id()).unwrap_or_default()
        }
    }

    impl Drop for Kubectl {
        fn drop(&mut self) {
            for child in self.children() {
                let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
            }
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn eventually(mut good: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !good() {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_login_is_over_when_kubectl_talks_to_somebody_and_no_plugin_runs() {
        let kubectl = Kubectl::start("exec sleep 600", true);
        let mut progress = Progress::begin();
        eventually(|| progress.look(kubectl.id()));
        assert!(!progress.is_logging_in());
    }

    #[test]
    fn it_is_not_while_a_plugin_runs_or_before() {
        let idle = Kubectl::start("exec sleep 600", false);
        let mut progress = Progress::begin();
        assert!(!progress.look(idle.id()) && !progress.is_logging_in());
        let busy = Kubectl::with_child("sleep 600; :", true);
        let mut progress = Progress::begin();
        assert!(!progress.look(busy.id()) && progress.is_logging_in());
    }

    #[test]
    fn a_wrapper_is_no_plugin() {
        // It stands still with the arguments that it got.
        let wrapper = Kubectl::with_child("sh -c 'kill -STOP $$; :' sh \"$@\"; :", true);
        let mut progress = Progress::begin();
        eventually(|| progress.look(wrapper.id()));
    }

    #[test]
    fn ps_tells_it_too() {
        let long_ago = Instant::now() - PS_AFTER;
        let busy = Kubectl::with_child("sleep 600; :", false);
        let mut progress = Progress { began: long_ago, ..Progress::begin() };
        progress.look_by_ps(busy.id());
        assert!(progress.is_logging_in() && !progress.over);
        let idle = Kubectl::start("exec sleep 600", false);
        let mut progress = Progress { began: long_ago, ..Progress::begin() };
        progress.look_by_ps(idle.id());
        assert!(!progress.is_logging_in() && progress.over);
    }
}
