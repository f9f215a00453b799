//! A world for one black-box test: its own HOME and registry, and local workers with real tmux servers.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubesim::{Guard, Oddity, Ran, kill_processes_of, link_applets, tmux};
use tempfile::TempDir;

use super::screen::Screen;
use super::{BIN, ROOT, is_at_least};

/// It ends when it is dropped, also when the test fails.
pub struct World {
    directory: TempDir,
    registry: String,
    env: Vec<(String, String)>,
    /// Ends and removes everything when this process is killed.
    _guard: Guard,
}

impl World {
    /// Nothing yet but an empty HOME.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("fw").tempdir().unwrap();
        fs::create_dir_all(directory.path().join("home/.factory")).unwrap();
        // Where sockets are.
        DirBuilder::new().mode(0o700).create(directory.path().join("run")).unwrap();
        let guard = Guard::of(directory.path()).unwrap();
        if Oddity::of_all().contains(&Oddity::Busybox) {
            // A worker on this machine has the programs that whoever asks it has.
            link_applets(&directory.path().join("applets"), &[]).unwrap();
        }
        Self { directory, registry: String::new(), env: Vec::new(), _guard: guard }
    }

    /// A local worker, without a queue command unless `with` gives one.
    pub fn worker(self, name: &str) -> Self {
        self.worker_with(name, "")
    }

    /// A local worker with more YAML lines under its entry, e.g. `"commands: {queue: …}"`.
    pub fn worker_with(self, name: &str, more: &str) -> Self {
        let directory = self.worker_directory(name);
        fs::create_dir_all(&directory).unwrap();
        let mut entry = format!("  - name: {name}\n    local: {}\n", directory.display());
        if !more.contains("commands:") {
            entry.push_str("    commands: {queue: \"\"}\n");
        }
        for line in more.lines() {
            let _ = writeln!(entry, "    {line}");
        }
        self.entry(&entry)
    }

    /// Any text under `workers:`, indented by two.
    pub fn entry(mut self, yaml: &str) -> Self {
        self.registry.push_str(yaml);
        let text = format!("workers:\n{}", self.registry);
        fs::write(self.registry_path(), text).unwrap();
        self
    }

    /// An environment variable for everything that is started in this world.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub fn registry_path(&self) -> PathBuf {
        self.home().join(".factory/workers.yaml")
    }

    pub fn worker_directory(&self, name: &str) -> PathBuf {
        self.directory.path().join("w").join(name)
    }

    /// An executable script in this world's `bin`, which comes first on PATH.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        kubesim::write_executable(&path, text).unwrap();
        path
    }

    /// A program with this world's environment and nothing else of ours.
    pub fn program(&self, name: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(name);
        command.env_clear().envs(self.environment()).current_dir(self.home()).stdin(Stdio::null());
        command
    }

    fn environment(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let [own, applets] = ["bin", "applets"].map(|place| text(self.path(place)));
        let path = format!("{own}:{applets}:{}", std::env::var("PATH").unwrap());
        let mut all = vec![
            ("HOME".to_owned(), text(self.home())),
            ("PATH".to_owned(), path),
            ("XDG_STATE_HOME".to_owned(), text(self.path("state"))),
            ("XDG_RUNTIME_DIR".to_owned(), text(self.path("run"))),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("SHELL".to_owned(), "/bin/sh".to_owned()),
            // What is tested of a command is what it does by itself; tests of the hub let it be.
            ("FACTORY_WORKER_LIVE".to_owned(), "off".to_owned()),
        ];
        // `TEST_WAY=relay`, `TEST_WAY=hub`: whatever tests there are, with every question over a relay, or through a hub.
        if let Ok(way) = std::env::var("TEST_WAY") {
            if way == "hub" {
                all.push(("FACTORY_WORKER_LIVE".to_owned(), "on".to_owned()));
            }
            all.push(("FACTORY_WORKER_WAY".to_owned(), way));
        }
        all.extend(self.env.iter().cloned());
        all
    }

    /// `factory-worker ARGUMENT…`, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(BIN);
        command.args(arguments);
        command
    }

    /// `factory-worker ARGUMENT…`, run to its end without a terminal.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// The same, with something on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        Ran::with_input(self.command(arguments), input)
    }

    /// The tmux of this socket.
    #[track_caller]
    pub fn tmux(&self, socket: &Path, arguments: &[&str]) -> String {
        tmux::on_socket(self.program("tmux"), socket, arguments)
    }

    /// The tmux of a worker.
    #[track_caller]
    pub fn worker_tmux(&self, worker: &str, arguments: &[&str]) -> String {
        self.tmux(&self.worker_directory(worker).join("tmux.sock"), arguments)
    }

    /// Whether a worker's tmux, which has to run, is of this version or newer.
    pub fn worker_is(&self, worker: &str, major: u32, minor: u32) -> bool {
        is_at_least(&self.worker_tmux(worker, &["display-message", "-p", "#{version}"]), major, minor)
    }

    /// A session on a worker that runs `command` (sh), 100 columns by 30 rows. The name is taken literally.
    pub fn session(&self, worker: &str, name: &str, command: &str) {
        let words = tmux::new_session(name, self.worker_directory(worker).to_str(), command);
        self.worker_tmux(worker, &words.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// What the active pane of the session of exactly this name shows.
    pub fn pane(&self, worker: &str, name: &str) -> String {
        tmux::pane(|arguments| self.worker_tmux(worker, arguments), name)
    }

    /// The `$N` of the session of exactly this name.
    pub fn session_id(&self, worker: &str, name: &str) -> String {
        tmux::session_id(|arguments| self.worker_tmux(worker, arguments), name)
    }

    /// The operator's terminal: a tmux with the plugin, 120 columns by 40 rows.
    pub fn screen(&self) -> Screen<'_> {
        self.screen_with(&format!("set -g @factory-worker-bin '{BIN}'\nrun-shell '{ROOT}/factory-worker.tmux'"))
    }

    /// The same with other lines in the inner tmux's configuration (and so without the plugin, unless they load it).
    pub fn screen_with(&self, configuration: &str) -> Screen<'_> {
        Screen::start(self, configuration)
    }

    /// Fails when a hostile name was executed anywhere.
    pub fn assert_nothing_executed(&self) {
        for directory in walk(self.directory.path()) {
            assert!(!directory.join("pwned").exists(), "a hostile name was executed in {}", directory.display());
        }
    }
}

fn walk(top: &Path) -> Vec<PathBuf> {
    let mut found = vec![top.to_owned()];
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(walk(&entry.path()));
        }
    }
    found
}

impl Drop for World {
    fn drop(&mut self) {
        // A view that lives on would write down where it was, into a directory that is gone.
        kill_processes_of(self.directory.path());
    }
}
