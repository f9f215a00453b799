//! The processes that one kubectl is: itself, and what it hides behind, as this kernel tells of them. Where a kernel tells
//! nothing (no /proc), there is none but the one that we have started.

use std::fs;
use std::path::PathBuf;

/// A wrapper's wrapper is plausible, a hundred of them are not.
const MOST: usize = 100;

/// The process that we started, and those behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// kubectl, and what stands between us and it. The first is the one that we started.
    pub kubectl: Vec<i32>,
    /// What kubectl runs itself: login plugins. Their own children (a browser, say) are nobody's business.
    pub plugins: Vec<i32>,
}

impl Family {
    /// As it is now.
    pub fn of(process: i32) -> Self {
        let mut family = Self { kubectl: vec![process], plugins: Vec::new() };
        let mut at = 0;
        while at < family.kubectl.len() && family.kubectl.len() < MOST {
            let children = children_of(family.kubectl[at]);
            let list = if is_kubectl(family.kubectl[at]) { &mut family.plugins } else { &mut family.kubectl };
            list.extend(children);
            at += 1;
        }
        family
    }

    /// The inodes of the sockets of kubectl. A plugin has connections of its own, which say nothing of the cluster.
    pub fn sockets(&self) -> Vec<u64> {
        self.kubectl.iter().copied().flat_map(sockets_of).collect()
    }

    /// Whether somebody has stopped one of them (SIGSTOP): it does nothing, whatever comes.
    pub fn is_stopped(&self) -> bool {
        self.kubectl.iter().copied().any(is_stopped)
    }
}

/// By the program that it runs: a script of that name is a wrapper.
fn is_kubectl(process: i32) -> bool {
    let program: Option<PathBuf> = fs::read_link(format!("/proc/{process}/exe")).ok();
    program.as_deref().and_then(|path| path.file_name()?.to_str()).is_some_and(|name| name.starts_with("kubectl"))
}

fn children_of(process: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

fn sockets_of(process: i32) -> Vec<u64> {
    let fds = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let targets = fds.filter_map(|fd| fs::read_link(fd.path()).ok());
    targets.filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// By its state (proc(5)): stopped, or held by a debugger.
fn is_stopped(process: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before it, in parentheses, may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    use super::*;

    /// Children of a test end with it.
    struct Running(Child);

    impl Running {
        fn start(command: &mut Command) -> Self {
            Self(command.spawn().unwrap())
        }

        fn id(&self) -> i32 {
            self.0.id() as i32
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            for process in Family::of(self.id()).kubectl {
                let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
            }
            let _ = self.0.wait();
        }
    }

    #[track_caller]
    fn eventually(mut good: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !good() {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
    }

    fn sleep() -> Command {
        let mut command = Command::new("sleep");
        command.arg("600");
        command
    }

    #[test]
    fn what_a_wrapper_runs_belongs_to_it() {
        let wrapper = Running::start(Command::new("sh").args(["-c", "sleep 600 & wait"]));
        eventually(|| Family::of(wrapper.id()).kubectl.len() == 2);
        assert!(Family::of(wrapper.id()).plugins.is_empty());
    }

    #[test]
    fn what_kubectl_runs_is_a_plugin_and_its_sockets_are_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let kubectl = directory.path().join("kubectl");
        fs::copy("/bin/sh", &kubectl).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let script = "sleep 600 & exec 0</dev/null; wait";
        let running = Running::start(Command::new(kubectl).args(["-c", script]).stdin(OwnedFd::from(stream)));
        eventually(|| Family::of(running.id()).plugins.len() == 1);
        eventually(|| Family::of(running.id()).sockets().is_empty());
        let family = Family::of(running.id());
        assert_eq!(family.kubectl, [running.id()]);
        for plugin in family.plugins {
            let _ = kill(Pid::from_raw(plugin), Signal::SIGKILL);
        }
    }

    #[test]
    fn sockets_of_children_count() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let child = Running::start(sleep().stdin(OwnedFd::from(stream)));
        assert_eq!(Family::of(child.id()).sockets().len(), 1);
    }

    #[test]
    fn one_that_was_stopped_is_seen_and_one_that_goes_on_too() {
        let child = Running::start(sleep().stdin(Stdio::null()));
        assert!(!Family::of(child.id()).is_stopped());
        kill(Pid::from_raw(child.id()), Signal::SIGSTOP).unwrap();
        eventually(|| Family::of(child.id()).is_stopped());
        kill(Pid::from_raw(child.id()), Signal::SIGCONT).unwrap();
        eventually(|| !Family::of(child.id()).is_stopped());
    }
}
