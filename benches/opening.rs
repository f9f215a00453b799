//! From the command to the first prompt of a window on a session in a pod, beside the raw command in a window of the same tmux.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use kubesim::{Cluster, Fault, Pod, everything};

use crate::operator::Operator;
use crate::pty::Pty;
use crate::support::{World, eventually};
use crate::table::{Bound, Row};
use crate::timing::{SLOW_ROUNDS, measure};

const ROUND_TRIP: Duration = Duration::from_millis(50);
/// What the sessions show, and nothing else.
const PROMPT: &str = "the-prompt-is-here";

/// The operator's tmux on a terminal of its own.
struct Terminal<'a> {
    world: &'a World,
    socket: PathBuf,
    pty: Pty,
}

impl<'a> Terminal<'a> {
    fn start(world: &'a World) -> Self {
        let socket = world.path("operator.sock");
        let mut tmux = world.program("tmux");
        tmux.arg("-u").arg("-S").arg(&socket).args(["-f", "/dev/null", "new-session", "-x", "100", "-y", "30", "--", "cat"]);
        tmux.args([";", "set", "-g", "status", "off", ";", "set", "-s", "escape-time", "0"]);
        let pty = Pty::run(tmux);
        eventually("the operator's tmux", || socket.exists().then_some(()));
        Self { world, socket, pty }
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut tmux = self.world.program("tmux");
        tmux.arg("-u").arg("-S").arg(&self.socket).args(arguments);
        tmux
    }

    fn ask(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.tmux(arguments).output().unwrap().stdout).unwrap()
    }

    /// How long it takes until the session's prompt is on the screen; then the window is closed, and no client stays.
    fn time(&self, mut opens: Command, pod: &Pod) -> Duration {
        let mark = self.pty.mark();
        let begin = Instant::now();
        let output = opens.output().unwrap();
        assert!(output.status.success(), "{opens:?}: {output:?}");
        self.pty.wait_behind(mark, PROMPT.as_bytes());
        let took = begin.elapsed();
        eventually("the client", || (!pod.clients().is_empty()).then_some(()));
        self.ask(&["kill-window"]);
        eventually("the window to go", || (self.ask(&["list-windows"]).lines().count() == 1).then_some(()));
        // kubectl leaves its client attached when it is ended.
        pod.try_tmux(&["detach-client", "-s", "=raw"]);
        eventually("the clients to go", || pod.clients().is_empty().then_some(()));
        let untouched = || !pod.tmux(&["show-options", "-s"]).contains("@factory-worker");
        eventually("the options to be put back", || untouched().then_some(()));
        took
    }
}

/// A session that this machine has never shown, and one that it has.
pub fn rows() -> [Row; 2] {
    let cluster = Cluster::start();
    let shows = format!("stty raw -echo; echo {PROMPT}; exec cat");
    let worker = cluster.deployment("fleet").session("ours", &shows).session("raw", &shows).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
    let (world, pod) = (&operator.world, worker.pod());
    let terminal = Terminal::start(world);
    let inside = terminal.ask(&["display-message", "-p", "#{socket_path},#{pid},0"]);
    let name = format!("pod/{}", pod.name());
    let raw = || {
        let exec = ["new-window", "--", "kubectl", "exec", "-it", &name, "--", "env", "TERM=tmux-256color", "LC_ALL=C.UTF-8"];
        terminal.time(terminal.tmux(&[&exec[..], &["tmux", "-u", "attach-session", "-t", "=raw"]].concat()), &pod)
    };
    let ours = || {
        let mut open = world.command(&["open", "w/ours"]);
        open.env("TMUX", inside.trim_end());
        terminal.time(open, &pod)
    };
    let first = || {
        let _ = fs::remove_dir_all(world.path("state"));
        assert_eq!(operator.rows()[0]["status"], "running");
        ours()
    };
    let never = measure(SLOW_ROUNDS, first, raw);
    let before = measure(SLOW_ROUNDS, ours, raw);
    let beside = "`kubectl exec -it … tmux attach` in a window";
    [
        Row::time("`open`, from the command to the prompt", never, beside, Bound::Times(1.25)),
        Row::time("`open` of what was shown here before", before, beside, Bound::Times(1.15)),
    ]
}
