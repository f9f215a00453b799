//! A running container: a directory with its own HOME, TMUX_TMPDIR and PATH, and everything that runs with these.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;

use crate::applets::link_applets;
use crate::image::{Image, Oddity};
use crate::namespaces::Namespaces;
use crate::program_file::write_executable;
use crate::reap;
use crate::tmux;

/// Where the programs of this machine are, in a container's PATH.
pub const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Debug)]
pub struct Container {
    pub name: String,
    directory: PathBuf,
    env: Vec<(String, String)>,
    /// Those that every command has to make anew.
    oddities: Vec<Oddity>,
    namespaces: Option<Namespaces>,
    stopped: AtomicBool,
    /// The pid of its first process, 0 when there is none.
    first: AtomicI32,
}

impl Container {
    /// Make the directory of a container. Nothing runs yet.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn create(
        directory: PathBuf,
        pod: &Value,
        spec: &Value,
        image: &Image,
        configuration: Vec<(String, String)>,
    ) -> io::Result<Self> {
        for part in ["home", "tmp", "bin"] {
            fs::create_dir_all(directory.join(part))?;
        }
        fs::set_permissions(directory.join("tmp"), fs::Permissions::from_mode(0o1777))?;
        for (name, text) in &image.scripts {
            write_executable(&directory.join("bin").join(name), text)?;
        }
        let own = directory.join("usr-bin");
        let programs = if image.oddities.contains(&Oddity::Busybox) {
            link_applets(&own, &image.missing)?;
            text(&own)
        } else if image.missing.is_empty() {
            SYSTEM_PATH.to_owned()
        } else {
            link_programs(&own, &image.missing)?;
            text(&own)
        };
        let mut env = vec![
            ("PATH".to_owned(), format!("{}:{programs}", text(&directory.join("bin")))),
            ("HOSTNAME".to_owned(), pod["metadata"]["name"].as_str().unwrap_or_default().to_owned()),
            ("HOME".to_owned(), text(&directory.join("home"))),
            ("TMUX_TMPDIR".to_owned(), text(&directory.join("tmp"))),
            // Where the API is, as the kubelet tells every container; nobody listens there.
            ("KUBERNETES_SERVICE_HOST".to_owned(), "10.96.0.1".to_owned()),
            ("KUBERNETES_SERVICE_PORT".to_owned(), "443".to_owned()),
        ];
        env.extend(image.env.iter().cloned());
        env.extend(configuration);
        // HOME stays where the container's directory is: the one that the spec may name is another machine's.
        env.extend(env_of(spec, pod).into_iter().filter(|(name, _)| name != "HOME"));
        let name = spec["name"].as_str().unwrap_or_default().to_owned();
        let namespaces = Namespaces::of(&image.oddities, &env)?;
        Ok(Self {
            name,
            directory,
            env,
            oddities: image.oddities.iter().copied().filter(|oddity| !oddity.is_kept()).collect(),
            namespaces,
            stopped: AtomicBool::new(false),
            first: AtomicI32::new(0),
        })
    }

    /// Say what lies elsewhere in a root directory of its own: `SOURCE TARGET` lines, and where commands begin.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn mounts(&self, lines: &str, working_directory: &str) -> io::Result<()> {
        fs::write(self.directory.join("mounts"), lines)?;
        fs::write(self.directory.join("working-directory"), working_directory)
    }

    pub fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    /// The text its first process has written so far.
    pub fn log_path(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// A command with the container's surroundings and nothing else.
    ///
    /// # Errors
    /// What the container runtime says when there is no such program.
    pub fn command(&self, argv: &[String]) -> Result<Command, String> {
        let (program, arguments) = argv.split_first().ok_or("no command specified")?;
        let path = self.find(program)?;
        let mut command = match self.oddities[..] {
            [] => Command::new(path),
            _ => self.odd(&path),
        };
        command.args(arguments).env_clear().envs(self.env.iter().cloned()).current_dir(self.home()).stdin(Stdio::null());
        if let Some(namespaces) = &self.namespaces {
            namespaces.enter(&mut command, &self.home()).map_err(|error| error.to_string())?;
        }
        Ok(command)
    }

    /// The beginning of a command that makes the container's odd surroundings first.
    fn odd(&self, program: &Path) -> Command {
        let mut command = Command::new("/usr/bin/unshare");
        command.arg("--mount");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--", "/bin/sh", "-c", include_str!("surroundings.sh"), "sh"]).arg(&self.directory).arg(self.path());
        command.args(self.oddities.iter().map(|oddity| oddity.word())).arg("--").arg(program);
        command
    }

    fn path(&self) -> &str {
        self.env.iter().rev().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str())
    }

    fn find(&self, program: &str) -> Result<PathBuf, String> {
        if program.contains('/') {
            let path = Path::new(program);
            return if executable(path) {
                Ok(path.to_owned())
            } else {
                Err(format!("exec: \"{program}\": stat {program}: no such file or directory"))
            };
        }
        let found = self.path().split(':').map(|directory| Path::new(directory).join(program)).find(|path| executable(path));
        found.ok_or_else(|| format!("exec: \"{program}\": executable file not found in $PATH"))
    }

    /// Start a session of its tmux server, 100 columns by 30 rows; the name is taken literally.
    ///
    /// # Errors
    /// What tmux said.
    pub fn start_session(&self, name: &str, command: &str) -> Result<(), String> {
        // Whoever works there has brought what they need.
        let command = if self.path().ends_with(SYSTEM_PATH) {
            command.to_owned()
        } else {
            format!("PATH={}:{SYSTEM_PATH}; {command}", self.path())
        };
        let words = tmux::new_session(name, None, &command);
        self.tmux(&words.iter().map(String::as_str).collect::<Vec<_>>()).map(drop)
    }

    /// Ask its tmux server, from the side.
    ///
    /// # Errors
    /// What tmux said.
    pub fn tmux(&self, arguments: &[&str]) -> Result<String, String> {
        let argv: Vec<String> = ["tmux", "-u"].iter().chain(arguments).map(|&word| word.to_owned()).collect();
        let output = self.command(&argv)?.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Everything that runs in it.
    pub fn processes(&self) -> Vec<i32> {
        reap::processes_of(&self.directory)
    }

    /// How many in it have ended that nobody waits for.
    pub fn zombies(&self) -> usize {
        self.namespaces.as_ref().map_or(0, Namespaces::zombies)
    }

    /// Its first process runs.
    pub fn begins_with(&self, pid: i32) {
        self.first.store(pid, Ordering::SeqCst);
    }

    /// Its first process has ended.
    pub fn first_has_ended(&self) {
        self.first.store(0, Ordering::SeqCst);
    }

    /// Ask its first process to end, and wait for that.
    pub fn ask_to_end(&self, grace: Duration) {
        let end = Instant::now() + grace;
        let pid = self.first.load(Ordering::SeqCst);
        if pid == 0 || kill(Pid::from_raw(pid), Signal::SIGTERM).is_err() {
            return;
        }
        while self.first.load(Ordering::SeqCst) == pid && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// End everything that runs in it; nothing can be started in it afterwards.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        reap::kill_processes_of(&self.directory);
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// The `env` of a container's spec, as far as it is plain values and the names of its pod.
fn env_of(spec: &Value, pod: &Value) -> Vec<(String, String)> {
    let variables = spec["env"].as_array().into_iter().flatten();
    let value = |variable: &Value| {
        let field = variable.pointer("/valueFrom/fieldRef/fieldPath").and_then(Value::as_str);
        match field {
            Some("metadata.name") => pod["metadata"]["name"].as_str().map(str::to_owned),
            Some("metadata.namespace") => pod["metadata"]["namespace"].as_str().map(str::to_owned),
            _ => variable["value"].as_str().map(str::to_owned),
        }
    };
    variables.filter_map(|variable| Some((variable["name"].as_str()?.to_owned(), value(variable)?))).collect()
}

/// A directory of links to all programs of this machine but a few.
fn link_programs(directory: &Path, missing: &[String]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut seen: HashSet<_> = missing.iter().map(Into::into).collect();
    for place in SYSTEM_PATH.split(':') {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            if seen.insert(entry.file_name()) {
                symlink(entry.path(), directory.join(entry.file_name()))?;
            }
        }
    }
    Ok(())
}

/// Whether it is a program.
pub fn executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
