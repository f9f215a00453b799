//! Pods that mean harm, through the real kubectl: whatever their tmux, their programs and their panes say, nothing
//! executes, nobody is redirected to another session, nothing but colours reaches the operator's terminal, memory stays
//! bounded, and rows stay one line.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;
mod support;

use std::fs;

use kubesim::{Cluster, Pod};
use operator::Operator;
use raw::{assert_harmless, assert_harmless_screen, peak_memory};
use rstest::rstest;
use support::{BIN, HOSTILE_NAMES, Ran, Screen, eventually, long_name};

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
const ATTACKS: &[&[u8]] = &[
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

fn attacks(between: &[u8]) -> Vec<u8> {
    ATTACKS.join(between)
}

/// The worker `w` with a tmux that lies.
struct Liar {
    operator: Operator,
    pod: Pod,
}

impl Liar {
    fn new() -> Self {
        let cluster = Cluster::start();
        let worker = cluster.pod("liar").script("tmux", LYING_TMUX).script("factory", LYING_FACTORY).start();
        let commands = "commands: {queue: factory queue, status: factory status, dispatch: \"factory add {issue}\"}";
        let liar = Self { operator: Operator::of(cluster).worker("w", "pod/liar", commands), pod: worker.pod() };
        for (file, text) in [("listing", ""), ("ids", ""), ("pane", ""), ("said", "[]"), ("complained", ""), ("exits", "0")] {
            liar.write(file, text);
        }
        liar
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        fs::write(self.pod.home().join(file), text).unwrap();
    }

    /// A session of this name, to every question.
    fn has_session(&self, name: &str) {
        self.write("listing", format!("S $0 1 0 1 {name}\n"));
        self.write("ids", format!("$0 {name}\n"));
    }

    fn run(&self, arguments: &[&str]) -> Ran {
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
    fn rows(&self) -> Vec<String> {
        let ran = self.run(&["list"]).expect(0);
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// A terminal without the plugin, every byte that its program writes being kept in the file `written`.
    fn screen(&self) -> Screen<'_> {
        let screen = self.operator.world.screen_with("set -g set-clipboard on\nset -g allow-rename on\nset -g set-titles off");
        let file = self.operator.world.path("written");
        screen.inner(&["pipe-pane", "-t", "main:", &format!("cat >>{}", file.display())]);
        screen
    }

    /// Nothing that arrived at the terminal came from the pod but text and colours.
    fn assert_harmless_terminal(&self, screen: &Screen<'_>) {
        let written = fs::read(self.operator.world.path("written")).unwrap();
        assert!(!written.is_empty());
        assert_harmless_screen(&written);
        assert!(!screen.inner(&["display-message", "-p", "-t", "main:", "#{pane_title} #{window_name}"]).contains("EVIL"));
        assert_eq!(screen.inner(&["list-buffers"]), "", "the clipboard");
        self.operator.world.assert_nothing_executed();
    }
}

#[test]
fn names_that_a_lying_tmux_makes_up_stay_in_their_row() {
    let liar = Liar::new();
    for attack in ATTACKS {
        let listing = [b"S $0 1 0 1 ", *attack, b"\nS $1 1 0 1 qa\n"].concat();
        liar.write("listing", &listing);
        let rows = liar.rows();
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert!(rows[0].contains("running") || rows[0].contains("incomplete"), "{rows:?}");
        liar.run(&["list", "--json"]).expect(0);
        liar.run(&["status", "w"]);
        liar.run(&["peek", "w"]);
    }
}

#[test]
fn what_tmux_complains_of_stays_in_its_line() {
    let liar = Liar::new();
    liar.write("listing", attacks(b"\n"));
    for command in [&["list"][..], &["status", "w"], &["peek", "w"], &["peek", "w/qa"], &["nudge", "w/qa", "x"], &["doctor"]] {
        let ran = liar.run(command);
        assert!(command[0] == "doctor" || ran.stderr.lines().count() <= 3, "{}", ran.stderr);
    }
    // And with an exit status of its own.
    liar.write("ids", attacks(b" "));
    liar.run(&["peek", "w/qa"]);
    liar.run(&["interrupt", "w/qa"]);
}

#[test]
fn a_pane_is_shown_with_its_colours_and_nothing_else() {
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write("pane", [&b"\x1b[31mred\x1b[0m\n"[..], &attacks(b"\n"), b"\n\x1b[32mend\n"].concat());
    let ran = liar.run(&["peek", "w/qa"]).expect(0);
    assert!(ran.stdout.starts_with("\x1b[31mred\x1b[0m\n") && ran.stdout.ends_with("\x1b[32mend\x1b[0m\n"), "{:?}", ran.stdout);
    assert!(ran.stdout.contains("#(touch pwned) #{pane_id}"), "{:?}", ran.stdout);
    liar.run(&["peek", "w/qa", "--json"]).expect(0);
    // Each attack by itself too: one may swallow the next.
    for attack in ATTACKS {
        liar.write("pane", [*attack, b"\nbehind\n"].concat());
        let ran = liar.run(&["peek", "w/qa"]).expect(0);
        assert!(ran.stdout.ends_with("behind\n"), "{attack:?} hides what follows: {:?}", ran.stdout);
    }
}

#[test]
fn commands_of_the_worker_say_nothing_raw() {
    let liar = Liar::new();
    liar.has_session("qa");
    for exits in ["0", "9"] {
        liar.write("exits", exits);
        for attack in ATTACKS.iter().copied().chain([&attacks(b"\n")[..]]) {
            liar.write("said", attack);
            liar.write("complained", attack);
            let rows = liar.rows();
            assert!(rows.len() == 1 && rows[0].trim_end().ends_with('?'), "{rows:?}");
            liar.run(&["status", "w"]);
            liar.run(&["dispatch", "w", "--project", "p", "--issue", "1"]);
        }
        liar.run(&["list", "--json"]).expect(0);
        liar.run(&["status", "w", "--json"]);
    }
}

#[rstest]
#[case::escapes(r#"[{"Namespace":"\u001b]0;EVIL\u0007\u009b31m\u202e","Issue":"\n\r1","Status":"active"}]"#, "#")]
#[case::raw_c1("[{\"Namespace\":\"\u{9b}31mx\u{202e}\u{7f}\",\"Issue\":1}]", "#1")]
#[case::numbers(r#"[{"Namespace":"a","Issue":1e308},{"Issue":-0.0},{"Issue":123456789012345678901234567890}]"#, "+2")]
#[case::odd(r#"[null,true,[],{},"x",{"Status":{"a":[]}}]"#, "+5")]
#[case::in_lines("[\n {\"Issue\":\t1}\r\n]\n", "#1")]
#[case::twice(r#"[{"Issue":1,"Issue":2,"issue":3}]"#, "#")]
#[case::deep(&"[".repeat(100_000), "?")]
#[case::deep_objects(&r#"{"a":"#.repeat(50_000), "?")]
#[case::deep_in_a_list(&format!("[{}", r#"{"a":["#.repeat(50_000)), "?")]
#[case::no_list(r#"{"a":1}"#, "?")]
#[case::half(r#"[{"Namespace":"a""#, "?")]
fn a_queue_is_json_or_a_question_mark(#[case] queue: &str, #[case] cell: &str) {
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write("said", queue);
    let rows = liar.rows();
    assert!(rows.len() == 1 && rows[0].contains("running") && rows[0].contains("qa (idle)"), "{rows:?}");
    assert!(rows[0].contains(cell), "{rows:?}");
    liar.run(&["list", "--json"]).expect(0);
}

/// Answers of nearly 4 MiB that become as large as can be when they are understood. The bound is for the whole process.
#[rstest]
#[case::lists("said", &format!("[{}[]]", "[],".repeat(1_300_000)))]
#[case::small_objects("said", &format!("[{}0]", r#"{"a":0},"#.repeat(500_000)))]
#[case::one_object("said", &format!("[{{{}\"z\":0}}]", (0..300_000).map(|at| format!("\"{at}\":0,")).collect::<String>()))]
#[case::nested_objects("said", &format!("[[{}0]]", r#"{"a":{"":0}},"#.repeat(300_000)))]
#[case::sessions("listing", &(0..200_000).map(|at| format!("S ${at} 1 0 1 a\n")).collect::<String>())]
#[case::panes("listing", &("S $0 1 0 1 a\n".to_owned() + &"P $0 1 11 0\n".repeat(300_000)))]
#[case::a_long_name("listing", &format!("S $0 1 0 1 {}\n", "n".repeat(4_000_000)))]
#[case::marks("listing", &"\n0123456789abcdef x".repeat(200_000))]
fn memory_is_bounded(#[case] file: &str, #[case] text: &str) {
    const MIB: u64 = 1 << 20;
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write(file, text);
    for arguments in [&["list"][..], &["list", "--json"]] {
        let (ran, peak) = peak_memory(liar.operator.world.command(arguments));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(peak < 96 * MIB, "{arguments:?}: {} MiB", peak / MIB);
        eprintln!("peak {arguments:?}: {} MiB", peak / MIB);
    }
}

#[test]
fn an_answer_is_capped_and_says_so() {
    let liar = Liar::new();
    liar.has_session("qa");
    for (file, command) in [("said", "list"), ("listing", "list"), ("pane", "peek")] {
        let before = fs::read(liar.pod.home().join(file)).unwrap();
        liar.write(file, "x".repeat(40 << 20));
        let arguments = if command == "list" { vec!["list"] } else { vec!["peek", "w/qa"] };
        let (ran, peak) = peak_memory(liar.operator.world.command(&arguments));
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("larger than 4 MiB"), "{said}");
        assert!(command != "list" || ran.stdout.contains("incomplete"), "{said}");
        assert_eq!(ran.code, if command == "list" { 0 } else { 3 });
        assert!(peak < 64 << 20, "{} MiB", peak >> 20);
        liar.write(file, before);
    }
}

#[test]
fn a_line_of_a_megabyte_is_a_line() {
    let liar = Liar::new();
    liar.has_session("qa");
    let long = "y".repeat(1 << 20);
    liar.write("pane", format!("{long}\nend\n"));
    assert_eq!(liar.run(&["peek", "w/qa"]).expect(0).stdout, format!("{long}\nend\n"));
    liar.write("complained", &long);
    liar.write("exits", "1");
    assert_eq!(liar.rows().len(), 1);
    liar.run(&["status", "w"]).expect(1);
    // On a terminal it is cut to the row.
    let screen = liar.screen();
    screen.enter(&format!("{BIN} peek w/qa --follow"));
    let text = screen.wait("end");
    assert_eq!(text.lines().filter(|line| line.contains("yyyy")).count(), 1, "{text}");
    screen.keys(&["C-c"]);
    liar.assert_harmless_terminal(&screen);
}

#[test]
fn ten_thousand_sessions_are_listed_and_picked_from() {
    let liar = Liar::new();
    let names = (0..10_000).map(|at| format!("agent-{at:05}"));
    liar.write("listing", names.clone().enumerate().map(|(at, name)| format!("S ${at} 1 0 1 {name}\n")).collect::<String>());
    liar.write("ids", names.enumerate().map(|(at, name)| format!("${at} {name}\n")).collect::<String>());
    liar.write("pane", "here\n");
    let rows = liar.rows();
    assert!(rows.len() == 1 && rows[0].matches(" (idle)").count() == 10_000);
    let ran = liar.run(&["status", "w"]).expect(0);
    assert!(ran.stdout.lines().count() >= 10_000, "{}", ran.stdout.lines().count());
    liar.run(&["peek", "w/agent-09999"]).expect(0);
    let (_, peak) = peak_memory(liar.operator.world.command(&["list"]));
    assert!(peak < 64 << 20, "{} MiB", peak >> 20);

    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} pick"));
    screen.wait("10000 sessions");
    screen.type_text("agent-07777");
    screen.wait_until("the one row", |text| text.lines().any(|line| line.starts_with("> w/agent-07777")));
    screen.wait("here");
    screen.keys(&["Escape"]);
    screen.wait_gone("10000 sessions");
    screen.enter(&format!("clear; {BIN} list"));
    let text = screen.wait("running");
    assert!(text.contains("agent-00000 (idle), ") && text.contains(" more"), "{text}");
    liar.assert_harmless_terminal(&screen);
}

