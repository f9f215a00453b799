//! Views that were killed, and what they have left: their entries in the ledger, their clients in the pod.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kubesim::{Pod, Process};
use serde_json::Value;

use crate::support::{Screen, World, eventually};

/// What a view's shell in the pod is as far as it counts: it catches TERM, and its client is a child of it.
const CLIENT: &str = "trap 'exit 96' HUP TERM; tmux -u attach-session -t =qa; :";

/// The clients of windows on `w/qa` that were killed together.
pub struct Crowd {
    _clients: Vec<Process>,
}

impl Crowd {
    /// Open a window, kill its view, and let so many more have died beside it. Nobody has a client in the pod before.
    pub fn leave(world: &World, screen: &Screen<'_>, pod: &Pod, count: usize) -> Self {
        screen.run(&["open", "w/qa"]).expect(0);
        // It may have been told that it is connected before its client is.
        eventually("its client", || (pod.clients().len() == 1 && state(screen) == "connected").then_some(()));
        kill_view(world, screen);
        let tags = more_tags(world, count - 1);
        let tagged = |tag: &String| format!("FACTORY_WORKER_VIEW={tag}.1");
        let clients = tags.iter().map(|tag| pod.start_on_terminal(&["env", &tagged(tag), "sh", "-c", CLIENT])).collect();
        died_too(world, &tags);
        let end = Instant::now() + Duration::from_secs(120);
        while pod.clients().len() != count {
            assert!(Instant::now() < end, "{} of {count} are attached: {:#?}", pod.clients().len(), ours(pod));
            sleep(Duration::from_millis(50));
        }
        Self { _clients: clients }
    }
}

pub fn state(screen: &Screen<'_>) -> String {
    screen.inner(&["display-message", "-p", "-t", "w/qa", "#{@factory-worker-state}"]).trim().to_owned()
}

/// The command lines of what carries the tag of a view, as far as they are worth reading.
pub fn ours(pod: &Pod) -> Vec<String> {
    let text = |pid: i32, what: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    let tagged = pod.processes().into_iter().filter(|pid| text(*pid, "environ").contains("FACTORY_WORKER_VIEW="));
    tagged.map(|pid| text(pid, "cmdline").lines().next().unwrap_or_default().to_owned()).collect()
}

pub fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().unwrap().success());
}

pub fn ledger(world: &World) -> (PathBuf, Value) {
    let path = world.path("state/factory-worker/views.json");
    let text = fs::read(&path).unwrap_or_else(|_| b"{}".to_vec());
    (path, serde_json::from_slice(&text).unwrap())
}

/// How many are in the ledger.
pub fn views(world: &World) -> usize {
    ledger(world).1.as_object().unwrap().len()
}

/// Kill the window's view, so that its client stays in the pod and in the ledger.
pub fn kill_view(world: &World, screen: &Screen<'_>) {
    kill("-KILL", screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_pid}"]).trim());
    eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
    assert_eq!(views(world), 1);
}

/// Tags of so many more views. Nobody else on this machine has the same: a pod without a process tree of its own ends what
/// carries a tag wherever it is.
pub fn more_tags(world: &World, count: usize) -> Vec<String> {
    let (_, ledger) = ledger(world);
    let tag = ledger.as_object().unwrap().keys().next().unwrap().clone();
    let number = u64::from_str_radix(&tag, 16).unwrap();
    (1..=count as u64).map(|next| format!("{:016x}", number ^ next)).collect()
}

/// Let more views have died there: the ledger's one entry under these tags, too.
pub fn died_too(world: &World, tags: &[String]) {
    let (path, mut ledger) = ledger(world);
    let entry = ledger.as_object().unwrap().values().next().unwrap().clone();
    for tag in tags {
        ledger[tag] = entry.clone();
    }
    fs::write(path, ledger.to_string()).unwrap();
}
