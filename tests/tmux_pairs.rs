//! Two tmuxes that are not the same one, here and on a worker: what one of them does otherwise, nobody notices. `make test-tmux`
//! runs this with the real ones; what this machine does not have, a stand-in does here as it was seen there.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use kubesim::{Cluster, Pod, Running};
use operator::Operator;
use pty::Pty;
use rstest::rstest;
use serde_json::Value;
use support::nested::everything_of;
use support::{BIN, ROOT, Screen, World, eventually};

/// What a script that is called tmux ends with.
const REAL_TMUX: &str = "exec \"$(PATH=${PATH#*:} command -v tmux)\" \"$@\"\n";

/// 3.2a: `-c` of display-message is a flag, and what stands behind it one word too many.
fn takes_no_client(world: &World) {
    let usage = "usage: display-message [-aINpv] [-c target-client] [-d delay] [-F format] [-t target-pane] [message]";
    world.script(
        "tmux",
        &format!(
            "#!/bin/sh\ncase \" $* \" in\n*' display-message '*' -c '*)\n\techo '{usage}' >&2\n\texit 1\n\t;;\nesac\n{REAL_TMUX}"
        ),
    );
}

/// 3.7: list-keys shows what it finds alone as a message, and prints nothing; of what it does not find it says nothing either.
fn prints_no_single_key(world: &World) {
    world.script(
        "tmux",
        "#!/bin/sh\nreal=$(PATH=${PATH#*:} command -v tmux)\ncase \" $* \" in\n*' list-keys '*)\n\
         \tfound=$(\"$real\" \"$@\" 2>/dev/null)\n\
         \tcase $found in\n\t*'\n'*) printf '%s\\n' \"$found\" ;;\n\tesac\n\texit\n\t;;\nesac\n\
         exec \"$real\" \"$@\"\n",
    );
}

/// master (3.8 of August 2026): a key that has no note is listed with its command for one.
fn takes_commands_for_notes(world: &World) {
    world.script(
        "tmux",
        r##"#!/bin/sh
real=$(PATH=${PATH#*:} command -v tmux)
case " $* " in
*' display-message -p #{version} ') echo next-3.8 ;;
*' list-keys -F #{key_table} #{key_string} #{key_note} ')
	{
		for table in prefix root copy-mode copy-mode-vi; do
			"$real" list-keys -N -P '' -T "$table" | sed "s/^/note $table /"
		done
		"$real" list-keys | sed -E "s/^bind-key +(-r +)?-T ([^ ]+) +(\"[^ ]*\"|'[^ ]*'|[^ ]+) +(.*)$/bind \2 \3 \4/"
	} | awk '
		{ what = $1; key = $2 " " $3; sub(/^[^ ]+ [^ ]+ +[^ ]+ */, "") }
		what == "note" { note[key] = $0; next }
		{ print key, (key in note) ? note[key] : $0 }'
	;;
*) exec "$real" "$@" ;;
esac
"##,
    );
}

fn plugin() -> String {
    format!("set -g @factory-worker-bin '{BIN}'\nrun-shell '{ROOT}/factory-worker.tmux'")
}

#[test]
fn what_was_sent_counts_as_sent_though_tmux_shows_no_message() {
    let world = World::new().worker("w");
    world.session("w", "s", &format!("exec perl {ROOT}/tests/programs/box.pl got quiet"));
    eventually("the program to start", || world.pane("w", "s").contains("working").then_some(()));
    takes_no_client(&world);
    let screen = world.screen_with(&plugin());
    screen.inner(&["set-option", "-w", "@factory-worker-address", "w/s"]);
    screen.prefix("N");
    screen.wait("Enter send");
    screen.type_text("once only");
    screen.keys(&["Enter"]);
    // The message finds its way to whoever used tmux last.
    screen.wait("nudged w/s");
    screen.wait_gone("┌");
    assert!(!screen.text().contains("usage"), "{}", screen.text());
    assert_eq!(fs::read_to_string(world.worker_directory("w").join("got")).unwrap(), "once only");
}

