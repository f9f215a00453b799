//! A city whose pods and events are in a simulated cluster, and whose provider is the binary under the names that Gas City
//! calls it by.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use kubesim::Cluster;

use crate::support::{BIN, Ran, World, eventually};

pub const NAMESPACE: &str = "gc";

pub struct City {
    pub world: World,
    pub cluster: Cluster,
}

impl City {
    pub fn new() -> Self {
        let cluster = Cluster::start();
        cluster.namespace(NAMESPACE);
        let world = World::new();
        let kubeconfig = cluster.kubeconfig().to_str().unwrap().to_owned();
        // What is only for a moment: a test can see what is left of it.
        let temporary = world.path("tmp");
        fs::create_dir(&temporary).unwrap();
        let world = world.env("KUBECONFIG", &kubeconfig).env("TMPDIR", temporary.to_str().unwrap());
        for name in ["gc-events-k8s", "gc-session-k8s"] {
            fs::create_dir_all(world.path("bin")).unwrap();
            symlink(BIN, world.path("bin").join(name)).unwrap();
        }
        Self { world, cluster }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.world = self.world.env(name, value);
        self
    }

    /// A provider as Gas City starts it.
    pub fn command(&self, provider: &str, words: &[&str]) -> Command {
        let mut command = self.world.program(self.world.path("bin").join(provider));
        command.args(words);
        command
    }

    /// The same, with this on standard input, to its end.
    #[track_caller]
    pub fn call(&self, provider: &str, words: &[&str], input: &str) -> Ran {
        Ran::with_input(self.command(provider, words), input.as_bytes())
    }

    /// Every kubectl from now on leaves a line with its first words in the file that this gives.
    pub fn note_kubectl(&mut self) -> PathBuf {
        self.note_words(" | head -n 1")
    }

    /// The same, with all of its words.
    pub fn note_every_word(&mut self) -> PathBuf {
        self.note_words("")
    }

    fn note_words(&mut self, filter: &str) -> PathBuf {
        let notes = self.world.path("kubectl-calls");
        fs::write(&notes, "").unwrap();
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\"{filter} >>'{}'\nexec /usr/bin/env PATH='{}' kubectl \"$@\"\n",
            notes.display(),
            path()
        );
        self.world.script("kubectl", &text);
        notes
    }

    /// Processes that have this world's directory for sockets in their words.
    pub fn left_processes(&self) -> Vec<(i32, String)> {
        let place = self.world.path("run").to_str().unwrap().to_owned();
        let words = |process: fs::DirEntry| {
            let id = process.file_name().to_str()?.parse().ok()?;
            let words = String::from_utf8_lossy(&fs::read(process.path().join("cmdline")).ok()?).replace('\0', " ");
            words.contains(&place).then_some((id, words))
        };
        fs::read_dir("/proc").unwrap().flatten().filter_map(words).collect()
    }

    /// Nothing that was only for a moment is left: no process, no file.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        eventually("the last process to go", || self.left_processes().is_empty().then_some(()));
        let count = |place: &str| fs::read_dir(self.world.path(place)).map_or(0, Iterator::count);
        let files = || count("tmp") + count("run/factory-worker");
        eventually("the last file to go", || (files() == 0).then_some(()));
    }
}

fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// A process whose lines are read as they come; it is killed with this value.
pub struct Lines {
    pub child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Lines {
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                kept.lock().unwrap().push(line.unwrap());
            }
        });
        Self { child, lines }
    }

    pub fn so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
