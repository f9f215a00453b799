//! A worker's tmux as a view changes it, and as it is when nobody looks. The worker is the local one named `w`.

use std::process::{Child, Stdio};

use kubesim::eventually_or_show;

use super::{World, eventually};

/// What a seamless view changes in its session.
pub const HIDDEN: &str = "off|C-F12|None|1|1|#T|on";

pub fn hidden(world: &World, session: &str) -> String {
    let format = "#{status}|#{prefix}|#{prefix2}|#{mouse}|#{set-titles}|#{set-titles-string}|#{detach-on-destroy}";
    options(world, session, format)
}

pub fn options(world: &World, session: &str, format: &str) -> String {
    let id = world.session_id("w", session);
    world.worker_tmux("w", &["display-message", "-p", "-t", &format!("{id}:"), format]).trim_end().to_owned()
}

/// Every option, hook and key that the worker's tmux has.
pub fn everything(world: &World) -> String {
    everything_of(|arguments| world.worker_tmux("w", arguments))
}

/// The same of the tmux that `ask` asks: in two calls, however many sessions it has, since it is asked again and again.
pub fn everything_of(ask: impl Fn(&[&str]) -> String) -> String {
    let of_the_server =
        ["show-options -s", "show-options -g", "show-options -gw", "show-hooks -g", "show-hooks -gw", "list-keys"];
    let of_a_session = ["show-options", "show-hooks", "show-options -w", "show-options -p", "show-environment"];
    let mut commands: Vec<String> = of_the_server.map(str::to_owned).into();
    for id in ask(&["list-sessions", "-F", "#{session_id}"]).lines() {
        commands.extend(of_a_session.map(|command| format!("{command} -t {id}:")));
    }
    let mut sequence = Vec::new();
    for command in &commands {
        sequence.extend([";", "display-message", "-p", command, ";"]);
        sequence.extend(command.split(' '));
    }
    ask(&sequence[1..])
}

pub fn wait_hidden(world: &World, session: &str) {
    eventually("the view's options", || (hidden(world, session) == HIDDEN).then_some(()));
    // The view is still at it while it holds the lock; what becomes of one that is killed then has a test of its own.
    let lock = || world.worker_tmux("w", &["show-options", "-sqv", "@factory-worker-lock"]);
    eventually("the view to be done", || lock().is_empty().then_some(()));
}

#[track_caller]
pub fn wait_as_before(world: &World, before: &str) {
    eventually_or_show("everything to be as before", || {
        let now = everything(world);
        if now == before { Ok(()) } else { Err(format!("now:\n{now}\nbefore:\n{before}")) }
    });
}

/// Somebody else's client: a plain tmux in a terminal of its own.
pub struct Stranger(Child);

impl Stranger {
    pub fn attaches(world: &World, session: &str) -> Self {
        let id = world.session_id("w", session);
        let socket = world.worker_directory("w").join("tmux.sock");
        let line = format!("exec tmux -S '{}' attach -t '{id}'", socket.display());
        let mut command = world.program("script");
        command.args(["-qfc", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    pub fn leaves(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

pub fn clients(world: &World) -> usize {
    world.worker_tmux("w", &["list-clients"]).lines().count()
}
