//! A terminal for the real kubectl: a tmux server whose pane is a real pty.

#![allow(dead_code)] // every test binary uses its own part

pub mod client;
pub mod frames;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use kubesim::Cluster;

pub const PATIENCE: Duration = Duration::from_secs(30);

/// Wait for a condition.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

pub struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Run kubectl on a terminal of 90 columns by 25 rows; when it ends, its status is the last line.
    pub fn run(cluster: &Cluster, kubectl: &[&str]) -> Self {
        let terminal = Self { socket: cluster.directory().join("terminal.sock") };
        let command = cluster.kubectl_command(kubectl);
        let variables = command.get_envs().filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value?.to_str()?)));
        let mut argv: Vec<String> =
            ["new-session", "-d", "-x", "90", "-y", "25", "--", "env", "-i", "TERM=screen"].map(str::to_owned).into();
        argv.extend(variables);
        argv.extend(["sh", "-c", "\"$@\"; echo \"kubectl ended with $?.\"; cat", "sh", "kubectl"].map(str::to_owned));
        argv.extend(kubectl.iter().map(|&word| word.to_owned()));
        terminal.tmux(&argv.iter().map(String::as_str).collect::<Vec<_>>());
        terminal
    }

    pub fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").arg("-u").arg("-S").arg(&self.socket).args(["-f", "/dev/null"]).args(arguments);
        command.output().unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    #[track_caller]
    pub fn wait(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.text();
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < end, "waited in vain for {text:?}; the screen:\n{screen}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// The process that runs in the terminal.
    pub fn pid(&self) -> i32 {
        let output = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
