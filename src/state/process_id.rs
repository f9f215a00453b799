//! A process, such that it is not mistaken for a later one of its number.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process of this machine, or of what it was before it was switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pid: i32,
    /// When it was started, in the kernel's clock ticks since the boot; 0 where the kernel does not say (no /proc).
    started: u64,
    /// The kernel's name for this boot; empty where it has none.
    boot: String,
}

impl ProcessId {
    /// This process.
    pub fn this() -> Self {
        Self::of(Pid::this().as_raw())
    }

    /// The process that has this number now.
    pub fn of(pid: i32) -> Self {
        Self { pid, started: started(pid), boot: boot() }
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// `BOOT/STARTED`: what tells it from every other of its number on any machine. Of the boot's id (random, 128 bits) the
    /// first 32 bits do: each byte is one of a URL.
    pub fn boot_and_start(&self) -> String {
        format!("{}/{}", self.boot_of(), self.started)
    }

    /// What tells this boot of the machine from others: the first 32 bits of its id.
    pub fn boot_of(&self) -> &str {
        self.boot.split('-').next().unwrap_or_default()
    }

    /// Send it a signal, if it still runs.
    pub fn signal(&self, signal: Signal) {
        if self.lives() {
            // It may end just now.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Whether it still runs. Where the kernel says too little, a later process of its number counts as the same: nobody is
    /// taken for dead who may live.
    pub fn lives(&self) -> bool {
        let there = self.pid > 0 && kill(Pid::from_raw(self.pid), None) != Err(Errno::ESRCH);
        there && self.boot == boot() && self.started == started(self.pid)
    }
}

/// Whether the process of this number was stopped (SIGSTOP, Ctrl-Z), and not where the kernel does not say.
pub fn is_stopped(pid: i32) -> bool {
    matches!(fields(pid).split_whitespace().next(), Some("T" | "t"))
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// What the kernel says of a process, from its state on: the second field, which comes before that, is the program's name in
/// parentheses, and may hold anything (proc(5)).
fn fields(pid: i32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').map_or_else(String::new, |(_, rest)| rest.to_owned())
}

/// The 22nd field of all; 0 for one that has ended and waits for its parent to notice, too.
fn started(pid: i32) -> u64 {
    let fields = fields(pid);
    let mut fields = fields.split_whitespace();
    match fields.next() {
        None | Some("Z" | "X") => 0,
        Some(_) => fields.nth(18).and_then(|ticks| ticks.parse().ok()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives() {
        assert!(ProcessId::this().lives());
        assert_ne!(ProcessId::this().started, 0);
    }

    #[test]
    fn one_of_the_same_number_is_another_when_it_was_started_at_another_time_or_before_the_boot() {
        let this = ProcessId::this();
        assert!(!ProcessId { started: this.started - 1, ..this.clone() }.lives());
        assert!(!ProcessId { boot: "another".to_owned(), ..this }.lives());
    }

    #[test]
    fn one_that_ended_does_not_live() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id() as i32;
        let owner = ProcessId::of(pid);
        assert!(owner.lives());
        child.kill().unwrap();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while owner.lives() {
            assert!(std::time::Instant::now() < end, "nobody has asked how it ended, but it has");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!owner.lives());
    }
}