/// What a person looks at: every attack in the pane and in a name, on a terminal.
#[test]
fn the_picker_shows_text_and_colours() {
    let liar = Liar::new();
    let name = "#(touch pwned) #{pane_id} \u{202e}gnp\u{2066}";
    liar.has_session(name);
    liar.write("pane", [&attacks(b"\n")[..], b"\n\x1b[31mlast\x1b[0m\n"].concat());
    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} pick"));
    screen.wait("w/#(touch pwned) #{pane_id}");
    screen.wait("last");
    // A tmux that fails is a row too.
    liar.write("listing", attacks(b" "));
    screen.keys(&["C-r"]);
    screen.wait("incomplete");
    screen.keys(&["Escape"]);
    screen.wait_gone("incomplete");
    liar.assert_harmless_terminal(&screen);
}

#[test]
fn a_followed_pane_and_a_list_on_a_terminal_are_text_and_colours() {
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write("pane", [&attacks(b"\n")[..], b"\n\x1b[31mlast\x1b[0m\n"].concat());
    liar.write("said", r#"[{"Namespace":"\u001b]0;EVIL\u0007","Issue":1}]"#);
    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} peek w/qa --follow"));
    screen.wait("last");
    liar.write("pane", [&attacks(b"\n")[..], b"\nnext\n"].concat());
    screen.wait("next");
    screen.keys(&["C-c"]);
    screen.enter(&format!("clear; {BIN} list; {BIN} list --json; {BIN} status w; echo done $?"));
    screen.wait("done 0");
    liar.assert_harmless_terminal(&screen);
}

