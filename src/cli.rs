//! The command line: types and help texts, no behaviour. `build.rs` includes this file to make the man page, so it
//! uses nothing of the crate.

// Said by its path, so that the build script finds it as well.
#[path = "cli/polecat.rs"]
pub mod polecat;
#[path = "cli/worker.rs"]
pub mod worker;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed (a failed command on the worker is 1; its own status is in the message)
  2    usage, or the worker's entry in workers.yaml is invalid
  3    worker not reachable
  4    no such worker, pod, container or session
  5    sent, outcome unknown
  130  interrupted
`list` exits 0 when it has a row for every worker.";

/// Remote agent pods that feel like local tmux panes.
#[derive(Debug, Parser)]
#[command(name = "factory-worker", version, about, after_help = EXIT_CODES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The registry [default: $FACTORY_WORKERS, else ~/.factory/workers.yaml]
    #[arg(long, value_name = "FILE", global = true)]
    pub workers: Option<PathBuf>,
    /// How long one worker may take to answer, e.g. 500ms, 10s, 1m; what somebody else takes to log in is not counted
    #[arg(long, value_name = "TIME", global = true, default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// How many workers are asked at the same time
    #[arg(long, value_name = "N", global = true, default_value = "16", value_parser = count)]
    pub parallel: NonZeroUsize,
    /// When to use colour; auto also obeys NO_COLOR
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: Color,
    /// Print the exact argv of each kubectl and tmux call to standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Whether colour is wanted; `None` when the terminal and the environment decide.
    pub fn wanted(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show all workers with their sessions and queues
    List(List),
    /// Show a worker's own status command and its live sessions
    Status(Status),
    /// Hand an issue to a worker's queue
    Dispatch(Dispatch),
    /// Print a session's recent output without attaching
    Peek(Peek),
    /// Print every change of workers and sessions, as it comes
    ///
    /// First what there is, then a line for each change: a worker answers or does not, a session is made, renamed, ends. Each worker
    /// is held on one connection and tells by itself; no login is begun for one that has to be reached again.
    Watch(Watch),
    /// Wait until sessions are in a state
    ///
    /// Returns at once when it is so now. `gone`: the worker has answered, and has no such session; that it does not answer proves
    /// nothing. Prints each address when it is so. Exit 1 when the time is over, 3 when a worker could not be reached then.
    Wait(Wait),
    /// Attach to a session in this terminal, and come back to it whenever the connection breaks
    ///
    /// Ctrl-F12, then d, leaves the session, which goes on: while the view is its only client, that is the prefix of its tmux. With
    /// --plain, and while others are attached, it is the session's own prefix, then d.
    Attach(Attach),
    /// Open sessions as tmux windows; jump to those that are open already
    Open(Open),
    /// Close the windows of sessions; the sessions go on
    Close(Close),
    /// Find a session on any worker with a fuzzy picker
    Pick(Pick),
    /// Type a prompt into a session
    Nudge(Nudge),
    /// Send Ctrl-C to a session
    Interrupt(Interrupt),
    /// Follow all workers in one process, so that nothing has to be asked for
    ///
    /// Without a subcommand it runs in the foreground and says on standard error what it does. `pick`, `open`, `watch` and `wait` start it in
    /// the background; it ends with the last tmux server that somebody used it from; from none, when nobody has wanted anything for
    /// ten minutes. `live: off` in the registry, or FACTORY_WORKER_LIVE=off, and there is none.
    Hub(Hub),
    /// Make workers on Kubernetes; restart them, remove them, read their logs
    Worker(worker::Worker),
    /// See, end, make and clear away the polecats of Gas Town
    Polecat(polecat::Polecat),
    /// Say what is wrong with this set-up, and the remedy
    Doctor(Doctor),
    /// Show, check or make the registry file
    Config(Config),
    /// Print the completion script of a shell
    Completions(Completions),
    /// Gas City's events provider (GC_EVENTS=exec:…/gc-events-k8s)
    GcEvents(Provider),
    /// Gas City's session provider (GC_SESSION=exec:…/gc-session-k8s)
    GcSession(Provider),
    /// Called by the completion scripts
    #[command(hide = true)]
    Complete(Complete),
    /// Run by the tmux plugin in its popups
    #[command(hide = true)]
    Popup(Popup),
}

#[derive(Debug, Args)]
pub struct List {
    /// Only these workers
    #[arg(value_name = "WORKER")]
    pub names: Vec<String>,
    /// Show kind, namespace and context too
    #[arg(long)]
    pub wide: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Ask every worker now, also where the hub knows how it is
    #[arg(long)]
    pub fresh: bool,
}

#[derive(Debug, Args)]
pub struct Hub {
    #[command(subcommand)]
    pub command: Option<HubCommand>,
    /// Set by who starts it: nobody reads what it says
    #[arg(long, hide = true)]
    pub background: bool,
}

#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Say how the hub is; exit 1 when none runs
    Status(HubStatus),
    /// End the hub; commands ask by themselves then, or start another one
    Stop,
}

