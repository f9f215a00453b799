//! A world for one black-box test: its own HOME and registry, local workers with real tmux servers, and a terminal.
//!
//! The terminal is a tmux of its own (the *outer* one): its pane is a real pty in which the operator's tmux (the *inner*
//! one) has its client, so `keys` are real key presses and `text` is what a person would see, popups included.
//! Everything ends when the world is dropped, also when the test fails.

#![allow(dead_code)] // every test binary uses its own part

pub mod nested;
pub mod shells;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use kubesim::{Guard, kill_processes_of};
use tempfile::TempDir;

pub const BIN: &str = env!("CARGO_BIN_EXE_factory-worker");
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How long a condition may take to come true. Generous: a loaded machine must not fail a test.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often to look, at first and later: each look is a process, and what many who wait for long take, everybody lacks.
const LOOK_EVERY: Duration = Duration::from_millis(15);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(60);

/// Names that are attacks or accidents waiting to happen; every one is a legal tmux session name.
pub const HOSTILE_NAMES: &[&str] = &[
    "with space",
    " outer spaces ",
    "it's",
    "say \"hi\"",
    "a/b/c",
    "#(touch pwned)",
    "#{pane_id}",
    "#[fg=red]x",
    "semi;colon;",
    "ends;",
    "-leading",
    "$0",
    "@0",
    "%0",
    "=x",
    "{last}",
    "!",
    "^",
    "a*",
    "grün-日本語",
    "$(touch pwned)",
    "`touch pwned`",
    "100%",
];

/// A name of 200 characters.
pub fn long_name() -> String {
    "n".repeat(200)
}

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
        let guard = Guard::of(directory.path()).unwrap();
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
        use std::os::unix::fs::PermissionsExt;
        let path = self.path("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Written beside and renamed, so that a copy that is just being executed is never "busy".
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&new, &path).unwrap();
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
        let path = format!("{}:{}", text(self.path("bin")), std::env::var("PATH").unwrap());
        let mut all = vec![
            ("HOME".to_owned(), text(self.home())),
            ("PATH".to_owned(), path),
            ("XDG_STATE_HOME".to_owned(), text(self.path("state"))),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("SHELL".to_owned(), "/bin/sh".to_owned()),
        ];
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
        use std::io::Write;
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Ran::from(output)
    }

    /// The tmux of a worker.
    pub fn worker_tmux(&self, worker: &str, arguments: &[&str]) -> String {
        let socket = self.worker_directory(worker).join("tmux.sock");
        tmux(self.program("tmux"), &socket, Path::new("/dev/null"), arguments)
    }

    /// Whether a worker's tmux, which has to run, is of this version or newer.
    pub fn worker_is(&self, worker: &str, major: u32, minor: u32) -> bool {
        is_at_least(&self.worker_tmux(worker, &["display-message", "-p", "#{version}"]), major, minor)
    }

    /// A session on a worker that runs `command` (sh), 100 columns by 30 rows. The name is taken literally.
    pub fn session(&self, worker: &str, name: &str, command: &str) {
        // tmux expands formats in the name; `#[` is a style to it and stays as it is.
        let name = name.replace('#', "##").replace("##[", "#[");
        let name = name.strip_suffix(';').map_or(name.clone(), |rest| format!("{rest}\\;"));
        let directory = self.worker_directory(worker);
        let directory = directory.to_str().unwrap();
        self.worker_tmux(
            worker,
            &["new-session", "-d", "-x", "100", "-y", "30", "-c", directory, "-s", &name, "--", "sh", "-c", command],
        );
    }

    /// What the active pane of the session of exactly this name shows.
    pub fn pane(&self, worker: &str, name: &str) -> String {
        let id = self.session_id(worker, name);
        self.worker_tmux(worker, &["capture-pane", "-p", "-t", &format!("{id}:")])
    }

    /// The `$N` of the session of exactly this name.
    pub fn session_id(&self, worker: &str, name: &str) -> String {
        let listing = self.worker_tmux(worker, &["list-sessions", "-F", "#{session_id} #{session_name}"]);
        let found = listing.lines().find(|line| line.split_once(' ').is_some_and(|(_, there)| there == name));
        found.unwrap_or_else(|| panic!("no session {name:?} in:\n{listing}")).split(' ').next().unwrap().to_owned()
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

/// A program that ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        // A program that was killed has no code; 128 + N is how shells say it.
        let code = output.status.code().unwrap_or_else(|| {
            use std::os::unix::process::ExitStatusExt;
            128 + output.status.signal().unwrap_or(0)
        });
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// The operator's terminal.
pub struct Screen<'a> {
    world: &'a World,
    outer: PathBuf,
    inner: PathBuf,
}

