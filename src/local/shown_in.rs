//! The tmux sessions that a terminal is shown in: that of its pane, those in whose panes the clients of that one are, and so on
//! outwards. Whoever attaches to one of them looks into a mirror that stands in front of another one.
//!
//! Each step is what a tmux server says of its own panes and clients, and no step goes by a name. The server of a pane is the
//! parent of the first process on the pane's terminal, or the one that `$TMUX` names, if it says so itself. The client of a view
//! that came over an exec has its terminal on another machine: its process carries what was found there (`enter.sh`). What
//! cannot be found out is not there: nobody is kept out of a session by a guess.

use std::collections::{HashSet, VecDeque};
use std::env;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::termios::{LocalFlags, tcgetattr};
use tmux_interface::{DisplayMessage, ListClients, ListPanes};

use super::tmux::Tmux;
use crate::registry::identity::SessionIdentity;
use crate::state::process_id::ProcessId;

/// The environment variable of a view's client with the whereabouts of the sessions that its terminal is shown in.
const CARRIED: &str = "FACTORY_WORKER_SHOWN_IN";
/// So many sessions are told to a worker at most.
const MOST: usize = 16;
/// A server that takes longer stands still, and shows nothing to anybody.
const PATIENCE: Duration = Duration::from_secs(1);

/// A session that shows the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Showing {
    /// What it is known by on every machine: as `remote/whereabouts.sh` has it.
    pub whereabouts: String,
    /// Its server's socket; `None` when it is behind an exec.
    pub socket: Option<PathBuf>,
}

/// Where this process's terminal is shown.
pub fn of_terminal(tty: &Path) -> Vec<Showing> {
    let mut walk = Walk::default();
    let own = Tmux::current().ok().filter(|tmux| walk.enter(tmux, |server| server.of_pane(tty)));
    if own.is_none() {
        walk.terminal(tty, std::process::id() as i32);
    }
    walk.outwards()
}

/// Where a window is shown that this tmux makes for us now.
pub fn of_new_window(tmux: &Tmux) -> Vec<Showing> {
    let mut walk = Walk::default();
    walk.enter(tmux, Server::of_new_window);
    walk.outwards()
}

/// What tells a window that is made now where it is shown: a variable of its environment.
pub fn carried(shown_in: &[Showing]) -> (String, String) {
    let whereabouts: Vec<_> = shown_in.iter().map(|showing| showing.whereabouts.as_str()).collect();
    (CARRIED.to_owned(), whereabouts.join(" "))
}

/// What whoever made our window has told us about it, the first time that somebody asks: later it may be elsewhere.
pub fn told() -> Option<Vec<String>> {
    static HEARD: AtomicBool = AtomicBool::new(false);
    let told = env::var(CARRIED).ok()?;
    (!HEARD.swap(true, Ordering::Relaxed)).then(|| words(&told))
}

/// What is known on the way, and where to go on.
#[derive(Debug, Default)]
struct Walk {
    found: Vec<Showing>,
    /// Terminals, each with a process on it.
    next: VecDeque<(PathBuf, i32)>,
    seen: HashSet<PathBuf>,
}

impl Walk {
    fn outwards(mut self) -> Vec<Showing> {
        while let Some((tty, process)) = self.next.pop_front() {
            self.terminal(&tty, process);
        }
        self.found
    }

    fn terminal(&mut self, tty: &Path, process: i32) {
        match maker_of_terminal(process) {
            Some(Maker::Tmux(sockets)) => {
                let mut servers = sockets.iter().filter_map(|socket| Tmux::at(socket).ok());
                if servers.any(|tmux| self.enter(&tmux, |server| server.of_pane(tty))) {
                    return;
                }
            }
            Some(Maker::Relay(outer, relay)) => self.go_on(outer, relay),
            None => {}
        }
        let carried = environment(process).into_iter().map(|whereabouts| Showing { whereabouts, socket: None });
        self.found.extend(carried);
    }

    fn go_on(&mut self, tty: PathBuf, process: i32) {
        if self.seen.insert(tty.clone()) {
            self.next.push_back((tty, process));
        }
    }

    /// Take in the sessions that are `chosen` of a server; false when there is none.
    fn enter(&mut self, tmux: &Tmux, chosen: impl Fn(&Server) -> Vec<SessionIdentity>) -> bool {
        let Some(server) = Server::ask(tmux) else { return false };
        let sessions = chosen(&server);
        for session in &sessions {
            let (id, process) = session.id_and_server();
            let on_its_server = session.as_str().rsplit_once(' ').map_or("", |(fields, _)| fields).replace(' ', "/");
            let whereabouts = format!("{on_its_server}/{}", ProcessId::of(process).boot_and_start());
            self.found.push(Showing { whereabouts, socket: Some(tmux.socket().to_owned()) });
            for (_, process, tty) in server.clients.iter().filter(|(of, ..)| of == id) {
                self.go_on(tty.clone(), *process);
            }
        }
        !sessions.is_empty()
    }
}