#[test]
fn a_key_without_a_program_tells_the_remedy_though_tmux_takes_no_client() {
    let world = World::new();
    takes_no_client(&world);
    let screen = world.screen_with("set -g @factory-worker-bin /nowhere/factory-worker");
    screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
    screen.wait("make install");
    // Any key takes the message away.
    screen.keys(&["Enter"]);
    screen.wait_gone("make install");
    screen.prefix("W");
    screen.wait("run `make install` in");
    screen.keys(&["Enter"]);
    let text = screen.wait_gone("make install");
    assert!(!text.contains("returned") && !text.contains("usage"), "{text}");
}

/// The verdict of a check and what it found.
fn check(report: &str, name: &str) -> (String, String) {
    let report: Value = serde_json::from_str(report).unwrap();
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == name);
    let check = check.unwrap_or_else(|| panic!("no check {name:?} in {report:#}"));
    (check["verdict"].as_str().unwrap().to_owned(), check["found"].as_str().unwrap().to_owned())
}

#[test]
fn a_key_is_known_to_be_bound_though_tmux_prints_no_single_one() {
    let world = World::new();
    prints_no_single_key(&world);
    let screen = world.screen_with(&format!("set -g @factory-worker-nudge-key ';'\n{}", plugin()));
    let report = screen.run(&["doctor", "--json"]).stdout;
    for (name, key) in [("pick", "W"), ("peek", "P"), ("dispatch", "G"), ("nudge", ";")] {
        assert_eq!(check(&report, &format!("{name} key")), ("ok".to_owned(), format!("prefix {key}")));
    }
    screen.inner(&["unbind-key", "W"]);
    let (verdict, found) = check(&screen.run(&["doctor", "--json"]).stdout, "pick key");
    assert_eq!((verdict.as_str(), found.as_str()), ("warn", "prefix W is not bound"));
}

/// The keys behind the prefix that are ours.
fn ours(screen: &Screen<'_>) -> Vec<String> {
    let listing = screen.inner(&["list-keys", "-T", "prefix"]);
    let ours = listing.lines().filter(|line| line.contains("tmux-plugin/factory-worker-popup"));
    let mut keys: Vec<String> = ours.map(|line| line.split_whitespace().nth(3).unwrap().to_owned()).collect();
    keys.sort();
    keys
}

#[test]
fn a_key_that_is_ours_no_more_is_given_back_though_tmux_prints_no_single_one() {
    let world = World::new();
    prints_no_single_key(&world);
    let screen = world.screen_with(&format!("set -g @factory-worker-nudge-key '\"'\n{}", plugin()));
    assert_eq!(ours(&screen), ["G", "P", "W", "\\\""]);
    screen.inner(&["set", "-gu", "@factory-worker-nudge-key", ";", "set", "-g", "@factory-worker-pick-key", "M-w"]);
    screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
    assert_eq!(ours(&screen), ["G", "M-w", "N", "P"]);
}

#[rstest]
fn a_key_is_known_by_any_of_its_names(#[values(false, true)] prints_no_single: bool) {
    let world = World::new();
    if prints_no_single {
        prints_no_single_key(&world);
    }
    let chosen = [("pick", "0x57"), ("peek", "c-x"), ("dispatch", "M-C-x"), ("nudge", "^G")];
    let options: Vec<_> = chosen.iter().map(|(what, key)| format!("set -g @factory-worker-{what}-key '{key}'\n")).collect();
    let screen = world.screen_with(&format!("{}{}", options.concat(), plugin()));
    let report = screen.run(&["doctor", "--json"]).stdout;
    for (what, key) in chosen {
        assert_eq!(check(&report, &format!("{what} key")), ("ok".to_owned(), format!("prefix {key}")));
    }
    // The same key by another name is still ours, and another key gives it back.
    screen.inner(&["set", "-g", "@factory-worker-nudge-key", "C-g"]);
    screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
    assert!(ours(&screen).contains(&"C-g".to_owned()), "{:?}", ours(&screen));
    screen.inner(&["set", "-g", "@factory-worker-nudge-key", "^t"]);
    screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
    let keys = ours(&screen);
    assert!(!keys.contains(&"C-g".to_owned()) && keys.contains(&"C-t".to_owned()) && keys.len() == 4, "{keys:?}");
}

