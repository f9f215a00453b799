//! The round trip of a key: through a window of ours, and through two that hold the raw command.

use std::process::Command;
use std::time::{Duration, Instant};

use kubesim::Cluster;

use crate::operator::Operator;
use crate::pty::Pty;
use crate::support::{BIN, World};

/// Keys whose echo is nothing that a terminal's own sequences hold.
const KEYS: &str = "αβγδεζηθικλμνξοπρστυφχψω";

/// Medians, and how much they differ.
#[derive(Debug)]
pub struct Typing {
    pub keys: usize,
    pub ours: Duration,
    pub raw: [Duration; 2],
}

impl Typing {
    /// How much slower ours is than the faster of the raw ones.
    pub fn ratio(&self) -> f64 {
        self.ours.as_secs_f64() / self.raw[0].min(self.raw[1]).as_secs_f64()
    }

    /// How much the raw ones differ.
    pub fn spread(&self) -> f64 {
        self.raw[0].max(self.raw[1]).as_secs_f64() / self.raw[0].min(self.raw[1]).as_secs_f64()
    }
}

/// Type so many keys into each of the three, in turn.
pub fn run(keys: usize) -> Typing {
    let cluster = Cluster::start();
    let echo = "stty raw -echo; echo I am here; exec cat";
    let sessions = ["ours", "raw-0", "raw-1"];
    let workload = sessions.iter().fold(cluster.deployment("fleet"), |workload, name| workload.session(name, echo));
    let worker = workload.start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let pod = format!("pod/{}", worker.pod().name());
    let raw = |session| {
        let target = format!("={session}");
        let attach = ["tmux", "-u", "-T", "256,RGB,clipboard,title,mouse,focus,bpaste", "attach-session", "-t", &target];
        let exec = ["kubectl", "exec", "-it", &pod, "--", "env", "TERM=tmux-256color", "LC_ALL=C.UTF-8"];
        [&exec[..], &attach].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let ours = [BIN, "attach", "w/ours"].map(str::to_owned).to_vec();
    let mut windows: Vec<Pty> = [ours, raw("raw-0"), raw("raw-1")]
        .iter()
        .zip(sessions)
        .map(|(command, name)| window(&operator.world, name, command))
        .collect();
    for window in &windows {
        window.wait("I am here");
    }
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    // The first ones find out whether all are there.
    for (number, key) in KEYS.chars().cycle().take(keys + 10).enumerate() {
        for turn in 0..windows.len() {
            let which = (number + turn) % windows.len();
            let time = round_trip(&mut windows[which], key);
            if number >= 10 {
                times[which].push(time);
            }
        }
    }
    let [ours, one, two] = times.map(median);
    Typing { keys, ours, raw: [one, two] }
}

/// A tmux of its own with one window, on a terminal of its own.
fn window(world: &World, name: &str, command: &[String]) -> Pty {
    let mut tmux: Command = world.program("tmux");
    let socket = world.path(&format!("{name}.sock"));
    tmux.arg("-u").arg("-S").arg(socket).args(["-f", "/dev/null", "new-session", "-x", "100", "-y", "30", "--"]).args(command);
    tmux.args([";", "set", "-g", "status", "off", ";", "set", "-s", "escape-time", "0"]);
    Pty::run(tmux)
}

fn round_trip(window: &mut Pty, key: char) -> Duration {
    let mark = window.mark();
    let key = key.to_string();
    let begin = Instant::now();
    window.type_bytes(key.as_bytes());
    window.wait_behind(mark, key.as_bytes());
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