impl<'a> Screen<'a> {
    fn start(world: &'a World, configuration: &str) -> Self {
        let file = world.path("inner.conf");
        let common = "set -g default-command \"PS1='$ ' exec sh\"\nset -s escape-time 10\nset -g status-right ''\n";
        fs::write(&file, format!("{common}{configuration}\n")).unwrap();
        let screen = Self { world, outer: world.path("outer.sock"), inner: world.path("inner.sock") };
        let (file, inner) = (file.to_str().unwrap(), screen.inner.to_str().unwrap());
        screen.outer(&[
            "new-session",
            "-d",
            "-x",
            "120",
            "-y",
            "40",
            "-s",
            "terminal",
            "--",
            "env",
            "-u",
            "TMUX",
            "-u",
            "TMUX_PANE",
            "tmux",
            "-u",
            "-S",
            inner,
            "-f",
            file,
            "new-session",
            "-s",
            "main",
            "-n",
            "home",
        ]);
        screen.outer(&["set", "-g", "status", "off", ";", "set", "-g", "prefix", "None", ";", "set", "-g", "escape-time", "0"]);
        // 3.2a has not made it as large as it was told to.
        screen.outer(&["resize-window", "-t", "terminal:", "-x", "120", "-y", "40"]);
        screen.wait_until("the prompt", |text| text.starts_with('$'));
        screen
    }

    fn outer(&self, arguments: &[&str]) -> String {
        tmux(self.world.program("tmux"), &self.outer, Path::new("/dev/null"), arguments)
    }

    /// The operator's tmux, asked from the side.
    pub fn inner(&self, arguments: &[&str]) -> String {
        tmux(self.world.program("tmux"), &self.inner, Path::new("/dev/null"), arguments)
    }

    /// Whether the operator's tmux is of this version or newer.
    pub fn is(&self, major: u32, minor: u32) -> bool {
        is_at_least(&self.inner(&["display-message", "-p", "#{version}"]), major, minor)
    }

    /// Make the terminal this large.
    pub fn resize(&self, columns: u32, rows: u32) {
        let [columns, rows] = [columns, rows].map(|size| size.to_string());
        self.outer(&["resize-window", "-t", "terminal:", "-x", &columns, "-y", &rows]);
        let size = format!("{columns}x{rows}");
        eventually("the new size to arrive", || {
            let seen = self.inner(&["list-clients", "-F", "#{client_width}x#{client_height}"]);
            (seen.trim() == size).then_some(())
        });
    }

    /// The socket of the operator's tmux.
    pub fn socket(&self) -> &Path {
        &self.inner
    }

    /// Press keys, by tmux's names for them: `keys(&["C-b", "W"])`.
    pub fn keys(&self, keys: &[&str]) {
        let mut arguments = vec!["send-keys", "-t", "terminal:", "--"];
        arguments.extend(keys);
        self.outer(&arguments);
    }

    /// The prefix and a key.
    pub fn prefix(&self, key: &str) {
        self.keys(&["C-b", key]);
    }

    /// Type text literally, as if it came from the keyboard.
    pub fn type_text(&self, text: &str) {
        let text = text.strip_suffix(';').map_or(text.to_owned(), |rest| format!("{rest}\\;"));
        self.outer(&["send-keys", "-l", "-t", "terminal:", "--", &text]);
    }