/// What a tmux server says of itself.
#[derive(Debug)]
struct Server {
    /// The session in which it would make a window for us.
    current: String,
    /// Panes: their session, the name of its group (or nothing), their terminal. A window that is linked into several sessions
    /// has its panes in each.
    panes: Vec<(SessionIdentity, String, PathBuf)>,
    /// Clients: the id of the session that each shows, its process, its terminal.
    clients: Vec<(String, i32, PathBuf)>,
}

impl Server {
    /// One tmux command.
    fn ask(tmux: &Tmux) -> Option<Self> {
        let pane = format!("P {} #{{pane_tty}} #{{session_group}}", SessionIdentity::FORMAT);
        let said = tmux.ask_within(
            &[
                DisplayMessage::new().print().message("N #{session_id}").build(),
                ListPanes::new().all().format(pane).build(),
                ListClients::new().format("C #{session_id} #{client_pid} #{client_tty}").build(),
            ],
            PATIENCE,
        );
        let mut server = Self { current: String::new(), panes: Vec::new(), clients: Vec::new() };
        for line in said.ok()?.lines() {
            match line.split_at_checked(2)? {
                ("N ", id) => server.current = id.to_owned(),
                ("P ", line) => server.panes.extend(pane_of(line)),
                ("C ", line) => server.clients.extend(client_of(line)),
                _ => return None,
            }
        }
        Some(server)
    }

    /// The sessions that a pane with this terminal is in.
    fn of_pane(&self, tty: &Path) -> Vec<SessionIdentity> {
        self.sessions(|(_, _, there)| there == tty)
    }

    /// The session in which a window would be made, and those that share its windows.
    fn of_new_window(&self) -> Vec<SessionIdentity> {
        let group = self.panes.iter().find(|(session, ..)| session.id_and_server().0 == self.current).map(|(_, group, _)| group);
        self.sessions(|(session, of, _)| {
            session.id_and_server().0 == self.current || group.is_some_and(|group| !group.is_empty() && group == of)
        })
    }

    fn sessions(&self, holds: impl Fn(&&(SessionIdentity, String, PathBuf)) -> bool) -> Vec<SessionIdentity> {
        let mut sessions: Vec<_> = self.panes.iter().filter(holds).map(|(session, ..)| session.clone()).collect();
        sessions.dedup();
        sessions
    }
}

fn pane_of(line: &str) -> Option<(SessionIdentity, String, PathBuf)> {
    let (session, rest) = SessionIdentity::before(line)?;
    let (tty, group) = rest.split_once(' ')?;
    Some((session, group.to_owned(), PathBuf::from(tty)))
}

fn client_of(line: &str) -> Option<(String, i32, PathBuf)> {
    let mut fields = line.splitn(3, ' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?, PathBuf::from(fields.next()?)))
}

/// Who made a terminal.
enum Maker {
    /// A tmux server, by its sockets.
    Tmux(Vec<PathBuf>),
    /// A program that shows it on another terminal (`script`, `sudo`), by that and its process.
    Relay(PathBuf, i32),
}

/// Who made the terminal of this process: the parent of the first process on it. On another system than Linux nobody says.
fn maker_of_terminal(process: i32) -> Option<Maker> {
    let maker = Process::of(Process::of(process)?.session)?.parent;
    if fs::read_to_string(format!("/proc/{maker}/comm")).is_ok_and(|name| name.starts_with("tmux")) {
        return Some(Maker::Tmux(sockets(maker)));
    }
    let about = Process::of(maker)?;
    let outer = fs::read_link(format!("/proc/{maker}/fd/0")).ok()?;
    // A window of its own has whoever leaves its terminal's keys to others.
    let relays = about.group == about.foreground && is_raw(&outer);
    relays.then_some(Maker::Relay(outer, maker))
}

/// A process, by `/proc/PID/stat` (proc(5)).
struct Process {
    parent: i32,
    group: i32,
    session: i32,
    /// The foreground process group of its terminal.
    foreground: i32,
}

impl Process {
    fn of(process: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name of the program, in parentheses, may hold anything. Behind it: state, parent, group, session, terminal, its group.
        let (_, behind_the_name) = stat.rsplit_once(')')?;
        let mut fields = behind_the_name.split_whitespace().skip(1).map_while(|field| field.parse().ok());
        let (parent, group, session) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self { parent, group, session, foreground: fields.nth(1)? })
    }
}

fn is_raw(tty: &Path) -> bool {
    let file = OpenOptions::new().read(true).custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits()).open(tty);
    let modes = file.ok().and_then(|file| tcgetattr(file).ok());
    modes.is_some_and(|modes| !modes.local_flags.contains(LocalFlags::ICANON))
}

