//! A window on a session in a pod of a simulated cluster, and what can be done to it.

#![allow(dead_code)] // every test binary uses its own part

use std::cell::RefCell;
use std::fs;
use std::time::{Duration, Instant};

use kubesim::{Cluster, PATIENCE, Pod, Running, eventually_or_show, requests_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::operator::Operator;
use crate::support::{BIN, Screen, eventually};
use crate::traces::running;

/// What runs in the session: it notes each line that is typed.
pub const APP: &str = "echo I am qa; while IFS= read -r line; do echo \"$line\" >>typed; done";

/// A key counts only after a second without any.
pub const MORE_THAN_A_SECOND: Duration = Duration::from_millis(1600);

/// What looks after the worker's pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Deployment,
    StatefulSet,
}

/// A cluster with the worker `w`: a pod of `fleet` with the session `qa`.
pub struct Factory {
    pub operator: Operator,
    pub worker: Running,
}

impl Factory {
    pub fn start(kind: Kind) -> Self {
        Self::start_with(kind, "")
    }

    /// With more lines at the end of the registry.
    pub fn start_with(kind: Kind, settings: &str) -> Self {
        Self::of(Cluster::start(), kind, settings)
    }

    pub fn of(cluster: Cluster, kind: Kind, settings: &str) -> Self {
        let workload = match kind {
            Kind::Deployment => cluster.deployment("fleet"),
            Kind::StatefulSet => cluster.stateful_set("fleet"),
        };
        let worker = workload.session("qa", APP).start();
        let operator = Operator::of(cluster).worker("w", "fleet", "");
        let registry = operator.world.registry_path();
        let text = fs::read_to_string(&registry).unwrap();
        fs::write(registry, format!("{text}{settings}")).unwrap();
        Self { operator, worker }
    }

    pub fn pod(&self) -> Pod {
        self.worker.pod()
    }