#[test]
fn forms_show_text_only() {
    let liar = Liar::new();
    liar.has_session("\u{202e}#(touch pwned)");
    liar.write("state", attacks(b" "));
    liar.write("pane", attacks(b"\n"));
    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} nudge w"));
    screen.wait("Enter send");
    screen.type_text("hello");
    screen.keys(&["Enter"]);
    // tmux answers nonsense: the form says so, and keeps the text.
    screen.wait("nothing was typed");
    screen.keys(&["Escape"]);
    screen.wait_gone("Enter send");
    liar.assert_harmless_terminal(&screen);
}

/// Names that look like something else to tmux, through kubectl: each is its own session, for looking and for typing.
#[test]
fn nobody_is_redirected_to_another_session() {
    let cluster = Cluster::start();
    let worker = cluster.pod("crowd").start();
    let pod = worker.pod();
    // The last three look alike once they are shown.
    let ids = ["$1", "$2", "@1", "%1", "=qa", "qa", "q", "+1", "{start}", "x\u{202e}y", "x\u{2066}y", "x\u{fffd}y"];
    let names: Vec<String> = ids
        .iter()
        .chain(HOSTILE_NAMES)
        .map(|name| (*name).to_owned())
        .chain([long_name()])
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    for (at, name) in names.iter().enumerate() {
        pod.session(name, &format!("echo number {at} here; read -r line; echo \"got $line\"; sleep 600"));
    }
    let operator = Operator::of(cluster).worker("w", "pod/crowd", "");
    let rows = operator.rows();
    let listed: Vec<&str> =
        rows[0]["sessions"].as_array().unwrap().iter().map(|session| session["name"].as_str().unwrap()).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(listed.contains(&name.as_str()), "{name:?} in {listed:?}");
        let ran = operator.run(&["peek", &format!("w/{name}")]).expect(0);
        assert!(ran.stdout.contains(&format!("number {at} here")), "{name:?}: {}", ran.stdout);
        operator.run(&["nudge", &format!("w/{name}"), &format!("text {at}")]);
        eventually("the text", || pod.pane(name).contains(&format!("got text {at}")).then_some(()));
    }
    operator.world.assert_nothing_executed();
    assert!(!pod.home().join("pwned").exists());
}

