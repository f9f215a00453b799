//! Five windows on sessions in five pods, of Debian and of Alpine, 50 ms away, and what was typed into each.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use kubesim::{Cluster, Fault, Pod, Running, everything};

use crate::operator::{Image, Operator};
use crate::support::{ROOT, Screen};
use crate::traces::processes;

pub const VIEWS: usize = 5;
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Nothing takes this long, on a machine however busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long the echo of a key is waited for before another one is typed.
const ECHO: Duration = Duration::from_millis(400);
/// Five windows are looked at, each look is a process, and what that takes those who come back lack.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The operator and the cluster, without windows yet.
pub struct Fleet {
    pub operator: Operator,
    workers: Vec<Running>,
}

impl Fleet {
    pub fn start() -> Self {
        let cluster = Cluster::start();
        let place = |what: &str, number: usize| cluster.directory().join(format!("{what}-{number}")).display().to_string();
        let workers = (0..VIEWS).map(|number| {
            let (kept, noise) = (place("kept", number), place("noise", number));
            let command = format!("exec perl {ROOT}/tests/programs/recorder.pl view-{number} {kept} {noise}");
            // Pods of both kinds, in turn.
            let image = [Image::Debian, Image::Alpine][number % 2];
            let workload = cluster.deployment(&format!("fleet-{number}")).with_all(image.oddities());
            workload.session("qa", &command).session("qa-2", "exec cat").start()
        });
        let workers = workers.collect();
        let operator = Operator::of(cluster);
        let operator = (0..VIEWS).fold(operator, |operator, n| operator.worker(&format!("w{n}"), &format!("fleet-{n}"), ""));
        operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
        Self { operator, workers }
    }

