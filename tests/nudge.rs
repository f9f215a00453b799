//! `nudge` and `interrupt`: what was typed arrives as it is, and what is reported is what was seen.

#[path = "support/moment.rs"]
mod moment;
mod support;

use std::fs;

use rstest::rstest;
use support::{HOSTILE_NAMES, ROOT, World, eventually, long_name};

/// A world with a session that has an input box; what is sent there is in the file `got`.
fn with_box(mode: &str) -> World {
    let world = World::new().worker("w");
    world.session("w", "s", &format!("exec perl {ROOT}/tests/programs/box.pl got {mode}"));
    eventually("the program to start", || world.pane("w", "s").contains("working").then_some(()));
    world
}

fn with_session(command: &str, ready: &str) -> World {
    let world = World::new().worker("w");
    world.session("w", "s", command);
    eventually("the program to start", || world.pane("w", "s").contains(ready).then_some(()));
    world
}

/// What the box was sent.
fn got(world: &World) -> Option<Vec<u8>> {
    fs::read(world.worker_directory("w").join("got")).ok()
}

/// Wait until the session has written nothing for as long as it takes to be quiet.
fn wait_until_quiet(world: &World) {
    eventually("the session to be quiet", || {
        let active: u64 =
            world.worker_tmux("w", &["display-message", "-p", "-t", "=s:", "#{window_activity}"]).trim().parse().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        (now - active >= 3).then_some(())
    });
}

fn assert_no_buffer_is_left(world: &World) {
    assert_eq!(world.worker_tmux("w", &["list-buffers"]), "");
}

#[rstest]
#[case("it's \"quoted\"")]
#[case("$HOME `touch pwned` $(touch pwned) ${x}")]
#[case("#{pane_id} #(touch pwned) #[fg=red] ##")]
#[case("a; b;")]
#[case(";")]
#[case("-leading -t x")]
#[case("--")]
#[case("Enter")]
#[case("C-c")]
#[case("C-c Enter ; kill-server")]
#[case("back\\slash \\n %d 100%")]
#[case("one\ntwo\n\n  three; ")]
#[case("\n\nbehind blank lines")]
#[case("日本語 🦀 grün")]
#[case(" spaces around ")]
#[case("│ boxed │")]
fn a_text_arrives_byte_for_byte(#[case] text: &str) {
    let world = with_box("quiet");
    let ran = world.run_with_input(&["nudge", "w/s"], text.as_bytes()).expect(0);
    assert_eq!(ran.stdout, "nudged w/s\n");
    assert_eq!(got(&world).map(|bytes| String::from_utf8(bytes).unwrap()).as_deref(), Some(text));
    assert_no_buffer_is_left(&world);
    world.assert_nothing_executed();
}

#[rstest]
#[case(&["nudge", "w/s", "an argument"], "", "an argument")]
#[case(&["nudge", "w/s", "--", "-an argument;"], "", "-an argument;")]
#[case(&["nudge", "w", "--session", "s", "-"], "from stdin", "from stdin")]
#[case(&["nudge", "w"], "the newline that echo adds\n", "the newline that echo adds")]
#[case(&["nudge", "w/s"], "only one of them\n\n", "only one of them\n")]
#[case(&["nudge", "w/s", "-n please"], "", "-n please")]
#[case(&["nudge", "w/s", "-n"], "", "-n")]
#[case(&["nudge", "w/s", "-v is broken"], "", "-v is broken")]
#[case(&["nudge", "w/s", "- one\n- two"], "", "- one\n- two")]
#[case(&["nudge", "w/s", "--help me"], "", "--help me")]
#[case(&["nudge", "w/s", "--dry-run"], "", "--dry-run")]
#[case(&["nudge", "w/s", "--timeout is too short; --session, too"], "", "--timeout is too short; --session, too")]
#[case(&["nudge", "w", "-n please", "--session", "s", "--timeout", "20s"], "", "-n please")]
#[case(&["nudge", "w/s", "--", "--help"], "", "--help")]
#[case(&["nudge", "w/s", "one\r\n\r\ntwo\rthree"], "", "one\n\ntwo\nthree")]
#[case(&["nudge", "w/s", "-"], "one\r\n\r\ntwo\rthree\r\n", "one\n\ntwo\nthree")]
fn every_spelling(#[case] arguments: &[&str], #[case] input: &str, #[case] arrives: &str) {
    let world = with_box("quiet");
    world.run_with_input(arguments, input.as_bytes()).expect(0);
    assert_eq!(got(&world), Some(arrives.into()));
}

