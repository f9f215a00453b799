//! Every call to the operator's tmux is made here: argv built with tmux_interface, run with a deadline, and checked.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tmux_interface::{DisplayMessage, ListKeys, ShowOptions, TmuxCommand};

use super::escape;
use super::ids::{ClientName, PaneId};
use super::keys::Bindings;
use super::version::{self, Version};
use crate::exit::{Code, Problem};
use crate::process::{self, End, Finished, Limits};
use crate::terminal::neutralise;

/// Says which client a popup belongs to: tmux sets no such variable of its own, the plugin does.
pub const CLIENT_VARIABLE: &str = "FACTORY_WORKER_CLIENT";

/// A tmux server on this machine answers in milliseconds; one that does not is stopped or swapped out.
const PATIENCE: Duration = Duration::from_secs(5);
const CAP: usize = 4 << 20;

/// The tmux server that this process runs in.
#[derive(Debug, Clone)]
pub struct Tmux {
    program: PathBuf,
    socket: String,
    /// The client whose key made us run, when it is known.
    pub client: Option<ClientName>,
    /// The pane we run in; in a popup the pane under it.
    pub pane: Option<PaneId>,
}

impl Tmux {
    /// The operator's tmux, from `$TMUX` (`SOCKET,PID,SESSION`; the path may have commas too).
    ///
    /// # Errors
    /// We run outside tmux, or there is no tmux to be found on PATH.
    pub fn current() -> Result<Self> {
        let place = env::var("TMUX").unwrap_or_default();
        let Some(socket) = place.rsplitn(3, ',').nth(2).filter(|socket| !socket.is_empty()) else {
            return Err(Problem::new(Code::Failed, "this is not inside tmux", "start tmux first, then try again").into());
        };
        Ok(Self {
            program: program()?,
            socket: socket.to_owned(),
            client: env::var(CLIENT_VARIABLE).ok().and_then(|name| ClientName::parse(&name)),
            pane: env::var("TMUX_PANE").ok().and_then(|id| PaneId::parse(&id)),
        })
    }

    /// The tmux server that listens there.
    ///
    /// # Errors
    /// There is no tmux to be found on PATH, or tmux could not be given such a path.
    pub fn at(socket: &Path) -> Result<Self> {
        let socket = socket.to_str().context("a socket's path is not UTF-8")?.to_owned();
        Ok(Self { program: program()?, socket, client: None, pane: None })
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        Path::new(&self.socket)
    }

    /// Run commands, one after the other in one call, and give what they print.
    ///
    /// # Errors
    /// The first that tmux refuses, with tmux's own words; those behind it were not run.
    pub fn run(&self, commands: &[TmuxCommand<'_>]) -> Result<String> {
        self.ask_within(commands, PATIENCE)
    }

    /// The same for a server that may not be worth waiting for.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn ask_within(&self, commands: &[TmuxCommand<'_>], patience: Duration) -> Result<String> {
        let done = self.call(commands, patience)?;
        match done.end {
            End::Exited(0) => {
                let said = String::from_utf8_lossy(&done.stdout);
                Ok(if version::of_pane().as_deref() == Some("3.4") { escape::printed_by_3_4(&said) } else { said.into_owned() })
            }
            _ => bail!("{}", complaint(&done)),
        }
    }

    /// The values that options have here (`on`, `off`, or a word), in the order of their names. One call.
    pub fn options(&self, names: &[&str]) -> Result<Vec<String>> {
        let question = |name: &&str| DisplayMessage::new().print().message(format!("#{{{name}}}")).build();
        let questions: Vec<_> = names.iter().map(question).collect();
        // Formats have 1 and 0 for on and off.
        let value = |line: &str| match line {
            "1" => "on".to_owned(),
            "0" => "off".to_owned(),
            other => other.to_owned(),
        };
        Ok(self.run(&questions)?.lines().map(value).collect())
    }

    /// The value of a global option; empty when it is not set, or set to nothing.
    pub fn option(&self, name: &str) -> Result<String> {
        let value = self.run(&[ShowOptions::new().global().quiet().value().option(name).build()])?;
        Ok(value.trim_end_matches('\n').to_owned())
    }

    /// Whether a global option is set, be it to nothing.
    pub fn is_set(&self, name: &str) -> Result<bool> {
        Ok(!self.run(&[ShowOptions::new().global().quiet().option(name).build()])?.is_empty())
    }

    /// Every key that is bound. One alone is asked for only in need: 3.7 shows its line to whoever is there, and prints nothing.
    ///
    /// # Errors
    /// tmux does not say.
    pub fn bindings(&self) -> Result<Bindings> {
        self.run(&[ListKeys::new().build()]).map(Bindings::of)
    }

    /// What a key behind the prefix is bound to, by any of its names; `None` when it is free, or tmux (3.7) does not say.
    pub fn binding(&self, key: &str) -> Option<String> {
        let mut list = ListKeys::new().key_table("prefix").build();
        escape::positional(&mut list, [key]);
        self.run(&[list]).ok().filter(|binding| !binding.trim().is_empty())
    }

    fn call(&self, commands: &[TmuxCommand<'_>], patience: Duration) -> Result<Finished> {
        let mut command = Command::new(&self.program);
        // -u: under a C locale tmux would print `_` for every character that is not ASCII.
        command.args(["-u", "-S", &self.socket]);
        for (place, words) in commands.iter().enumerate() {
            if place > 0 {
                command.arg(";");
            }
            command.args(words.to_vec().iter().map(|word| escape::argument(word).into_owned()));
        }
        let limits = Limits { deadline: Instant::now() + patience, cap: CAP };
        process::run(command, b"", limits).with_context(|| format!("cannot run {}", self.program.display()))
    }
}

/// The tmux on PATH.
fn program() -> Result<PathBuf, Problem> {
    which::which("tmux").map_err(|_| Problem::new(Code::Failed, "cannot find tmux on PATH", "install tmux 3.2 or newer"))
}

/// The version of the tmux on PATH, e.g. `3.3a`.
///
/// # Errors
/// There is none, or it does not say.
pub fn version() -> Result<String> {
    let program = self::program()?;
    let mut command = Command::new(&program);
    command.arg("-V");
    let done = process::run(command, b"", Limits { deadline: Instant::now() + PATIENCE, cap: CAP })
        .with_context(|| format!("cannot run {}", program.display()))?;
    let said = neutralise::plain(&done.stdout);
    match Version::reported(&said) {
        Some(version) if done.end == End::Exited(0) => Ok(version.to_owned()),
        _ => bail!("{}", complaint(&done)),
    }
}

/// What tmux said when it failed, as one line.
fn complaint(done: &Finished) -> String {
    let said = neutralise::plain(&done.stderr);
    match said.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => format!("tmux: {line}"),
        None if done.end == End::Deadline => "tmux does not answer".to_owned(),
        None => format!("tmux failed ({})", done.end),
    }
}