/// Titles of panes and windows go through a real tmux; nobody here looks at them, and nothing of them arrives.
#[test]
fn titles_and_pane_text_through_a_real_tmux() {
    let cluster = Cluster::start();
    let worker = cluster.pod("titled").start();
    let pod = worker.pod();
    fs::write(pod.home().join("attacks"), attacks(b"\n")).unwrap();
    pod.session(
        "qa",
        "cat attacks; printf '\\033c\\033(B\\033[?1049l\\033]2;#(touch pwned)#{pane_id}\\007\\033kEVIL\\033\\\\'; printf '\\nend\\n'; sleep 600",
    );
    pod.tmux(&["rename-window", "-t", "qa:", "##(touch pwned)"]);
    eventually("the output", || pod.pane("qa").contains("end").then_some(()));
    let operator = Operator::of(cluster).worker("w", "pod/titled", "");
    for command in [&["list"][..], &["list", "--json"], &["status", "w"], &["peek", "w/qa"]] {
        let arguments: Vec<&str> = ["--color", "always"].into_iter().chain(command.iter().copied()).collect();
        let output = operator.world.command(&arguments).output().unwrap();
        assert_harmless(&output.stdout);
        assert_harmless(&output.stderr);
    }
    let screen = operator.world.screen();
    screen.enter(&format!("{BIN} open w/qa"));
    screen.wait("end");
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa"]);
    operator.world.assert_nothing_executed();
    assert!(!pod.home().join("pwned").exists());
}