#[test]
fn a_long_text_arrives_too() {
    let world = with_box("quiet");
    let text = "a line of a long text, with 'quotes' and $signs\n".repeat(4000);
    world.run_with_input(&["nudge", "w/s"], format!("{text}end").as_bytes()).expect(0);
    assert_eq!(got(&world), Some(format!("{text}end").into()));
}

#[rstest]
#[case("", "there is no text")]
#[case(" \n\n", "there is no text")]
#[case("a\0b", "NUL")]
fn what_cannot_be_typed_is_refused(#[case] text: &str, #[case] told: &str) {
    let world = with_box("quiet");
    let ran = world.run_with_input(&["nudge", "w/s"], text.as_bytes()).expect(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let world = with_box("quiet");
    world.run_with_input(&["nudge", "w/s"], b"a\xff").expect(2);
}

#[rstest]
#[case::that_works_on("busy")]
#[case::that_hides_the_cursor("hidden")]
fn a_box(#[case] mode: &str) {
    let world = with_box(mode);
    world.run(&["nudge", "w/s", "go on"]).expect(0);
    assert_eq!(got(&world), Some("go on".into()));
    // The same text again, which is not new on the screen when it is typed.
    fs::remove_file(world.worker_directory("w").join("got")).unwrap();
    world.run(&["nudge", "w/s", "go on"]).expect(0);
    assert_eq!(got(&world), Some("go on".into()));
}

#[track_caller]
fn assert_not_confirmed(world: &World, text: &str, entered: bool) {
    let ran = world.run(&["nudge", "w/s", text]).expect(5);
    let told = if entered { "Enter was pressed, but" } else { "Enter was not pressed" };
    assert!(ran.stderr.contains("typed, not confirmed") && ran.stderr.contains(told), "{}", ran.stderr);
    assert!(ran.stderr.contains("factory-worker peek w/s"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_no_buffer_is_left(world);
}

#[test]
fn enter_that_only_makes_a_new_line_is_no_success() {
    assert_not_confirmed(&with_box("stubborn"), "go on", true);
}

#[test]
fn enter_is_never_pressed_into_a_dialog() {
    let world = with_box("dialog");
    assert_not_confirmed(&world, "go on", false);
    assert_eq!(got(&world), None);
}

#[rstest]
#[case::slow("0.2")]
#[case::fast("0.02")]
fn a_stream_changes_all_the_time_and_proves_nothing(#[case] pause: &str) {
    let world = with_session(&format!("while :; do echo building; date; sleep {pause}; done"), "building");
    let ran = world.run(&["nudge", "w/s", "are you there?"]).expect(5);
    assert!(ran.stderr.contains("typed, not confirmed"), "{}", ran.stderr);
}

#[test]
fn a_spinner_proves_nothing() {
    let spin = r#"while :; do for c in / - '|'; do printf "\r$c Working"; sleep 0.1; done; done"#;
    assert_not_confirmed(&with_session(spin, "Working"), "are you there?", true);
}

#[rstest]
#[case::with_an_echo("echo ready; sleep 600", true)]
#[case::without_an_echo("stty -echo; echo ready; sleep 600", false)]
fn a_program_that_reads_nothing(#[case] command: &str, #[case] entered: bool) {
    let world = with_session(command, "ready");
    wait_until_quiet(&world);
    assert_not_confirmed(&world, "are you there?", entered);
}

#[test]
fn copy_mode_is_refused_before_anything_is_typed() {
    let world = with_box("quiet");
    world.worker_tmux("w", &["copy-mode", "-t", "=s:"]);
    let ran = world.run(&["nudge", "w/s", "go on"]).expect(1);
    assert!(ran.stderr.contains("copy mode") && ran.stderr.contains("nothing was typed"), "{}", ran.stderr);
    world.worker_tmux("w", &["send-keys", "-t", "=s:", "-X", "cancel"]);
    assert!(!world.pane("w", "s").contains("go on"));
    world.run(&["nudge", "w/s", "go on"]).expect(0);
}

#[rstest]
#[case::dies(moment::dies_before_it_is_typed_into("s"), "program has ended")]
#[case::scrolls(moment::scrolls_before_it_is_typed_into("s"), "copy mode")]
fn what_happens_between_the_look_and_the_keys_is_seen(
    #[case] tmux: String,
    #[case] why: &str,
    #[values(("nudge", "typed"), ("interrupt", "sent"))] (command, done): (&str, &str),
) {
    let world = with_session("echo ready; exec cat", "ready");
    world.worker_tmux("w", &["set-option", "-w", "-t", "=s:", "remain-on-exit", "on"]);
    let server = || world.worker_tmux("w", &["display-message", "-p", "-t", "=s:", "#{pid} #{start_time}"]);
    let before = server();
    world.script("tmux", &tmux);
    fs::write(world.home().join("armed"), "").unwrap();
    let text = if command == "nudge" { &["go on"][..] } else { &[] };
    let ran = world.run(&[&[command, "w/s"], text].concat()).expect(1);
    assert!(ran.stderr.contains(why) && ran.stderr.contains(&format!("nothing was {done}")), "{}", ran.stderr);
    assert!(!world.home().join("armed").exists());
    assert_eq!(server(), before);
    assert!(!world.pane("w", "s").contains("go on"));
    assert_no_buffer_is_left(&world);
}

#[test]
fn a_pane_that_takes_no_input_is_refused() {
    let world = with_box("quiet");
    world.worker_tmux("w", &["select-pane", "-d", "-t", "=s:"]);
    let ran = world.run(&["nudge", "w/s", "go on"]).expect(1);
    assert!(ran.stderr.contains("takes no input"), "{}", ran.stderr);
}

#[test]
fn no_such_session() {
    let world = with_box("quiet");
    world.run(&["nudge", "w/ss", "go on"]).expect(4);
    world.run(&["interrupt", "w/ss"]).expect(4);
}

#[rstest]
#[case::prompt_comes_back("true")]
#[case::command_runs_on("sleep 600")]
#[case::command_says_something("echo said")]
fn a_shell_with_a_line_editor(#[case] text: &str) {
    let world = with_session("PS1='ready> ' exec bash --norc --noprofile -i", "ready>");
    world.run(&["nudge", "w/s", text]).expect(0);
}

#[test]
fn a_shell_without_a_line_editor_must_have_been_quiet() {
    let world = with_session("PS1='ready> ' exec dash -i", "ready>");
    wait_until_quiet(&world);
    world.run(&["nudge", "w/s", "true"]).expect(0);
}

#[test]
fn every_name_is_its_own_session() {
    let world = World::new().worker("w");
    let names: Vec<String> = HOSTILE_NAMES.iter().map(|name| (*name).to_owned()).chain([long_name()]).collect();
    for (at, name) in names.iter().enumerate() {
        world.session("w", name, &format!("echo ready; cat > got-{at}"));
    }
    for name in &names {
        eventually("the program to start", || world.pane("w", name).contains("ready").then_some(()));
    }
    let world = &world;
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(move || {
                let ran = world.run(&["nudge", &format!("w/{name}"), &format!("for {name}")]);
                // cat says nothing when its output goes to a file.
                ran.expect(5);
            });
        }
    });
    for (at, name) in names.iter().enumerate() {
        let file = world.worker_directory("w").join(format!("got-{at}"));
        eventually(&format!("{name:?} to get its text"), || {
            (fs::read_to_string(&file).ok()? == format!("for {name}\n")).then_some(())
        });
    }
    world.assert_nothing_executed();
}

