//! A hub that runs, such that it is seen what becomes of it.

#![allow(dead_code)] // every test binary uses its own part

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use kubesim::{Cluster, Running, eventually_or_show};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::operator::Operator;
use crate::support::{World, eventually};

/// A world in which commands use a hub where one runs.
pub fn world() -> World {
    World::new().env("FACTORY_WORKER_LIVE", "on")
}

/// The same for the operator of a cluster.
pub fn live(operator: Operator) -> Operator {
    Operator { world: operator.world.env("FACTORY_WORKER_LIVE", "on"), ..operator }
}

/// The workers `a` and `b`, pods of one cluster with the session `qa` each, and a hub may run.
pub fn factory() -> (Operator, [Running; 2]) {
    let cluster = Cluster::start();
    let workers = ["a", "b"].map(|name| cluster.deployment(name).session("qa", "exec cat").start());
    for worker in &workers {
        eventually("the session", || worker.pod().tmux(&["list-sessions"]).contains("qa").then_some(()));
    }
    (live(Operator::of(cluster).worker("a", "a", "").worker("b", "b", "")), workers)
}

/// A hub in the foreground. It ends with this value.
pub struct Hub {
    child: Child,
}

impl Hub {
    /// It listens.
    #[track_caller]
    pub fn start(world: &World) -> Self {
        let mut hub = Self::of(world, world.command(&["hub"]));
        eventually_or_show("the hub to listen", || {
            if let Some(code) = hub.ended() {
                return Err(format!("it has ended with {code}: {}", said(world)));
            }
            let status = world.run(&["hub", "status"]);
            if status.code == 0 { Ok(()) } else { Err(said(world)) }
        });
        hub
    }

    /// It may not listen yet.
    pub fn of(world: &World, mut command: Command) -> Self {
        let log = File::options().create(true).append(true).open(world.path("hub.log")).unwrap();
        Self { child: command.stderr(log).spawn().unwrap() }
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// How it has ended: its exit status, or 128 + N when signal N ended it.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().unwrap()?;
        Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
    }

    /// Wait for its end.
    #[track_caller]
    pub fn wait(mut self) -> i32 {
        eventually("the hub to end", || self.ended())
    }

    /// End it as nothing else does, at any moment.
    pub fn kill(self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.wait(), 128 + 9);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What hubs have said so far.
pub fn said(world: &World) -> String {
    fs::read_to_string(world.path("hub.log")).unwrap_or_default()
}

/// Where the hub of a world listens. The directory is there.
pub fn socket(world: &World) -> PathBuf {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let directory = world.path("run/factory-worker");
    let _ = DirBuilder::new().mode(0o700).create(&directory);
    directory.join(format!("hub-{}", boot.split('-').next().unwrap()))
}

/// What is in the place where hubs listen.
pub fn left(world: &World) -> Vec<PathBuf> {
    fs::read_dir(world.path("run/factory-worker")).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The rows of `list --json` with these further arguments.
#[track_caller]
pub fn rows(world: &World, arguments: &[&str]) -> Vec<Value> {
    rows_of(world.command(&[&["list", "--json"], arguments].concat()))
}

#[track_caller]
pub fn rows_of(mut command: Command) -> Vec<Value> {
    let ran = crate::support::Ran::from(command.stdin(Stdio::null()).output().unwrap()).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    answer["workers"].as_array().unwrap().clone()
}

/// How the rows are known: `hub` or `direct` each.
pub fn ways(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["via"].as_str().unwrap_or_default()).collect()
}

/// The names of a row's sessions.
pub fn sessions(row: &Value) -> Vec<&str> {
    let sessions = row["sessions"].as_array().map(Vec::as_slice).unwrap_or_default();
    sessions.iter().filter_map(|session| session["name"].as_str()).collect()
}

/// Wait until the hub says of all workers what is listed, and give that.
#[track_caller]
pub fn known(world: &World, arguments: &[&str]) -> Vec<Value> {
    eventually_or_show("the hub to know the workers", || {
        let rows = rows(world, arguments);
        let is_known = !rows.is_empty() && rows.iter().all(|row| row["via"] == "hub" && row["status"] == "running");
        if is_known { Ok(rows) } else { Err(format!("{rows:#?}\n{}", said(world))) }
    })
}

/// What `hub status` says, where one runs.
#[track_caller]
pub fn standing(world: &World) -> Value {
    serde_json::from_str(&world.run(&["hub", "status", "--json"]).expect(0).stdout).unwrap()
}

/// What the hub knows of a worker, of the first registry: nobody is asked.
pub fn of_worker(world: &World, name: &str) -> Option<Value> {
    let standing = standing(world);
    let rows = standing["registries"][0]["rows"].as_array()?;
    rows.iter().find(|row| row["worker"] == name).cloned()
}
