//! The operator's terminal, with the operator's tmux in it.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use kubesim::{Ran, Terminal, eventually, tmux};

use super::world::World;

/// A corner of a popup.
const POPUP: char = '┌';

/// The operator's terminal; all that a terminal can do it can.
pub struct Screen<'a> {
    world: &'a World,
    terminal: Terminal,
    inner: PathBuf,
}

impl Deref for Screen<'_> {
    type Target = Terminal;

    fn deref(&self) -> &Terminal {
        &self.terminal
    }
}

impl<'a> Screen<'a> {
    /// 120 columns by 40 rows, at the first prompt.
    pub(super) fn start(world: &'a World, configuration: &str) -> Self {
        let file = world.path("inner.conf");
        let common = "set -g default-command \"PS1='$ ' exec /bin/sh\"\nset -s escape-time 10\nset -g status-right ''\n";
        fs::write(&file, format!("{common}{configuration}\n")).unwrap();
        let inner = world.path("inner.sock");
        let client = ["-f", file.to_str().unwrap(), "new-session", "-s", "main", "-n", "home"];
        let terminal = client_on_a_terminal(world, &inner, "outer.sock", (120, 40), &client);
        Self { world, terminal, inner }
    }

    /// A second terminal, 100 columns by 30 rows, whose client has a session of its own, at its first prompt.
    pub fn another(&self, session: &str) -> Terminal {
        let socket = format!("{session}.sock");
        client_on_a_terminal(self.world, &self.inner, &socket, (100, 30), &["new-session", "-s", session])
    }

    /// The operator's tmux, asked from the side.
    #[track_caller]
    pub fn inner(&self, arguments: &[&str]) -> String {
        self.world.tmux(&self.inner, arguments)
    }

    /// Make the terminal this large, and wait until the operator's tmux knows.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        self.terminal.resize(columns, rows);
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

    /// The prefix and a key.
    pub fn prefix(&self, key: &str) {
        self.keys(&["C-b", key]);
    }

    /// Whether a popup is open: nothing else has corners.
    pub fn has_popup(&self) -> bool {
        self.text().contains(POPUP)
    }

    /// Wait until the popup has gone: until then the next key belongs to it, also when its program has left already, and
    /// what stood in it may be gone for a moment because it is drawn anew.
    #[track_caller]
    pub fn wait_popup_gone(&self) {
        self.wait_until("the popup to go", |text| !text.contains(POPUP));
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
        tmux::kill_server(&self.inner);
    }
}

/// A client of the operator's tmux (the server `inner`) on a terminal of its own, at its prompt.
#[track_caller]
fn client_on_a_terminal(world: &World, inner: &Path, socket: &str, size: (u16, u16), arguments: &[&str]) -> Terminal {
    let client = ["env", "-u", "TMUX", "-u", "TMUX_PANE", "tmux", "-u", "-S", inner.to_str().unwrap()];
    let terminal = Terminal::start(world.program("tmux"), world.path(socket), size, &[&client, arguments].concat());
    terminal.wait_until("the prompt", |text| text.starts_with('$'));
    terminal
}