#[rstest]
#[case("dash")]
#[case("busybox sh")]
#[case("bash --posix")]
fn the_scripts_run_in_every_shell(#[case] shell: &str) {
    let world = with_box("quiet");
    world.script("sh", &format!("#!/bin/sh\nexec {shell} \"$@\"\n"));
    world.run_with_input(&["nudge", "w/s"], "it's\n日本語 $HOME".as_bytes()).expect(0);
    assert_eq!(got(&world), Some("it's\n日本語 $HOME".into()));
    world.run(&["interrupt", "w/s"]).expect(0);
    world.run(&["nudge", "w/other", "x"]).expect(4);
}

#[test]
fn a_sleep_that_knows_whole_seconds_only() {
    let world = with_box("quiet");
    world.script("sleep", "#!/bin/sh\ncase $1 in *.*) exit 1 ;; esac\nexec /bin/sleep \"$1\"\n");
    world.run(&["nudge", "w/s", "go on"]).expect(0);
}

#[test]
fn no_stty_no_date() {
    let world = with_session("PS1='ready> ' exec bash --norc --noprofile -i", "ready>");
    for missing in ["stty", "date"] {
        world.script(missing, "#!/bin/sh\nexit 127\n");
    }
    // Without them less is proven, but nothing breaks.
    let ran = world.run(&["nudge", "w/s", "echo arrived"]).expect(5);
    assert!(ran.stderr.contains("Enter was pressed"), "{}", ran.stderr);
    eventually("the text to arrive", || world.pane("w", "s").contains("\narrived").then_some(()));
}