#[test]
fn a_key_without_a_note_gets_none_though_tmux_lists_its_command_for_one() {
    let keys = "bind -N 'my own' V copy-mode\nbind v copy-mode -eu\nbind -n M-v copy-mode\n";
    let all = |screen: &Screen<'_>| screen.inner(&["list-keys"]) + &screen.inner(&["list-keys", "-N", "-a"]);
    let noted = |screen: &Screen<'_>| {
        let lines = screen.inner(&["list-keys", "-N", "-P", "", "-T", "prefix"]);
        let of = |key: &str| lines.lines().find_map(|line| Some(line.trim_start().strip_prefix(key)?.trim().to_owned()));
        (of("V "), of("v "))
    };
    let off = World::new();
    let unchanged = all(&off.screen_with(&format!("{keys}set -g @factory-worker-copy-mode off\n{}", plugin())));
    let world = World::new();
    takes_commands_for_notes(&world);
    let screen = world.screen_with(&format!("{keys}{}", plugin()));
    let load = || screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
    for _ in 0..2 {
        assert!(screen.inner(&["list-keys", "-T", "root"]).contains("1factory-worker:seamless"), "{}", all(&screen));
        assert_eq!(noted(&screen), (Some("my own".to_owned()), None));
        load();
    }
    screen.inner(&["set", "-g", "@factory-worker-copy-mode", "off"]);
    load();
    assert_eq!(noted(&screen), (Some("my own".to_owned()), None));
    // Whose bindings were never touched.
    let theirs = |all: String| all.lines().filter(|line| !line.contains("factory-worker")).collect::<Vec<_>>().join("\n");
    assert_eq!(theirs(all(&screen)), theirs(unchanged));
}

