//! The operator's terminal: keys in, and out what a person would see.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use kubesim::Ran;

use super::tmux::{kill_server, tmux};
use super::waiting::{Looks, eventually};
use super::world::World;

/// The operator's terminal.
pub struct Screen<'a> {
    world: &'a World,
    outer: PathBuf,
    inner: PathBuf,
}

impl<'a> Screen<'a> {
    pub(super) fn start(world: &'a World, configuration: &str) -> Self {
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

    /// Wait until all of these show at the same time: not everything comes at once.
    #[track_caller]
    pub fn wait_all(&self, texts: &[&str]) -> String {
        self.wait_until(&format!("all of {texts:?}"), |screen| texts.iter().all(|text| screen.contains(text)))
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

fn framed(screen: &str) -> String {
    screen.trim_end().lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "  | {line}");
        text
    })
}
