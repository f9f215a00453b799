//! The real entrypoint, run as the first process of a worker, with stand-ins for what it starts.

#![allow(dead_code)] // every test binary uses its own part

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::support::eventually;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Surroundings of one worker: its own HOME, tmux server and PATH.
pub struct Surroundings {
    directory: TempDir,
    env: Vec<(String, String)>,
    /// A shell command line that prepares the namespace of mounts in which the entrypoint then runs.
    mounts: Option<String>,
    user: Option<u32>,
    /// Words before the entrypoint: without what else it may do, or under what it runs.
    before: Vec<String>,
}

/// Makes everything read-only but the surroundings.
const READ_ONLY: &str = r#"mount --make-rprivate /; mount --bind "${HOME%/*}" "${HOME%/*}"
for place in / /usr; do
    flags=$(findmnt -n -o VFS-OPTIONS -T "$place")
    mount -o "remount,bind,ro,${flags#rw,}" "$(findmnt -n -o TARGET -T "$place")"
done"#;

impl Surroundings {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("fw").tempdir().unwrap();
        for part in ["home", "tmp"] {
            fs::create_dir(directory.path().join(part)).unwrap();
        }
        Self { directory, env: Vec::new(), mounts: None, user: None, before: Vec::new() }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sessions, one per line as in `FACTORY_SESSIONS`, that are started again after a moment.
    pub fn sessions(self, list: &str) -> Self {
        self.env("FACTORY_SESSIONS", list).env("FACTORY_PAUSE", "1")
    }

    /// Mount something first; `$DATA` is the data directory.
    pub fn mount(mut self, script: &str) -> Self {
        self.mounts = Some(script.to_owned());
        self
    }

    /// Run as this user. What is there already becomes theirs.
    pub fn user(mut self, uid: u32) -> Self {
        self.user = Some(uid);
        self
    }

    /// As the component `restricted` has it: an ordinary user where we can be another one, nothing writable but HOME and the
    /// directory of temporary files, no capabilities and none to be had.
    pub fn restricted(mut self) -> Self {
        let drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"];
        self.before = drop.map(str::to_owned).to_vec();
        let tmp = self.directory.path().join("tmp");
        self.mount(READ_ONLY).user(1000).env("TMPDIR", tmp.to_str().unwrap())
    }

    /// As the image has it: under tini, which here has to say that it adopts, since it is not the first process of all.
    pub fn under_tini(mut self) -> Self {
        let text = fs::read_to_string(repository("deploy/Dockerfile")).unwrap();
        let words = text.lines().find_map(|line| line.strip_prefix("ENTRYPOINT ")).expect("an ENTRYPOINT");
        self.before = serde_json::from_str(words).unwrap();
        assert_eq!(self.before.pop().as_deref(), Some("/usr/local/bin/entrypoint.sh"));
        self.env("TINI_SUBREAPER", "1")
    }

    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub fn data(&self) -> PathBuf {
        self.home().join(".factory")
    }

    pub fn start(self) -> Worker {
        let log = self.directory.path().join("log");
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(File::create(&log).unwrap()).stderr(File::options().append(true).open(&log).unwrap());
        let child = command.process_group(0).spawn().unwrap();
        Worker { surroundings: self, child, log }
    }

    fn command(&self) -> Command {
        let entrypoint = format!("{ROOT}/deploy/entrypoint.sh");
        let mut words: Vec<String> = Vec::new();
        let is_root = nix::unistd::geteuid().is_root();
        if let Some(script) = &self.mounts {
            let script = format!("set -e; {script}\nexec \"$0\" \"$@\"");
            words.push("unshare".to_owned());
            // Who becomes another user needs more users than root in the namespace.
            words.extend((!is_root || self.user.is_none()).then(|| "--map-root-user".to_owned()));
            words.extend(["--mount", "sh", "-c", &script].map(str::to_owned));
        }
        if let Some(uid) = self.user.filter(|_| is_root) {
            for path in [self.directory.path().to_owned(), self.home(), self.directory.path().join("tmp")] {
                std::os::unix::fs::chown(&path, Some(uid), Some(uid)).unwrap();
            }
            words.extend(["setpriv", &format!("--reuid={uid}"), &format!("--regid={uid}"), "--clear-groups"].map(str::to_owned));
        }
        words.extend(self.before.iter().cloned());
        words.push(entrypoint);
        let mut command = self.program(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// A program in these surroundings, as an exec into the container starts it.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        let path = format!("{ROOT}/tests/deploy/stand-ins:{}", std::env::var("PATH").unwrap());
        command.env_clear().env("PATH", path).env("HOME", self.home()).env("DATA", self.data());
        command.env("TMUX_TMPDIR", self.directory.path().join("tmp")).env("SHELL", "/bin/sh").env("PS1", "$ ");
        command.envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(self.home());
        command
    }
}

/// A worker that runs, or has ended.
pub struct Worker {
    surroundings: Surroundings,
    child: Child,
    log: PathBuf,
}

impl Worker {
    pub fn home(&self) -> PathBuf {
        self.surroundings.home()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    #[track_caller]
    pub fn wait_for_log(&self, text: &str) -> String {
        eventually_in(&format!("{text:?} in the log"), || self.log(), |log| log.contains(text))
    }

    #[track_caller]
    pub fn wait_for_file(&self, name: &str) -> String {
        let path = self.home().join(name);
        eventually(&format!("the file {name}; the log: {}", self.log()), || {
            fs::read_to_string(&path).ok().filter(|text| !text.is_empty())
        })
    }

    /// A question to its tmux; what it printed, or "" when it failed.
    pub fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.surroundings.program("tmux").arg("-u").args(arguments).output().unwrap();
        if output.status.success() { String::from_utf8(output.stdout).unwrap() } else { String::new() }
    }

    pub fn sessions(&self) -> Vec<String> {
        self.tmux(&["list-sessions", "-F", "#{session_name}"]).lines().map(str::to_owned).collect()
    }

    pub fn screen(&self, session: &str) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-", "-t", &format!("={session}:")])
    }

    #[track_caller]
    pub fn wait_for_screen(&self, session: &str, text: &str) -> String {
        eventually_in(&format!("{text:?} in {session}"), || self.screen(session), |screen| screen.contains(text))
    }

    pub fn enter(&self, session: &str, line: &str) {
        self.tmux(&["send-keys", "-t", &format!("={session}:"), line, "Enter"]);
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The process that was started first.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the worker to end", || child.try_wait().unwrap())
    }

    /// The command lines of everything that runs in these surroundings.
    pub fn processes(&self) -> Vec<String> {
        let mark = format!("HOME={}", self.home().display());
        let all = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let ours = environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes());
            let words = fs::read(entry.path().join("cmdline")).ok().filter(|words| ours && !words.is_empty())?;
            Some(String::from_utf8_lossy(&words).replace('\0', " "))
        });
        all.collect()
    }
}

/// Wait until what is looked at is good, and give it.
#[track_caller]
fn eventually_in(what: &str, mut look: impl FnMut() -> String, good: impl Fn(&str) -> bool) -> String {
    let mut last = String::new();
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(what, || {
            last = look();
            good(&last).then(|| last.clone())
        })
    }));
    found.unwrap_or_else(|_| panic!("waited in vain for {what}; there is:\n{last}"))
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
        self.tmux(&["kill-server"]);
    }
}

/// The repository's file.
pub fn repository(path: &str) -> PathBuf {
    Path::new(ROOT).join(path)
}