    /// A window for each session, all of them usable.
    pub fn open<'a>(&'a self, screen: &'a Screen<'a>) -> Vec<Window<'a>> {
        let addresses: Vec<String> = (0..VIEWS).map(|number| format!("w{number}/qa")).collect();
        let mut arguments = vec!["open"];
        arguments.extend(addresses.iter().map(String::as_str));
        screen.run(&arguments).expect(0);
        let windows: Vec<_> = (0..VIEWS)
            .map(|number| Window { fleet: self, screen, number, pane: Mutex::default(), typed: Mutex::default() })
            .collect();
        for window in &windows {
            window.find();
            window.wait_usable(Instant::now());
        }
        windows
    }

    pub fn pod(&self, number: usize) -> Pod {
        self.workers[number].pod()
    }

    pub fn worker(&self, number: usize) -> &Running {
        &self.workers[number]
    }

    fn file(&self, what: &str, number: usize) -> PathBuf {
        self.operator.cluster.directory().join(format!("{what}-{number}"))
    }

    /// What nobody waits for in the pods.
    pub fn zombies(&self) -> usize {
        (0..VIEWS).map(|number| self.pod(number).zombies()).sum()
    }

    /// Remote clients and local processes that are still there some time after all windows were closed.
    pub fn leaked(&self) -> (usize, usize) {
        let end = Instant::now() + PATIENCE;
        loop {
            let clients = (0..VIEWS).map(|number| self.pod(number).clients().len()).sum();
            let processes = processes(&self.operator.world).len();
            if (clients, processes) == (0, 0) || Instant::now() > end {
                return (clients, processes);
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// What was typed into a window, word by word.
#[derive(Default)]
struct Typed {
    count: usize,
    seen: Vec<String>,
    unseen: Vec<String>,
    /// While the view was down, before and after.
    down: Vec<String>,
}

/// A window on a session that keeps what is typed into it.
pub struct Window<'a> {
    fleet: &'a Fleet,
    screen: &'a Screen<'a>,
    pub number: usize,
    /// Another one each time that it is opened.
    pane: Mutex<String>,
    typed: Mutex<Typed>,
}

/// What became of what was typed into a window.
#[derive(Debug, Default, Clone, Copy)]
pub struct Verdict {
    pub seen: usize,
    pub typed_while_down: usize,
    /// Words whose echo was seen, and that are not in the session exactly once.
    pub not_once: usize,
    /// Words that are in the session more often than they were typed.
    pub doubled: usize,
    pub arrived_after_down: usize,
    /// Words of other windows.
    pub of_others: usize,
}

impl Window<'_> {
    pub fn pane(&self) -> String {
        self.pane.lock().unwrap().clone()
    }

    pub fn address(&self) -> String {
        format!("w{}/qa", self.number)
    }

    /// Look which pane it is, after it was opened.
    pub fn find(&self) {
        let format = "#{@factory-worker-view}#{@factory-worker-address} #{pane_id}";
        let listing = self.screen.inner(&["list-panes", "-a", "-F", format]);
        let mark = format!("1{} ", self.address());
        let pane = listing.lines().find_map(|line| line.strip_prefix(&mark)).expect("a pane for each");
        pane.clone_into(&mut self.pane.lock().unwrap());
    }

    pub fn ask(&self, format: &str) -> String {
        self.screen.inner(&["display-message", "-p", "-t", &self.pane(), format]).trim_end().to_owned()
    }

    pub fn state(&self) -> String {
        self.ask("#{@factory-worker-state}")
    }

    /// Type a word of its own; gives it, and whether the view was down before and after, or up.
    fn type_word(&self) -> (String, Option<bool>) {
        let word = {
            let mut typed = self.typed.lock().unwrap();
            typed.count += 1;
            format!("[{}:{:06}]", self.number, typed.count)
        };
        let pane = self.pane();
        let state = ["display-message", "-p", "-t", &pane, "#{@factory-worker-state}"];
        let keys = ["send-keys", "-l", "-t", &pane, "--", &word];
        let states = self.screen.inner(&[&state[..], &[";"], &keys, &[";"], &state].concat());
        let down = |state: &str| !matches!(state, "connected" | "stalled");
        let mut states = states.lines().map(down);
        let same = match (states.next(), states.next()) {
            (Some(before), Some(after)) if before == after => Some(after),
            _ => None,
        };
        (word, same)
    }

    /// Type a word while the view may be down; nobody waits for its echo.
    pub fn type_blindly(&self) {
        let (word, down) = self.type_word();
        let mut typed = self.typed.lock().unwrap();
        if down == Some(true) { typed.down.push(word) } else { typed.unseen.push(word) }
    }

    fn shows(&self, text: &str) -> bool {
        self.screen.inner(&["capture-pane", "-p", "-J", "-t", &self.pane()]).contains(text)
    }

    /// Type a word, and see whether it shows; `false` when it does not for a while.
    pub fn type_and_see(&self) -> bool {
        let (word, down) = self.type_word();
        if down == Some(true) {
            self.typed.lock().unwrap().down.push(word);
            return false;
        }
        let end = Instant::now() + ECHO;
        while Instant::now() < end {
            if self.shows(&word) {
                self.typed.lock().unwrap().seen.push(word);
                return true;
            }
            thread::sleep(LOOK_EVERY);
        }
        self.typed.lock().unwrap().unseen.push(word);
        false
    }

    /// Wait until what is typed shows, and say how long after `since` that was.
    ///
    /// # Panics
    /// It never does.
    pub fn wait_usable(&self, since: Instant) -> Duration {
        let end = Instant::now() + PATIENCE;
        loop {
            if self.state() == "connected" && self.type_and_see() {
                return since.elapsed();
            }
            // The key for copy mode may have been on its way when it was left.
            self.leave_copy_mode();
            assert!(
                Instant::now() < end,
                "window {} is not usable: {}; the screen:\n{}",
                self.number,
                self.state(),
                self.screen.inner(&["capture-pane", "-p", "-t", &self.pane()])
            );
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Wait until its first connection has failed, and it says so.
    pub fn wait_first_failed(&self) {
        let end = Instant::now() + PATIENCE;
        while self.state() != "reconnecting" {
            assert!(Instant::now() < end, "window {} does not say that it is not connected: {:?}", self.number, self.state());
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Wait until it has left nothing in its pod.
    pub fn wait_left(&self) {
        let end = Instant::now() + PATIENCE;
        while !self.fleet.pod(self.number).clients().is_empty() {
            assert!(Instant::now() < end, "window {} has left its client", self.number);
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Wait until it is said that the connection stalls, and say how long after `since` that was.
    pub fn wait_stalled(&self, since: Instant) -> Duration {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.state().as_str() {
                "connected" => assert!(Instant::now() < end, "window {} does not notice that nothing comes", self.number),
                _ => return since.elapsed(),
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    pub fn wait_down(&self) {
        let end = Instant::now() + PATIENCE;
        while matches!(self.state().as_str(), "connected" | "stalled") {
            assert!(Instant::now() < end, "window {} does not notice that it is cut off: {}", self.number, self.state());
            thread::sleep(LOOK_EVERY);
        }
    }

    pub fn noise(&self, on: bool) {
        let file = self.fleet.file("noise", self.number);
        if on { fs::write(file, "").unwrap() } else { drop(fs::remove_file(file)) }
    }

    /// The key that the plugin sends.
    pub fn enter_copy_mode(&self) {
        self.screen.inner(&["send-keys", "-t", &self.pane(), "-H", "1b", "5b", "37", "37", "33", "31", "7e"]);
    }

    pub fn leave_copy_mode(&self) {
        let _ = self.fleet.pod(self.number).try_tmux(&["send-keys", "-t", "qa:", "-X", "cancel"]);
    }

    /// Whether its one client is in the session that it is meant to be in.
    pub fn is_in_its_session(&self) -> bool {
        let clients = self.fleet.pod(self.number).tmux(&["list-clients", "-F", "#{client_session}"]);
        clients == "qa\n"
    }

    pub fn verdict(&self) -> Verdict {
        let kept = fs::read_to_string(self.fleet.file("kept", self.number)).unwrap_or_default();
        let times = |word: &String| kept.matches(word.as_str()).count();
        let typed = self.typed.lock().unwrap();
        let own = format!("[{}:", self.number);
        Verdict {
            seen: typed.seen.len(),
            typed_while_down: typed.down.len(),
            not_once: typed.seen.iter().filter(|word| times(word) != 1).count(),
            doubled: typed.unseen.iter().filter(|word| times(word) > 1).count(),
            arrived_after_down: typed.down.iter().filter(|word| times(word) > 0).count(),
            of_others: kept.matches('[').count() - kept.matches(&own).count(),
        }
    }
}