/// The unix sockets with a path that a process has open.
fn sockets(process: i32) -> Vec<PathBuf> {
    let inode = |file: fs::DirEntry| {
        let target = fs::read_link(file.path()).ok()?;
        Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    };
    let own: HashSet<String> =
        fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten().filter_map(inode).collect();
    let all = fs::read_to_string(format!("/proc/{process}/net/unix")).unwrap_or_default();
    let mut found: Vec<PathBuf> = all.lines().filter_map(|line| path_of(line, &own)).collect();
    found.sort();
    found.dedup();
    found
}

/// `Num RefCount Protocol Flags Type St Inode Path` (proc_pid_net(5)).
fn path_of(line: &str, own: &HashSet<String>) -> Option<PathBuf> {
    let mut fields = line.split_whitespace().skip(6);
    let inode = fields.next()?;
    let path = line.find(" /").map(|at| Path::new(&line[at + 1..]))?;
    own.contains(inode).then(|| path.to_owned())
}

/// What the client of a view carries.
fn environment(process: i32) -> Vec<String> {
    let all = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    let value =
        |pair: &[u8]| Some(String::from_utf8_lossy(pair.strip_prefix(CARRIED.as_bytes())?.strip_prefix(b"=")?).into_owned());
    let carried = all.split(|&byte| byte == 0).find_map(value).unwrap_or_default();
    words(&carried)
}

/// A process may carry anything: whoever looks like none is left out, and nobody is in so many windows one in the other.
fn words(whereabouts: &str) -> Vec<String> {
    whereabouts.split(' ').filter(|word| are_whereabouts(word)).take(MOST).map(str::to_owned).collect()
}

fn are_whereabouts(word: &str) -> bool {
    let fields: Vec<_> = word.split('/').collect();
    let plain = |field: &&str| field.len() < 20 && field.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fields.len() == 5 && fields[0].starts_with('$') && plain(&&fields[0][1..]) && fields[1..].iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        let session = |id: &str| format!("{id} 7 17 18").parse().unwrap();
        let pane = |id: &str, group: &str, tty: &str| (session(id), group.to_owned(), PathBuf::from(tty));
        Server {
            current: "$1".to_owned(),
            panes: vec![
                pane("$0", "", "/dev/pts/1"),
                pane("$1", "one two", "/dev/pts/2"),
                pane("$1", "one two", "/dev/pts/3"),
                pane("$2", "one two", "/dev/pts/2"),
            ],
            clients: Vec::new(),
        }
    }

    fn ids(sessions: Vec<SessionIdentity>) -> Vec<String> {
        sessions.iter().map(|session| session.id_and_server().0.to_owned()).collect()
    }

    #[test]
    fn a_pane_is_in_every_session_that_its_window_is_in() {
        assert_eq!(ids(server().of_pane(Path::new("/dev/pts/2"))), ["$1", "$2"]);
        assert_eq!(ids(server().of_pane(Path::new("/dev/pts/9"))), [""; 0]);
    }

    #[test]
    fn a_new_window_is_in_the_whole_group() {
        assert_eq!(ids(server().of_new_window()), ["$1", "$2"]);
        assert_eq!(ids(Server { current: "$0".to_owned(), ..server() }.of_new_window()), ["$0"]);
    }

    #[test]
    fn sockets_are_known_by_their_inodes() {
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 81 /tmp/with a space/default";
        assert_eq!(path_of(line, &HashSet::from(["81".to_owned()])).as_deref(), Some(Path::new("/tmp/with a space/default")));
        assert_eq!(path_of(line, &HashSet::from(["8".to_owned()])), None);
        assert_eq!(path_of("0: 2 0 0 1 1 81 @abstract", &HashSet::from(["81".to_owned()])), None);
    }

    #[test]
    fn only_what_can_be_whereabouts_is_carried_on() {
        let good = "$0/3259/1795944806/a4e8c0b6/1400657";
        let bad = ["$0/1/2/3", "0/1/2/b/3", "$0/1/2/$(id)/3", "$/../../etc/passwd", &"x".repeat(9000)];
        assert_eq!(words(&format!("{good} {}  {good}", bad.join(" "))), [good, good]);
        assert_eq!(words(&[good; 99].join(" ")).len(), MOST);
    }

    #[test]
    fn lines_of_a_server_are_understood() {
        let (session, group, tty) = pane_of("$3 7 17 18 /dev/pts/4 a group").unwrap();
        assert_eq!((session.as_str(), group.as_str(), tty.to_str()), ("$3 7 17 18", "a group", Some("/dev/pts/4")));
        assert_eq!(client_of("$3 70 /dev/pts/5"), Some(("$3".to_owned(), 70, PathBuf::from("/dev/pts/5"))));
        assert_eq!(pane_of("nothing"), None);
    }
}
