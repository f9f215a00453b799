//! A terminal for the program under test: a tmux server of its own, whose one pane is a real pty. What is pressed are real
//! keys, and what it shows is what a person would see.

use std::path::PathBuf;
use std::process::Command;

use crate::tmux::{self, literal};
use crate::waiting::eventually_or_show;

/// The pane.
const PANE: &str = "terminal:";

/// A terminal; it ends, with what runs in it, when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Run `argv` on a terminal of so many columns and rows. `program` is tmux, with the environment and the directory that
    /// the terminal is to have; its socket is to be `socket`.
    ///
    /// # Panics
    /// tmux failed.
    #[track_caller]
    pub fn start(program: Command, socket: PathBuf, (columns, rows): (u16, u16), argv: &[&str]) -> Self {
        let terminal = Self { socket };
        let [columns, rows] = [columns, rows].map(|size| size.to_string());
        let words = ["new-session", "-d", "-x", &columns, "-y", &rows, "-s", "terminal", "--"];
        tmux::on_socket(program, &terminal.socket, &[&words, argv].concat());
        // Every row and every key is the program's.
        terminal.ask(&["set", "-g", "status", "off", ";", "set", "-g", "prefix", "None", ";", "set", "-g", "escape-time", "0"]);
        terminal
    }

    #[track_caller]
    fn ask(&self, arguments: &[&str]) -> String {
        tmux::on_socket(Command::new("tmux"), &self.socket, arguments)
    }

    /// Make it this large. The program need not know yet.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.ask(&["resize-window", "-t", PANE, "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Press keys, by tmux's names for them: `keys(&["C-b", "W"])`.
    pub fn keys(&self, keys: &[&str]) {
        self.ask(&[&["send-keys", "-t", PANE, "--"], keys].concat());
    }

    /// Type text literally, as if it came from the keyboard.
    pub fn type_text(&self, text: &str) {
        self.ask(&["send-keys", "-l", "-t", PANE, "--", &literal(text)]);
    }

    /// Paste text as a terminal does: marked as a paste where the program asked for that, line ends as returns.
    pub fn paste(&self, text: &str) {
        self.ask(&["set-buffer", "-b", "pasted", "--", &literal(text), ";", "paste-buffer", "-dp", "-b", "pasted", "-t", PANE]);
    }

    /// Type a command at the shell's prompt.
    pub fn enter(&self, line: &str) {
        self.type_text(line);
        self.keys(&["Enter"]);
    }

    /// What a person sees now.
    pub fn text(&self) -> String {
        self.ask(&["capture-pane", "-p", "-t", PANE])
    }

    /// The same with its colours.
    pub fn coloured(&self) -> String {
        self.ask(&["capture-pane", "-p", "-e", "-t", PANE])
    }

    /// The process that was started on it.
    ///
    /// # Panics
    /// There is none.
    pub fn pid(&self) -> i32 {
        let pid = self.ask(&["display-message", "-p", "-t", PANE, "#{pane_pid}"]);
        pid.trim().parse().unwrap_or_else(|_| panic!("no process: {pid:?}"))
    }

    /// Wait until it shows `text`, and give all that it shows.
    #[track_caller]
    pub fn wait(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} to show"), |screen| screen.contains(text))
    }

    /// Wait until it shows all of these at the same time: not everything comes at once.
    #[track_caller]
    pub fn wait_all(&self, texts: &[&str]) -> String {
        self.wait_until(&format!("all of {texts:?}"), |screen| texts.iter().all(|text| screen.contains(text)))
    }

    /// Wait until it does not show `text` any more.
    #[track_caller]
    pub fn wait_gone(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} to go"), |screen| !screen.contains(text))
    }

    /// Wait until what it shows is `good`.
    ///
    /// # Panics
    /// That takes too long; the message has all that it shows.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut good: impl FnMut(&str) -> bool) -> String {
        eventually_or_show(what, || {
            let screen = self.text();
            if good(&screen) { Ok(screen) } else { Err(format!("the screen:\n{}", framed(&screen))) }
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        tmux::kill_server(&self.socket);
    }
}

fn framed(screen: &str) -> String {
    screen.trim_end().lines().map(|line| format!("  | {line}\n")).collect()
}