#[rstest]
#[case(&["nudge", "w/s", "go on"])]
#[case(&["interrupt", "w/s"])]
fn an_answer_that_is_cut_is_an_unknown_outcome(#[case] arguments: &[&str]) {
    let world = with_box("quiet");
    world.script("sh", "#!/bin/sh\necho >>\"$HOME/runs\"\n/bin/sh \"$@\" | head -c 10\n");
    let ran = world.run(arguments);
    // A shell that says so little is never taken for a relay, and asked nothing.
    let over_a_relay = std::env::var_os("TEST_WAY").is_some();
    assert_eq!(
        (ran.code, ran.stderr.contains("outcome unknown")),
        if over_a_relay { (3, false) } else { (5, true) },
        "{}",
        ran.stderr
    );
    // Never tried again.
    assert_eq!(fs::read_to_string(world.home().join("runs")).unwrap(), "\n");
}

#[test]
fn texts_are_in_no_argument_list() {
    let world = with_box("quiet");
    world.script("sh", "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$HOME/arguments\"\nexec /bin/sh \"$@\"\n");
    world.script("tmux", "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$HOME/arguments\"\nexec /usr/bin/tmux \"$@\"\n");
    let ran = world.run(&["-v", "nudge", "w/s", "the secret word"]).expect(0);
    assert!(ran.stderr.contains("+ sh") && !ran.stderr.contains("secret"), "{}", ran.stderr);
    let arguments = fs::read_to_string(world.home().join("arguments")).unwrap();
    assert!(arguments.contains("paste-buffer") && !arguments.contains("secret"), "{arguments}");
}

#[test]
fn interrupt_sends_ctrl_c() {
    let world = with_session("trap 'echo interrupted' INT; echo ready; while :; do sleep 0.05; done", "ready");
    assert_eq!(world.run(&["interrupt", "w/s"]).expect(0).stdout, "sent Ctrl-C to w/s\n");
    eventually("the signal to arrive", || world.pane("w", "s").contains("interrupted").then_some(()));
}

#[test]
fn interrupt_does_not_just_leave_copy_mode() {
    let world = with_box("quiet");
    world.worker_tmux("w", &["copy-mode", "-t", "=s:"]);
    let ran = world.run(&["interrupt", "w/s"]).expect(1);
    assert!(ran.stderr.contains("copy mode") && ran.stderr.contains("nothing was sent"), "{}", ran.stderr);
    assert_eq!(world.worker_tmux("w", &["display-message", "-p", "-t", "=s:", "#{pane_in_mode}"]), "1\n");
}