    /// Paste text as the terminal does: marked as a paste where the program asked for that, line ends as returns.
    pub fn paste(&self, text: &str) {
        let text = text.strip_suffix(';').map_or(text.to_owned(), |rest| format!("{rest}\\;"));
        self.outer(&["set-buffer", "-b", "pasted", "--", &text, ";", "paste-buffer", "-dp", "-b", "pasted", "-t", "terminal:"]);
    }

    /// Type a command at the shell's prompt.
    pub fn enter(&self, line: &str) {
        self.type_text(line);
        self.keys(&["Enter"]);
    }

    /// What a person sees now.
    pub fn text(&self) -> String {
        self.outer(&["capture-pane", "-p", "-t", "terminal:"])
    }

    /// The same with its colours.
    pub fn coloured(&self) -> String {
        self.outer(&["capture-pane", "-p", "-e", "-t", "terminal:"])
    }

    /// Wait until the screen shows `text`, and give the whole screen.
    #[track_caller]
    pub fn wait(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} to show"), |screen| screen.contains(text))
    }

    /// Wait until the screen does not show `text` any more.
    #[track_caller]
    pub fn wait_gone(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} to go"), |screen| !screen.contains(text))
    }

    #[track_caller]
    pub fn wait_until(&self, what: &str, mut good: impl FnMut(&str) -> bool) -> String {
        let mut looks = Looks::begin();
        loop {
            let screen = self.text();
            if good(&screen) {
                return screen;
            }
            assert!(looks.again(), "waited in vain for {what}; the screen:\n{}", framed(&screen));
        }
    }

    /// `factory-worker ARGUMENT…` as if started in the first pane, run to its end with its output kept off the screen.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let place = format!("{},1,0", self.inner.display());
        Ran::from(self.world.command(arguments).env("TMUX", place).env("TMUX_PANE", "%0").output().unwrap())
    }

    /// The windows of the operator's tmux: `ADDRESS|NAME` each, in order.
    pub fn windows(&self) -> Vec<String> {
        let listing = self.inner(&["list-windows", "-a", "-F", "#{@factory-worker-address}|#{window_name}"]);
        listing.lines().map(str::to_owned).collect()
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        kill_server(&self.inner);
        kill_server(&self.outer);
    }
}

/// Whether tmux's version, e.g. `3.3a` or `next-3.8`, is this one or newer; one without a number is newer than all.
fn is_at_least(version: &str, major: u32, minor: u32) -> bool {
    let mut numbers = version.split(|byte: char| !byte.is_ascii_digit()).filter_map(|digits| digits.parse::<u32>().ok());
    numbers.next().is_none_or(|found| (found, numbers.next().unwrap_or(0)) >= (major, minor))
}

fn framed(screen: &str) -> String {
    screen.trim_end().lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "  | {line}");
        text
    })
}

/// Wait for a condition outside the screen.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut looks = Looks::begin();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(looks.again(), "waited in vain for {what}");
    }
}

/// Looks at something that is waited for, ever more seldom.
struct Looks {
    end: Instant,
    pause: Duration,
}

impl Looks {
    fn begin() -> Self {
        Self { end: Instant::now() + PATIENCE, pause: LOOK_EVERY }
    }

    /// Wait for the next look; `false` when it has taken too long.
    fn again(&mut self) -> bool {
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 5 / 4).min(LOOK_AT_LEAST_EVERY);
        Instant::now() < self.end
    }
}

#[track_caller]
fn tmux(mut command: Command, socket: &Path, configuration: &Path, arguments: &[&str]) -> String {
    command.arg("-u").arg("-S").arg(socket).arg("-f").arg(configuration).args(arguments);
    let output = command.output().unwrap();
    let ran = Ran::from(output);
    assert_eq!(ran.code, 0, "tmux {arguments:?}: {}", ran.stderr);
    ran.stdout
}

fn kill_server(socket: &Path) {
    let _ = Command::new("tmux").arg("-S").arg(socket).arg("kill-server").env_remove("TMUX").output();
}
