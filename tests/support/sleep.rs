//! A laptop that sleeps: everything of the operator's stands still, and goes on at the same moment.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Screen, World, eventually};
use crate::traces::running;

/// It sleeps until this ends.
pub struct Asleep {
    /// Views and kubectls, then the operator's tmux, which would wake whatever it shows and finds stopped.
    processes: Vec<Pid>,
}

impl Asleep {
    /// Let everything that runs for this world stand still.
    pub fn begin(world: &World, screen: &Screen<'_>) -> Self {
        let server = screen.inner(&["display-message", "-p", "#{pid}"]).trim().parse().unwrap();
        let mut asleep = Self { processes: vec![Pid::from_raw(server)] };
        asleep.stop_all();
        // Those that there are now start nobody else.
        asleep.processes.splice(0..0, running(world).into_iter().map(|(process, _)| Pid::from_raw(process)));
        asleep.stop_all();
        eventually("everything to stand still", || asleep.processes.iter().all(|process| stands_still(*process)).then_some(()));
        asleep
    }

    fn stop_all(&self) {
        for process in &self.processes {
            let _ = kill(*process, Signal::SIGSTOP);
        }
    }

    pub fn wake(self) {}
}

impl Drop for Asleep {
    fn drop(&mut self) {
        for process in &self.processes {
            let _ = kill(*process, Signal::SIGCONT);
        }
    }
}

/// One that is gone does, too.
fn stands_still(process: Pid) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    stat.rsplit_once(')').is_some_and(|(_, rest)| matches!(rest.trim_start().chars().next(), Some('T' | 'Z' | 'X')))
}