#[derive(Debug, Args)]
pub struct HubStatus {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Watch {
    /// Only these workers
    #[arg(value_name = "WORKER")]
    pub names: Vec<String>,
    /// Print a JSON object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Wait {
    /// WORKER/SESSION
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
    /// The state
    #[arg(long, value_name = "STATE")]
    pub until: Until,
    /// One of them is enough
    #[arg(long)]
    pub any: bool,
    /// For how long, e.g. 30m; without it there is no end
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub time: Option<Duration>,
}

/// A state of a session that can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// It has ended
    Gone,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Its name in the registry
    #[arg(value_name = "WORKER")]
    pub worker: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Dispatch {
    /// Its name in the registry
    #[arg(value_name = "WORKER")]
    pub worker: String,
    /// The project (repository) the issue belongs to
    #[arg(long, value_name = "R")]
    pub project: String,
    /// The issue's number
    #[arg(long, value_name = "N")]
    pub issue: String,
    /// What the issue is about, in a word or two
    #[arg(long, value_name = "T", default_value = "", allow_hyphen_values = true)]
    pub intent: String,
    /// Print the exact command that would run on the worker, and run nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A session: ADDRESS, or WORKER with --session, or WORKER alone when it has one session.
#[derive(Debug, Clone, Args)]
pub struct SessionArg {
    /// WORKER/SESSION, or WORKER when it has just one session
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// The session, when ADDRESS is only a worker
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub session: Option<String>,
}

/// How much of a container's log.
#[derive(Debug, Clone, Copy, Args)]
pub struct LogExtent {
    /// Go on printing what comes
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(long, value_name = "N", value_parser = line_count)]
    pub lines: Option<u32>,
}

#[derive(Debug, Args)]
pub struct Peek {
    #[command(flatten)]
    pub session: SessionArg,
    /// How many of the last lines to print; lines that are only padding do not count
    #[arg(long, value_name = "N", default_value = "50", value_parser = line_count)]
    pub lines: u32,
    /// Keep looking, once a second: redraws on a terminal, prints only new lines otherwise
    #[arg(long)]
    pub follow: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "follow")]
    pub json: bool,
    /// What the popup does: fill the terminal and keep looking, until a key leaves
    #[arg(long, hide = true, conflicts_with_all = ["follow", "json"])]
    pub until_key: bool,
}

#[derive(Debug, Args)]
pub struct Attach {
    #[command(flatten)]
    pub session: SessionArg,
    /// Look only: no key reaches the session, and its size stays as it is
    #[arg(long)]
    pub read_only: bool,
    /// Never touch the session's options
    #[arg(long)]
    pub plain: bool,
    /// Set by `open`: this is a tmux window's own command, so a first connection that fails is tried again
    #[arg(long, hide = true)]
    pub in_window: bool,
}

#[derive(Debug, Args)]
pub struct Open {
    /// WORKER/SESSION, or WORKER when it has just one session
    #[arg(value_name = "ADDRESS", required_unless_present = "all")]
    pub addresses: Vec<String>,
    /// Every session of every worker
    #[arg(long, conflicts_with = "addresses")]
    pub all: bool,
    /// As a pane beside the current one, not as a window
    #[arg(long)]
    pub split: bool,
    /// Stay where you are
    #[arg(short, long)]
    pub detached: bool,
}

#[derive(Debug, Args)]
pub struct Close {
    /// WORKER/SESSION
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Pick {
    /// What Enter does (the plugin's P, G and N use it)
    #[arg(long, hide = true, default_value = "open")]
    pub then: Action,
}

/// What is done with the session that was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    Open,
    Split,
    Peek,
    Dispatch,
    Nudge,
    Interrupt,
    Shell,
}

#[derive(Debug, Args)]
pub struct Nudge {
    #[command(flatten)]
    pub session: SessionArg,
    /// The prompt; '-' or nothing reads standard input. Without either on a terminal, a form asks for it. It may begin with a dash;
    /// one that is an option's very name, such as --help, goes behind '--'
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    pub text: Option<String>,
}

#[derive(Debug, Args)]
pub struct Interrupt {
    #[command(flatten)]
    pub session: SessionArg,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Only these workers
    #[arg(value_name = "WORKER")]
    pub names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    pub action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print the path of the registry
    Path,
    /// Print the workers as they are understood, with defaults and presets filled in
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the registry and say what is wrong with it: exit 1, and a line for each entry that cannot be used
    Check,
    /// Write a commented registry with one local worker; never overwrites
    Init,
}

#[derive(Debug, Args)]
pub struct Completions {
    pub shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// An operation of one of Gas City's provider protocols. None of its words is looked at here: exit status 2 means an unknown
/// operation to Gas City, and nothing else may end so.
#[derive(Debug, Args)]
pub struct Provider {
    /// The operation, and what it needs
    #[arg(value_name = "OP", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct Complete {
    /// Which of the words is being completed, from 0
    #[arg(long, default_value = "0")]
    pub index: usize,
    /// Ask the workers and renew the cache, print nothing
    #[arg(long)]
    pub refresh: bool,
    /// The words of the command line, the command's own name first
    #[arg(last = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct Popup {
    pub what: PopupKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PopupKind {
    Pick,
    Peek,
    Dispatch,
    Nudge,
}

/// How many, at least one.
fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "write a number, at least 1".to_owned())
}

/// How many lines.
fn line_count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("write a number of lines, at most {}", u32::MAX))
}

/// A time with a unit, e.g. `10s`, `500ms`; a number alone is seconds, zero is refused.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs);
    match seconds.or_else(|_| humantime::parse_duration(text)) {
        Ok(time) if time.is_zero() => Err("it has to be more than zero".to_owned()),
        Ok(time) => Ok(time),
        Err(_) => Err("write a number and a unit, e.g. 10s".to_owned()),
    }
}