    /// The window of `w/qa`, connected.
    pub fn window(&self) -> Window<'_> {
        let window = self.opened();
        window.wait_back();
        window
    }

    /// The same, as soon as it is there.
    pub fn opened(&self) -> Window<'_> {
        let screen = self.operator.world.screen();
        screen.run(&["open", "w/qa"]).expect(0);
        let panes = screen.inner(&["list-panes", "-a", "-F", "#{pane_id} #{@factory-worker-view}"]);
        let pane = panes.lines().find_map(|line| line.strip_suffix(" 1")).unwrap().to_owned();
        Window { screen, pane, factory: self, client: RefCell::default() }
    }

    /// No connection any more, and none again before `accept_connections`.
    pub fn cut_off(&self) {
        self.operator.cluster.refuse_connections();
        self.operator.cluster.drop_connections();
    }

    /// Wait until the view knows in which start of the container it is: it has looked at the pod once more than kubectl
    /// had to for the exec.
    pub fn wait_start_known(&self) {
        let looks = || {
            let calls = self.operator.cluster.calls();
            calls.matching(&requests_for("pods").of("fleet")).len()
        };
        eventually("the view to know its container", || (looks() >= 2).then_some(()));
        // It hears the answer when kubectl has ended.
        eventually("kubectl to end", || (self.kubectls().len() == 1).then_some(()));
    }

    /// The lines that were typed into the session, in the pod that there is now.
    pub fn typed(&self) -> Vec<String> {
        let text = fs::read_to_string(self.pod().home().join("typed")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn running(&self) -> Vec<(i32, String)> {
        running(&self.operator.world)
    }

    pub fn processes(&self) -> Vec<String> {
        self.running().into_iter().map(|(_, command)| command).collect()
    }

    pub fn kubectls(&self) -> Vec<i32> {
        self.running().into_iter().filter(|(_, command)| !command.starts_with(BIN)).map(|(id, _)| id).collect()
    }

    /// The kubectl that holds the view's connection.
    pub fn signal_kubectl(&self, signal: Signal) {
        let holds = |(id, command): (i32, String)| (command.contains(" -it ") && !command.starts_with(BIN)).then_some(id);
        let found: Vec<i32> = self.running().into_iter().filter_map(holds).collect();
        assert_eq!(found.len(), 1, "{:?}", self.processes());
        kill(Pid::from_raw(found[0]), signal).unwrap();
    }

    /// The client in the pod.
    pub fn signal_client(&self, signal: Signal) {
        let pid = self.pod().tmux(&["list-clients", "-F", "#{client_pid}"]);
        let pid = self.pod().on_this_machine(pid.trim().parse().unwrap());
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Wait until nothing of a view is left anywhere.
    #[track_caller]
    pub fn wait_clean(&self) {
        let pod = self.pod();
        eventually("the processes to end", || self.processes().is_empty().then_some(()));
        eventually("the client in the pod to go", || pod.clients().is_empty().then_some(()));
        let options = || pod.tmux(&["show-options", "-s"]);
        eventually("the options in the pod to go", || (!options().contains("@factory-worker")).then_some(()));
    }
}

/// An open window on `w/qa`.
pub struct Window<'a> {
    pub screen: Screen<'a>,
    pub pane: String,
    factory: &'a Factory,
    /// The client in the pod that was seen last, by its process.
    client: RefCell<String>,
}

impl Window<'_> {
    pub fn ask(&self, format: &str) -> String {
        self.screen.inner(&["display-message", "-p", "-t", &self.pane, format]).trim_end().to_owned()
    }

    /// The value of `@factory-worker-state`.
    pub fn state(&self) -> String {
        self.ask("#{@factory-worker-state}")
    }

    pub fn name(&self) -> String {
        self.ask("#{window_name}")
    }

    #[track_caller]
    pub fn wait_state(&self, state: &str) {
        // Often: a state may be there for a moment only. Each look is a process, though, and some states take long to come.
        let mut pause = Duration::from_millis(10);
        let mut seen = String::new();
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            seen = self.state();
            if seen == state {
                return;
            }
            std::thread::sleep(pause);
            pause = (pause * 9 / 8).min(Duration::from_millis(60));
        }
        panic!("the state is {seen:?}, not {state:?}; the screen:\n{}", self.screen.text());
    }

    /// Wait until the view is in the session with another client than the one that was seen last.
    #[track_caller]
    pub fn wait_back(&self) {
        let client = eventually_or_show("a new client", || {
            let seen = || format!("the state is {:?}; the screen:\n{}", self.state(), self.screen.text());
            self.new_client().ok_or_else(seen)
        });
        self.client.replace(client);
        self.screen.wait("I am qa");
    }

    /// The client in the pod, by its process.
    pub fn client(&self) -> String {
        self.client.borrow().clone()
    }

    /// Whether another client than this one is the only one there.
    pub fn new_client_than(&self, client: &str) -> bool {
        self.new_client().is_some_and(|now| now != client)
    }

    fn new_client(&self) -> Option<String> {
        let pods = self.factory.worker.pods();
        let pod = pods.iter().rfind(|pod| pod.is_ready())?;
        let pid = pod.try_tmux(&["list-clients", "-F", "#{client_pid}"])?;
        (pid.lines().count() == 1 && *self.client.borrow() != pid && self.state() == "connected").then_some(pid)
    }

    /// Type a line, and wait until the session has read it.
    #[track_caller]
    pub fn types(&self, line: &str) {
        self.screen.enter(line);
        eventually(&format!("{line:?} to arrive"), || self.factory.typed().contains(&line.to_owned()).then_some(()));
    }

    /// Press a key, with a second's silence before it, until the screen is as it should be.
    #[track_caller]
    pub fn key_until(&self, key: &str, what: &str, good: impl Fn(&str) -> bool) {
        eventually(what, || {
            std::thread::sleep(MORE_THAN_A_SECOND);
            if good(&self.screen.text()) {
                return Some(());
            }
            self.screen.keys(&[key]);
            let end = Instant::now() + Duration::from_secs(2);
            while Instant::now() < end {
                if good(&self.screen.text()) {
                    return Some(());
                }
                std::thread::sleep(Duration::from_millis(40));
            }
            None
        });
    }

    /// Press a key until the view is connected.
    #[track_caller]
    pub fn key_until_back(&self, key: &str) {
        self.key_until(key, "the session", |_| self.state() == "connected");
        self.wait_back();
    }

    /// Our own process in the window.
    pub fn signal(&self, signal: Signal) {
        let pid: i32 = self.ask("#{pane_pid}").parse().unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    pub fn close(&self) {
        self.screen.run(&["close", "w/qa"]).expect(0);
    }
}
