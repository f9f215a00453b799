//! A polecat without tmux in a window: its log as it comes, over broken connections and new pods, until it has ended.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/town.rs"]
mod town;

use std::fs;
use std::time::Duration;

use kubesim::Cluster;
use operator::Operator;
use support::{Screen, eventually};
use town::{STOCK_IMAGE, TOWN, ended, operated, polecat, polecat_without_repository, says, town as a_town};

/// An agent that says what it is told through its HOME, and ends when it is told so.
const AGENT: &str = "echo the answer is 42; trap 'exit 143' TERM
while :; do
    [ -e \"$HOME/say\" ] && cat \"$HOME/say\" && rm \"$HOME/say\"
    [ -e \"$HOME/end\" ] && echo last words && exit 1
    sleep 0.05
done";

fn operator() -> Operator {
    let cluster = a_town();
    cluster.image(STOCK_IMAGE).runs(&["sh", "-c", AGENT]).publish();
    polecat(&cluster, "furiosa");
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    operator.run(&["list"]).expect(0);
    operator
}

/// A terminal whose window shows the log.
fn window(operator: &Operator) -> Screen<'_> {
    let screen = operator.world.screen();
    screen.run(&["open", "pc-furiosa/log"]).expect(0);
    screen.wait("[the log of polecat furiosa");
    screen.wait("the answer is 42");
    screen
}

/// Press a key until the window is gone: it counts after a second without any, when nothing follows it.
#[track_caller]
fn close_by(screen: &Screen<'_>, key: &str) {
    eventually("the window to close", || {
        std::thread::sleep(Duration::from_millis(1600));
        screen.keys(&[key]);
        std::thread::sleep(Duration::from_millis(1600));
        (screen.windows().len() == 1).then_some(())
    });
}

fn tell(cluster: &Cluster, file: &str, text: &str) {
    let home = cluster.find_pod(TOWN, "polecat-furiosa").home();
    fs::write(home.join("new"), text).unwrap();
    fs::rename(home.join("new"), home.join(file)).unwrap();
}

/// Wait for the shell's prompt, and see that it answers.
#[track_caller]
fn use_shell(screen: &Screen<'_>) {
    // Longer than that of the terminal itself, which may show behind a popup.
    let is_prompt = |line: &str| {
        let line = line.trim_matches(['│', ' ']);
        line.len() > 1 && line.ends_with(['#', '$'])
    };
    screen.wait_until("the shell's prompt", |text| text.lines().any(is_prompt));
    screen.enter("echo in-$((40 + 2))");
    screen.wait("in-42");
}

fn count(screen: &Screen<'_>, text: &str) -> usize {
    screen.text().matches(text).count()
}

/// How many kubectl processes of this world follow a log.
fn followers(operator: &Operator) -> usize {
    let home = format!("HOME={}\0", operator.world.home().display());
    let is_ours = |directory: &std::path::Path| {
        let read = |name: &str| fs::read(directory.join(name)).map(|text| String::from_utf8_lossy(&text).into_owned());
        let (Ok(argv), Ok(environment)) = (read("cmdline"), read("environ")) else { return false };
        argv.contains("--follow") && environment.contains(&home)
    };
    fs::read_dir("/proc").unwrap().flatten().filter(|entry| is_ours(&entry.path())).count()
}

#[test]
fn what_it_says_comes_and_its_end_is_told_until_a_key() {
    let operator = operator();
    let screen = window(&operator);
    tell(&operator.cluster, "say", "a line\nand another\n");
    screen.wait("and another");
    tell(&operator.cluster, "end", "");
    screen.wait("last words");
    screen.wait("pc-furiosa/log has ended: failed (exit 1");
    let text = screen.wait("Q closes this window");
    assert_eq!((text.matches("the answer is 42").count(), text.matches("a line").count()), (1, 1), "{text}");
    screen.enter("typed without a look");
    close_by(&screen, "Q");
    assert_eq!(followers(&operator), 0);
}

#[test]
fn that_its_init_container_failed_is_its_end() {
    let cluster = a_town();
    polecat_without_repository(&cluster, "furiosa");
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    operator.run(&["list"]).expect(0);
    let screen = operator.world.screen();
    screen.run(&["open", "pc-furiosa/log"]).expect(0);
    screen.wait("pc-furiosa/log has ended: failed (git-init exit 128)");
}

#[test]
fn an_end_behind_a_connection_that_says_nothing_is_noticed() {
    let operator = operator();
    let screen = window(&operator);
    // The connection stays, and nothing comes any more: whoever knows is asked.
    says(&operator.cluster, "furiosa", ended(0));
    screen.wait("pc-furiosa/log has ended: done (");
}

#[test]
fn a_broken_connection_is_made_again_and_nothing_is_shown_twice() {
    let operator = operator();
    let screen = window(&operator);
    operator.cluster.refuse_connections();
    operator.cluster.drop_connections();
    screen.wait("trying again]");
    tell(&operator.cluster, "say", "said meanwhile\n");
    operator.cluster.accept_connections();
    screen.wait("[connected again]");
    screen.wait("said meanwhile");
    tell(&operator.cluster, "say", "said afterwards\n");
    screen.wait("said afterwards");
    for text in ["the answer is 42", "said meanwhile", "said afterwards"] {
        assert_eq!(count(&screen, text), 1, "{}", screen.text());
    }
}

#[test]
fn a_retry_goes_on_in_the_same_window() {
    let operator = operator();
    let screen = window(&operator);
    operated(&operator.cluster, "furiosa", || {
        operator.run(&["polecat", "retry", "furiosa", "--force"]).expect(0);
        screen.wait("[a new pod begins]");
        screen.wait_until("the new pod's words", |text| text.matches("the answer is 42").count() == 2);
    });
    operator.run(&["polecat", "stop", "furiosa"]).expect(0);
    operator.cluster.find_pod(TOWN, "polecat-furiosa").delete();
    screen.wait("pc-furiosa/log has ended: stopped");
}

#[test]
fn alt_t_opens_a_shell_and_the_log_comes_back() {
    let operator = operator();
    let screen = window(&operator);
    screen.keys(&["M-t"]);
    screen.wait("[a shell in its pod");
    use_shell(&screen);
    tell(&operator.cluster, "say", "said behind the shell\n");
    screen.enter("exit 0");
    screen.wait("[the shell has ended]");
    screen.wait("said behind the shell");
    // Its keys are our keys again; what is typed without a look is none.
    screen.enter("quit");
    std::thread::sleep(Duration::from_millis(1600));
    assert_eq!(screen.windows().len(), 2);
    close_by(&screen, "q");
    eventually("kubectl to end", || (followers(&operator) == 0).then_some(()));
}

#[test]
fn closing_the_window_leaves_nothing_behind_and_the_polecat_at_work() {
    let operator = operator();
    let screen = window(&operator);
    eventually("kubectl", || (followers(&operator) == 1).then_some(()));
    // Open already: no kubectl, and no second window.
    screen.run(&["open", "pc-furiosa/log"]).expect(0);
    assert_eq!(screen.windows().len(), 2);
    screen.run(&["close", "pc-furiosa/log"]).expect(0);
    eventually("kubectl to end", || (followers(&operator) == 0).then_some(()));
    assert_eq!(operator.rows()[0]["status"], "working");
}

#[test]
fn enter_and_alt_t_in_the_picker() {
    let operator = operator();
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("pc-furiosa/log");
    screen.keys(&["M-t"]);
    use_shell(&screen);
    screen.enter("exit 0");
    // Back where it came from.
    screen.wait("1 session on 1 worker");
    screen.keys(&["Enter"]);
    screen.wait("[the log of polecat furiosa");
    eventually("the window", || screen.windows().iter().any(|window| window.starts_with("pc-furiosa/log|")).then_some(()));
}
