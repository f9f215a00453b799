//! How far a kubectl has come with its login, seen from outside: it runs the plugin as a child before it talks to anybody, and
//! talks to the cluster itself afterwards. The exec of a node that froze, or an API server that does not answer, keeps nobody
//! waiting for a login that is over.

use std::time::{Duration, Instant};

use crate::process::family;

/// Where the kernel does not tell of a process's children, `ps` is asked, no earlier and no more often than this: kubectl starts
/// the plugin within a tenth of a second, but not on every machine.
const PS_AFTER: Duration = Duration::from_secs(2);
const PS_EVERY: Duration = Duration::from_secs(1);
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
}

impl Progress {
    /// Of a kubectl that is about to start.
    pub fn begin() -> Self {
        Self { began: Instant::now(), asked_ps: None, over: false, logging_in: false }
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
        match family::children_of(behind_wrappers(kubectl)) {
            Some(children) => {
                let kubectl = behind_wrappers(kubectl);
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

/// kubectl itself, where a wrapper has started it: the child that got the wrapper's last argument. No plugin does.
fn behind_wrappers(process: i32) -> i32 {
    let mut kubectl = process;
    for _ in 0..WRAPPERS {
        let last = family::last_word_of(kubectl);
        let children = family::children_of(kubectl).unwrap_or_default();
        match children.into_iter().find(|&child| last.is_some() && family::last_word_of(child) == last) {
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

    use super::*;

    /// A shell that stands for kubectl: with a child or not, with a socket or not.
    fn kubectl(script: &str, socket: bool) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", "--output=json"]);
        if socket {
            command.stdin(OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap()));
        }
        command.spawn().unwrap()
    }

    fn eventually(mut good: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !good() {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
    }

    fn end(mut child: Child) {
        for grandchild in family::children_of(child.id() as i32).unwrap_or_default() {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(grandchild), nix::sys::signal::Signal::SIGKILL);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_login_is_over_when_kubectl_talks_to_somebody_and_no_plugin_runs() {
        let kubectl = kubectl("exec sleep 600", true);
        let mut progress = Progress::begin();
        eventually(|| progress.look(kubectl.id() as i32));
        assert!(!progress.is_logging_in());
        end(kubectl);
    }

    #[test]
    fn it_is_not_while_a_plugin_runs_or_before() {
        let idle = kubectl("exec sleep 600", false);
        let mut progress = Progress::begin();
        assert!(!progress.look(idle.id() as i32) && !progress.is_logging_in());
        end(idle);
        let busy = kubectl("sleep 600; :", true);
        let mut progress = Progress::begin();
        eventually(|| {
            progress.look(busy.id() as i32);
            progress.is_logging_in()
        });
        assert!(!progress.look(busy.id() as i32));
        end(busy);
    }

    #[test]
    fn a_wrapper_is_no_plugin() {
        // It gets the wrapper's arguments.
        let wrapper = kubectl("sh -c 'exec sleep 600' sh \"$@\"; :", true);
        let mut progress = Progress::begin();
        eventually(|| progress.look(wrapper.id() as i32));
        end(wrapper);
    }

    #[test]
    fn ps_tells_it_too() {
        let busy = kubectl("sleep 600; :", false);
        let long_ago = Instant::now() - PS_AFTER;
        let mut progress = Progress { began: long_ago, ..Progress::begin() };
        eventually(|| {
            progress.asked_ps = None;
            progress.look_by_ps(busy.id() as i32);
            progress.is_logging_in()
        });
        assert!(!progress.over);
        end(busy);
        let idle = kubectl("exec sleep 600", false);
        let mut progress = Progress { began: long_ago, ..Progress::begin() };
        eventually(|| {
            progress.asked_ps = None;
            progress.look_by_ps(idle.id() as i32);
            progress.over
        });
        end(idle);
    }
}
