//! A hub in a storm: connections that break, pods that are replaced, sessions that are made, renamed and ended all the time. What
//! `list` says is never wrong, nor older than it says, and nothing is left.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use kubesim::{Cluster, Running};
use operator::Operator;
use serde_json::Value;
use support::eventually;

const WORKERS: usize = 20;
const ROUNDS: usize = 120;
/// How long before it is heard of here something may have been so.
const WAY: Duration = Duration::from_millis(500);

/// A worker, and which sessions it had since when.
struct Fleet {
    running: Running,
    history: Vec<(SystemTime, BTreeSet<String>)>,
}

impl Fleet {
    fn names(&self) -> BTreeSet<String> {
        self.history.last().unwrap().1.clone()
    }

    /// Something changes: both what was and what is may be seen while it does.
    fn change(&mut self, tmux: &[&str], edit: impl FnOnce(&mut BTreeSet<String>)) {
        self.running.pod().tmux(tmux);
        let mut names = self.names();
        edit(&mut names);
        self.history.push((SystemTime::now(), names));
    }

    /// Whether these were its sessions at this moment, or later.
    fn had(&self, sessions: &BTreeSet<String>, as_of: SystemTime) -> bool {
        let from = as_of - WAY;
        let last_before = self.history.iter().rposition(|(since, _)| *since <= from).unwrap_or(0);
        self.history[last_before..].iter().any(|(_, names)| names == sessions)
    }
}

/// The hub ends with this value.
struct Hub(Child);

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sessions(row: &Value) -> Option<BTreeSet<String>> {
    let sessions = row["sessions"].as_array()?;
    Some(sessions.iter().map(|session| session["name"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn what_is_said_is_never_older_than_it_says() {
    let cluster = Cluster::start();
    let names: Vec<_> = (0..WORKERS).map(|number| format!("w{number}")).collect();
    let mut fleets: Vec<_> = names
        .iter()
        .map(|name| {
            let running = cluster.deployment(name).session("qa", "exec cat").start();
            eventually("the session", || running.pod().tmux(&["list-sessions"]).contains("qa").then_some(()));
            Fleet { running, history: vec![(SystemTime::UNIX_EPOCH, BTreeSet::from(["qa".to_owned()]))] }
        })
        .collect();
    let before: Vec<_> = fleets.iter().map(|fleet| fleet.running.pod().processes().len()).collect();
    let operator = names.iter().fold(Operator::of(cluster), |operator, name| operator.worker(name, name, ""));
    let operator = Operator { world: operator.world.env("FACTORY_WORKER_LIVE", "on"), cluster: operator.cluster };
    let hub = Hub(operator.world.command(&["hub"]).stderr(Stdio::null()).spawn().unwrap());
    let all_by_hub = || operator.rows().iter().all(|row| row["via"] == "hub" && row["status"] == "running");
    eventually("the hub to know them", || all_by_hub().then_some(()));
    let mut by_hub = 0;
    for round in 0..ROUNDS {
        let fleet = &mut fleets[round * 7 % WORKERS];
        let new = format!("s{round}");
        fleet.change(&["new-session", "-d", "-s", &new], |names| names.extend([new.clone()]));
        if round % 3 == 0 {
            let renamed = format!("r{round}");
            fleet.change(&["rename-session", "-t", &format!("={new}:"), &renamed], |names| {
                names.remove(&new);
                names.insert(renamed.clone());
            });
        } else if round % 3 == 1 {
            fleet.change(&["kill-session", "-t", &format!("={new}:")], |names| names.retain(|name| *name != new));
        }
        if round % 20 == 10 {
            operator.cluster.drop_connections();
        }
        for (row, fleet) in operator.rows().iter().zip(&fleets) {
            let as_of = humantime::parse_rfc3339(row["as_of"].as_str().unwrap()).unwrap();
            by_hub += usize::from(row["via"] == "hub");
            if let Some(sessions) = sessions(row) {
                assert!(fleet.had(&sessions, as_of), "round {round}: {row}\n{:?}", fleet.history);
            } else {
                // A connection that was just dropped is nobody's state.
                assert_eq!(row["status"], "unreachable", "round {round}: {row}");
            }
        }
    }
    assert!(by_hub > ROUNDS * WORKERS / 2, "the hub has said {by_hub} of {}", ROUNDS * WORKERS);
    // In the end all is as it is.
    eventually("all to be known as it is", || {
        let rows = operator.rows();
        let is_so = rows.iter().zip(&fleets).all(|(row, fleet)| row["via"] == "hub" && sessions(row) == Some(fleet.names()));
        is_so.then_some(())
    });
    drop(hub);
    eventually("what was held to be gone", || {
        let left = |fleet: &Fleet| fleet.running.pod().processes().len();
        let more = |(fleet, before): (&Fleet, &usize)| left(fleet) > before + fleet.names().len() - 1;
        (!fleets.iter().zip(&before).any(more)).then_some(())
    });
    for fleet in &fleets {
        assert_eq!(fleet.running.pod().tmux(&["list-clients"]), "");
    }
}
