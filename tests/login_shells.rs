//! A shell in a pod, of a user who logs in with a plugin: it takes its turn as everything else does, and what has to be known
//! first is asked where the shell will be.

#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/picker.rs"]
mod picker;
#[path = "support/pty.rs"]
mod pty;
mod support;
#[path = "support/town.rs"]
mod town;

use std::fs;
use std::process::Child;
use std::time::Duration;

use kubesim::{Cluster, Running};
use login_plugin::{LoginPlugin, end, start};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operator::Operator;
use picker::{picker, wait_highlighted, wait_left};
use pty::Pty;
use support::{Screen, eventually};
use town::{polecat, town as a_town};

/// A deadline for what comes, however busy the machine is.
const LONG: &str = "--timeout=60s";
/// What is said while somebody else logs in.
const WAITS: &str = "waiting for a login that is under way";

/// The worker `w` of an operator whose plugin waits for its person somewhere else, and has been there.
fn factory() -> (Operator, LoginPlugin, Running) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "echo I am qa; exec cat").start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "");
    let plugin = LoginPlugin::of(&mut operator, "browser", "IfAvailable");
    plugin.is_logged_in();
    operator.run(&["list", LONG]).expect(0);
    (operator, plugin, worker)
}

/// The picker, and behind it a token that has expired.
fn picker_of_the_expired<'a>(operator: &'a Operator, plugin: &LoginPlugin) -> Screen<'a> {
    let screen = picker(&operator.world, "");
    wait_highlighted(&screen, "w/qa");
    screen.wait("1 session on 1 worker");
    // Its preview, for which nobody has asked, would be the first to need a login.
    screen.wait("[not looked at again");
    plugin.expires();
    screen
}

fn wait_for_a_login(plugin: &LoginPlugin) {
    eventually("somebody to log in", || (plugin.logins() > 0).then_some(()));
}

/// A picker whose shell waits for the login that `peek` has begun.
fn shell_that_waits<'a>(operator: &'a Operator, plugin: &LoginPlugin) -> (Screen<'a>, Child) {
    let screen = picker_of_the_expired(operator, plugin);
    let peek = start(operator, &["peek", "w/qa", LONG]);
    wait_for_a_login(plugin);
    screen.keys(&["M-t"]);
    screen.wait(WAITS);
    (screen, peek)
}

/// Wait for the shell to answer.
#[track_caller]
fn use_shell(screen: &Screen<'_>) {
    screen.enter("echo in-$((40 + 2))");
    screen.wait("in-42");
}

