//! Ending everything that runs in a directory's surroundings, also when the test that started it was killed.
//!
//! What belongs to a container is known by its environment: HOME and TMUX_TMPDIR lie in the container's directory. A process
//! group or a parent would not do: tmux servers leave both.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The processes whose environment names something below `directory`.
pub fn processes_of(directory: &Path) -> Vec<i32> {
    let needle = format!("{}/", directory.display()).into_bytes();
    let ours = std::process::id() as i32;
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let inside = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(needle.len()).any(|window| window == needle)
    };
    pids.filter(|pid| *pid != ours).filter(inside).collect()
}

/// Kill them, and those that they start meanwhile, as if all ended at the same moment: none sees another one end.
pub fn kill_processes_of(directory: &Path) {
    let send = |pids: &[i32], signal| {
        for &pid in pids {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    };
    for _ in 0..200 {
        let mut stopped = Vec::new();
        loop {
            let found = processes_of(directory);
            if found.iter().all(|pid| stopped.contains(pid)) {
                break;
            }
            send(&found, Signal::SIGSTOP);
            stopped = found;
        }
        if stopped.is_empty() {
            return;
        }
        send(&stopped, Signal::SIGKILL);
        thread::sleep(Duration::from_millis(1));
    }
}

/// A process that cleans up after us if we do not come to it ourselves.
#[derive(Debug)]
pub struct Guard {
    child: Child,
    /// Closed when this process ends, however it ends.
    alive: Option<ChildStdin>,
}

impl Guard {
    /// # Errors
    /// sh cannot be started.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", include_str!("guard.sh"), "guard"])
            .arg(directory)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // a Ctrl-C is for the test alone
            .spawn()?;
        let alive = child.stdin.take();
        Ok(Self { child, alive })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.child.wait();
    }
}