#[test]
fn a_worker_s_tmux_may_be_called_otherwise() {
    let world = World::new();
    // What `-V` says begins with the name of the program's file.
    let says =
        "#!/bin/sh\ncase \" $* \" in\n*' -V '*) tmux -V | sed 's/^tmux/&-of-the-worker/' ;;\n*) exec tmux \"$@\" ;;\nesac\n";
    let named = world.script("tmux-of-the-worker", says);
    let world = world.worker_with("w", &format!("tmux: {}\n{NO_COMMANDS}", named.display()));
    let report: Value = serde_json::from_str(&world.run(&["doctor", "--json"]).expect(0).stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let of = |about| &checks.iter().find(|check| check["about"] == about && check["check"] == "tmux").unwrap()["found"];
    assert_eq!(of("w (local)"), of("this machine"));
}

#[test]
fn a_session_whose_name_looks_like_a_variable_has_one_window() {
    let world = World::new().worker("w");
    world.session("w", "a$b ${c}", "echo I am it; exec cat");
    let screen = world.screen_with("");
    let report: Value = serde_json::from_str(&world.run(&["list", "--json"]).expect(0).stdout).unwrap();
    // tmux itself may have made another name of it.
    let address = report["workers"][0]["sessions"][0]["address"].as_str().unwrap();
    for _ in 0..2 {
        screen.run(&["open", address]).expect(0);
        screen.wait("I am it");
        assert_eq!(screen.windows().len(), 2, "{:?}", screen.windows());
    }
    screen.run(&["close", address]).expect(0);
    eventually("the window to go", || (screen.windows().len() == 1).then_some(()));
}

const NO_COMMANDS: &str = "commands: {status: \"\", queue: \"\", dispatch: \"\"}";

/// A program that notes each size that it is told.
const APP: &str = "trap 'stty size >>sizes' WINCH; echo I am qa; while :; do read -t 1 -r line; done";

/// A worker whose tmux says that it is of this version, if any is given. What it does is not that version's, but for one thing: it
/// asks a terminal for its attributes exactly when such a one would ask for the size too.
fn factory(version: Option<&str>) -> (Operator, Running) {
    let cluster = Cluster::start();
    let mut workload = cluster.deployment("fleet").session("qa", &format!("exec bash -c \"{APP}\""));
    if let Some(version) = version {
        workload = workload.script(
            "tmux",
            &format!(
                "#!/bin/sh\nleft=$#\nwhile [ \"$left\" -gt 0 ]; do\n\tword=$1\n\tshift\n\tleft=$((left - 1))\n\
             \tcase $word in\n\t-V) exec echo tmux {version} ;;\n\
             \t*'#{{version}}'*) word=${{word%%'#{{version}}'*}}{version}${{word#*'#{{version}}'}} ;;\n\tesac\n\
             \tset -- \"$@\" \"$word\"\ndone\n{REAL_TMUX}"
            ),
        );
    }
    let worker = workload.start();
    (Operator::of(cluster).worker("w", "fleet", NO_COMMANDS), worker)
}

fn sizes(pod: &Pod) -> Vec<String> {
    let text = fs::read_to_string(pod.home().join("sizes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn size_of_client(pod: &Pod) -> String {
    pod.tmux(&["list-clients", "-F", "#{client_width}x#{client_height} #{window_width}x#{window_height}"]).trim_end().to_owned()
}

#[rstest]
fn a_window_on_a_pod_is_as_large_there_as_here(#[values("", "view: plain\n")] setting: &str) {
    let (operator, worker) = factory(None);
    let pod = worker.pod();
    let everything = || everything_of(|arguments| pod.tmux(arguments));
    let before = everything();
    let operator = operator.worker("v", "fleet", &format!("{setting}{NO_COMMANDS}"));
    let screen = operator.world.screen_with("set -g mouse on");
    screen.run(&["open", "v/qa"]).expect(0);
    screen.wait("I am qa");
    let height = if setting.is_empty() { 39 } else { 38 };
    let told = format!("{height} 120");
    eventually("the first size", || (sizes(&pod) == [told.clone()]).then_some(()));
    assert_eq!(size_of_client(&pod), format!("120x39 120x{height}"));
    screen.resize(101, 31);
    eventually("the next size", || (sizes(&pod) == [told.clone(), format!("{} 101", height - 9)]).then_some(()));
    screen.run(&["close", "v/qa"]).expect(0);
    eventually("everything to be as before", || (everything() == before).then_some(()));
    assert_eq!(sizes(&pod).len(), 2, "{:?}", sizes(&pod));
}

/// A view in a terminal that says of itself that it is a tmux of this version.
fn attach(operator: &Operator, version: &str) -> Pty {
    let mut command = operator.world.program("env");
    command.args([
        "TMUX=/nowhere/sock,1,0",
        "TERM_PROGRAM=tmux",
        &format!("TERM_PROGRAM_VERSION={version}"),
        BIN,
        "attach",
        "w/qa",
    ]);
    Pty::run(command)
}

/// What tmux asks a terminal that looks like an xterm, and what it wants to know of its size.
const ATTRIBUTES: &[u8] = b"\x1b[>c";
const SIZE: &[u8] = b"\x1b[18t";

#[rstest]
#[case("3.2a", "3.6")]
#[case("3.3a", "3.7c")]
#[case("3.3a", "3.10")]
#[case("3.3a", "next-3.8")]
#[case("3.3a", "master")]
#[case::here_unknown("", "3.6")]
fn a_terminal_whose_answer_is_wrong_is_not_asked_for_its_size(#[case] here: &str, #[case] there: &str) {
    let (operator, worker) = factory(Some(there));
    let pod = worker.pod();
    let before = pod.tmux(&["show-options", "-s"]);
    let terminal = attach(&operator, here);
    let mark = terminal.wait("I am qa");
    eventually("its size", || (size_of_client(&pod) == "100x30 100x30").then_some(()));
    terminal.resize(90, 25);
    terminal.wait_behind(mark, b"\x1b[1;25r");
    eventually("its next size", || (size_of_client(&pod) == "90x25 90x25").then_some(()));
    let asked = |what: &[u8]| terminal.written().windows(what.len()).any(|there| there == what);
    assert!(!asked(ATTRIBUTES) && !asked(SIZE), "{}", String::from_utf8_lossy(&terminal.written()));
    assert!(!pod.tmux(&["show-options", "-s"]).contains("XT@"), "somebody else's terminal would look like that, too");
    pod.tmux(&["detach-client", "-s", "=qa"]);
    eventually("the options to be as before", || (pod.tmux(&["show-options", "-s"]) == before).then_some(()));
}

#[rstest]
#[case("3.3a", "3.5a")]
#[case("3.3a", "3.2a")]
#[case("3.4", "3.7c")]
#[case("next-3.8", "3.6")]
fn a_terminal_that_nothing_is_wrong_with_is_asked_what_tmux_asks(#[case] here: &str, #[case] there: &str) {
    let (operator, _worker) = factory(Some(there));
    let terminal = attach(&operator, here);
    terminal.wait(std::str::from_utf8(ATTRIBUTES).unwrap());
    terminal.wait("I am qa");
}

#[test]
fn nothing_is_left_of_a_client_that_came_too_late() {
    let (operator, worker) = factory(Some("3.6"));
    let pod = worker.pod();
    pod.session("other", "exec cat");
    let before = pod.tmux(&["show-options", "-s"]);
    // Between the look and the attach.
    let end = "#!/bin/sh\ncase \"$*\" in *attach-session*) \"$HOME/../bin/tmux.real\" kill-session -t =qa ;; esac\nexec \"$HOME/../bin/tmux.real\" \"$@\"\n";
    let bin = pod.home().join("../bin");
    fs::rename(bin.join("tmux"), bin.join("tmux.real")).unwrap();
    fs::write(bin.join("tmux.new"), end).unwrap();
    fs::set_permissions(bin.join("tmux.new"), Permissions::from_mode(0o755)).unwrap();
    fs::rename(bin.join("tmux.new"), bin.join("tmux")).unwrap();
    let terminal = attach(&operator, "3.3a");
    terminal.wait("qa");
    eventually("the options to be as before", || (pod.tmux(&["show-options", "-s"]) == before).then_some(()));
    eventually("nobody to be there", || pod.clients().is_empty().then_some(()));
}

#[test]
fn doctor_knows_the_pair() {
    let (operator, worker) = factory(Some("3.6"));
    for (here, told) in [("3.3a", true), ("3.4", false)] {
        operator.world.script("tmux", &format!("#!/bin/sh\n[ \"$1\" != -V ] || exec echo tmux {here}\n{REAL_TMUX}"));
        let report = operator.run(&["doctor", "--json"]).stdout;
        assert_eq!(report.contains("tmux 3.6 would ask for it"), told, "{report}");
        if told {
            assert_eq!(check(&report, "size").0, "ok");
        }
    }
    // Keys that only some tmuxes have, unless they are told before an application asks for them.
    let keys = |value: &str| {
        worker.pod().tmux(&["set-option", "-s", "extended-keys", value]);
        operator.run(&["doctor", "--json"]).stdout.contains("Shift-Enter and the like do not reach what ran before")
    };
    assert!(keys("off") && !keys("on") && keys("off"));
    // A view switches it on for as long as it is there, which is too late.
    let _terminal = attach(&operator, "3.4");
    eventually("the view", || (worker.pod().tmux(&["show-options", "-sv", "extended-keys"]) == "on\n").then_some(()));
    let report = operator.run(&["doctor", "--json"]).stdout;
    assert_eq!(check(&report, "extended-keys").0, "warn");
}