#[test]
fn an_open_picker_starts_no_login() {
    let (operator, plugin, _worker) = factory();
    let screen = picker_of_the_expired(&operator, &plugin);
    let before = screen.wait("I am qa");
    // Several looks, as long as each of them lets the next one be taken.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(plugin.logins(), 0, "{before}");
    screen.keys(&["C-r"]);
    wait_for_a_login(&plugin);
    plugin.grant();
    screen.wait_until("another look", |text| text.contains("I am qa") && !text.contains("[not looked at again"));
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn a_shell_waits_for_the_login_that_is_under_way() {
    let (operator, plugin, _worker) = factory();
    let (screen, peek) = shell_that_waits(&operator, &plugin);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
    plugin.grant();
    screen.wait_until("our turn", |text| !text.contains(WAITS));
    use_shell(&screen);
    end(peek).expect(0);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn the_login_of_a_shell_is_everybodys_as_soon_as_it_is_over() {
    let (operator, plugin, _worker) = factory();
    let screen = picker_of_the_expired(&operator, &plugin);
    screen.keys(&["M-t"]);
    wait_for_a_login(&plugin);
    let list = start(&operator, &["list", LONG]);
    // Whoever comes later has no way to tell us that it waits.
    std::thread::sleep(Duration::from_millis(500));
    plugin.grant();
    // The shell is still there when the others have their answers.
    assert!(end(list).expect(0).stdout.contains("running"));
    use_shell(&screen);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
    screen.enter("exit 0");
    screen.wait("1 session on 1 worker");
}

#[test]
fn ctrl_c_leaves_a_shell_that_waits_for_a_login_and_goes_back_to_the_picker() {
    let (operator, plugin, _worker) = factory();
    let (screen, mut peek) = shell_that_waits(&operator, &plugin);
    screen.keys(&["C-c"]);
    screen.wait("> ");
    wait_highlighted(&screen, "w/qa");
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
    assert_eq!(plugin.logins(), 1);
    peek.kill().unwrap();
    peek.wait().unwrap();
}

/// The picker of this world.
fn picker_process(operator: &Operator) -> Pid {
    let home = format!("HOME={}\0", operator.world.home().display());
    let is_ours = |directory: &std::path::Path| {
        let read = |name: &str| fs::read(directory.join(name)).map(|text| String::from_utf8_lossy(&text).into_owned());
        let (Ok(argv), Ok(environment)) = (read("cmdline"), read("environ")) else { return false };
        argv.ends_with("\0pick\0") && environment.contains(&home)
    };
    let entry = fs::read_dir("/proc").unwrap().flatten().find(|entry| is_ours(&entry.path())).unwrap();
    Pid::from_raw(entry.file_name().to_str().unwrap().parse().unwrap())
}

#[test]
fn whoever_ends_a_shell_that_waits_for_a_login_ends_the_picker_behind_it() {
    let (operator, plugin, _worker) = factory();
    let (screen, mut peek) = shell_that_waits(&operator, &plugin);
    kill(picker_process(&operator), Signal::SIGTERM).unwrap();
    wait_left(&screen, 130);
    peek.kill().unwrap();
    peek.wait().unwrap();
}

/// `polecat shell` of an operator whose plugin asks on the terminal, each time.
fn polecat_shell() -> (Operator, LoginPlugin) {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let mut operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    let plugin = LoginPlugin::of(&mut operator, "ask", "IfAvailable");
    plugin.keeps_nothing();
    (operator, plugin)
}

#[test]
fn what_has_to_be_known_before_a_polecats_shell_is_asked_on_the_terminal_too() {
    let (operator, plugin) = polecat_shell();
    let mut terminal = Pty::run(operator.world.command(&["polecat", "shell", "furiosa"]));
    let mut mark = 0;
    // Which pod it is, and the shell.
    for _ in 0..2 {
        let asked = terminal.wait_behind(mark, b"Name: ");
        terminal.type_bytes(b"ann\r");
        mark = terminal.wait_behind(asked, b"Password: ");
        terminal.type_bytes(b"sesame\r");
    }
    terminal.wait_behind(mark, b"# ");
    terminal.type_bytes(b"echo in-$((40 + 2))\r");
    terminal.wait_behind(mark, b"in-42");
    let said = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!said.contains("sesame"), "{said:?}");
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (2, 1));
}

/// The log of a polecat on a terminal, of an operator whose plugin gets its token in this way, once it has none.
fn followed_log(way: &str, is_logged_in: bool) -> (LoginPlugin, Pty, Operator) {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let mut operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    let plugin = LoginPlugin::of(&mut operator, way, "IfAvailable");
    plugin.is_logged_in();
    operator.run(&["list", LONG]).expect(0);
    if !is_logged_in {
        plugin.expires();
    }
    let terminal = Pty::run(operator.world.command(&["attach", "pc-furiosa/log"]));
    (plugin, terminal, operator)
}

#[test]
fn a_log_that_says_nothing_starts_no_login_and_stays() {
    let (plugin, terminal, _operator) = followed_log("browser", true);
    terminal.wait("the answer is 42");
    plugin.expires();
    // After so long a silence somebody is asked whether the agent is still there, and again.
    std::thread::sleep(Duration::from_secs(40));
    let said = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!said.contains("again]"), "{said:?}");
    assert_eq!(plugin.logins(), 0);
}

#[test]
fn a_log_whose_login_failed_waits_for_a_key() {
    let (plugin, mut terminal, _operator) = followed_log("fail", false);
    let said = terminal.wait("Enter tries again]");
    assert!(String::from_utf8_lossy(&terminal.written()).contains("your session is over"));
    let before = plugin.logins();
    // It would have been tried several times.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(plugin.logins(), before);
    terminal.type_bytes(b"\r");
    let said = terminal.wait_behind(said, b"Enter tries again]");
    assert_eq!(plugin.logins(), before + 1);
    plugin.is_logged_in();
    terminal.type_bytes(b"\r");
    terminal.wait_behind(said, b"the answer is 42");
}
