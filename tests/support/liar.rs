//! A pod whose tmux and whose programs say what a test wants them to say.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;

use kubesim::{Cluster, Pod};

use crate::operator::Operator;
use crate::raw::{assert_harmless, assert_harmless_screen};
use crate::support::{Ran, Screen};

/// A tmux that says what stands in the files `listing` (to `list`), `ids` (to whoever looks for one session) and `pane`.
const LYING_TMUX: &str = "#!/bin/sh
case $* in
*'list-sessions -F S '*) cat \"$HOME/listing\" ;;
*list-sessions*) cat \"$HOME/ids\" ;;
*capture-pane*) cat \"$HOME/pane\" ;;
*display-message*) cat \"$HOME/state\" 2>/dev/null || echo ' %0' ;;
*) echo \"$@\" >>\"$HOME/told\" ;;
esac
";

/// A program whose output and error output are the files `said` and `complained`.
const LYING_FACTORY: &str = "#!/bin/sh\ncat \"$HOME/complained\" >&2\ncat \"$HOME/said\"\nexit \"$(cat \"$HOME/exits\")\"\n";

/// Everything that a terminal must never get to see, each with the word EVIL where there is room for one.
pub const ATTACKS: &[&[u8]] = &[
    b"\x1b]0;EVIL\x07",
    b"\x1b]2;EVIL\x1b\\",
    b"\x1b]8;;http://EVIL\x1b\\link\x1b]8;;\x1b\\",
    b"\x1b]52;c;RVZJTA==\x07",
    b"\x1bP$q\"pEVIL\x1b\\",
    b"\x1bP+q544e\x1b\\",
    b"\x1b_EVIL\x1b\\",
    b"\x1b^EVIL\x1b\\",
    b"\x1bXEVIL\x1b\\",
    b"\x1bkEVIL\x1b\\",
    b"\x1b[21t\x1b[20t\x1b[18t",
    b"\x1b[c\x1b[>c\x1b[=c\x1b[6n\x1b[?6n\x1b[5n\x1b[x\x1b[?1$p",
    b"\x1b[2J\x1b[H\x1b[3J\x1b[999A",
    b"\x1b[?1049h\x1b[?1003h\x1b[?2004h\x1b[>4;2m\x1b[?25l",
    b"\x1bc\x1b#8\x1b(0\x1b=\x1bZ\x05",
    b"\x9b31mx\x9d0;EVIL\x9c\x90EVIL\x9c",
    "\u{9b}31mx\u{9d}0;EVIL\u{9c}\u{90}EVIL\u{9c}".as_bytes(),
    "a\u{202e}b\u{2066}c\u{200f}d\u{61c}e\u{feff}f\u{e0041}g\u{2028}h".as_bytes(),
    b"nul\0here \x08\x08\x08back \x7f del \x0b vt \x0c ff \rreturn",
    b"\xff\xfe\xc3\x28\xed\xa0\x80\xf5\x80\x80\x80 no text",
    b"#(touch pwned) #{pane_id} #[fg=red] $(touch pwned) `touch pwned` %d 100%",
    b"\x1b[\x1b]\x1b[31",
];

pub fn attacks(between: &[u8]) -> Vec<u8> {
    ATTACKS.join(between)
}

/// The worker `w` with a tmux that lies.
pub struct Liar {
    pub operator: Operator,
    pub pod: Pod,
}

impl Liar {
    pub fn new() -> Self {
        let cluster = Cluster::start();
        let worker = cluster.pod("liar").script("tmux", LYING_TMUX).script("factory", LYING_FACTORY).start();
        let commands = "commands: {queue: factory queue, status: factory status, dispatch: \"factory add {issue}\"}";
        let liar = Self { operator: Operator::of(cluster).worker("w", "pod/liar", commands), pod: worker.pod() };
        for (file, text) in [("listing", ""), ("ids", ""), ("pane", ""), ("said", "[]"), ("complained", ""), ("exits", "0")] {
            liar.write(file, text);
        }
        liar
    }

    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        fs::write(self.pod.home().join(file), text).unwrap();
    }

    /// A session of this name, to every question.
    pub fn has_session(&self, name: &str) {
        self.write("listing", format!("S $0 1 0 1 {name}\n"));
        self.write("ids", format!("$0 7 17 18 {name}\n"));
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let arguments: Vec<&str> =
            ["--color", "always", "--timeout", "20s"].into_iter().chain(arguments.iter().copied()).collect();
        let output = self.operator.world.command(&arguments).output().unwrap();
        assert_harmless(&output.stdout);
        assert_harmless(&output.stderr);
        self.operator.world.assert_nothing_executed();
        assert!(!self.pod.home().join("pwned").exists(), "executed in the pod");
        Ran::from(output)
    }

    /// The rows of `list` without the header.
    pub fn rows(&self) -> Vec<String> {
        let ran = self.run(&["list"]).expect(0);
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// A terminal without the plugin, every byte that its program writes being kept in the file `written`.
    pub fn screen(&self) -> Screen<'_> {
        let screen = self.operator.world.screen_with("set -g set-clipboard on\nset -g allow-rename on\nset -g set-titles off");
        let file = self.operator.world.path("written");
        screen.inner(&["pipe-pane", "-t", "main:", &format!("cat >>{}", file.display())]);
        screen
    }

    /// Nothing that arrived at the terminal came from the pod but text and colours.
    pub fn assert_harmless_terminal(&self, screen: &Screen<'_>) {
        let written = fs::read(self.operator.world.path("written")).unwrap();
        assert!(!written.is_empty());
        assert_harmless_screen(&written);
        assert!(!screen.inner(&["display-message", "-p", "-t", "main:", "#{pane_title} #{window_name}"]).contains("EVIL"));
        assert_eq!(screen.inner(&["list-buffers"]), "", "the clipboard");
        self.operator.world.assert_nothing_executed();
    }
}
