//! A login plugin that asks its operator, while a view is on its way: what it asks shows, and what is answered shows where the
//! plugin wants that.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;

use std::fs;
use std::time::Duration;

use kubesim::{Cluster, Kubeconfig, Running};
use operator::Operator;
use pty::Pty;
use rstest::rstest;
use serde_json::json;
use support::{BIN, eventually};

/// Asks for a name, which shows, and for a password, which does not; whoever knows both gets a token.
const PLUGIN: &str = r#"
printf 'Name: ' >&2
IFS= read -r name
stty -echo
printf 'Password: ' >&2
IFS= read -r password
stty echo
[ "$name:$password" = ann:sesame ] || exit 1
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$1"
"#;

/// An operator who has to log in whenever kubectl runs.
fn factory() -> (Operator, Running) {
    let cluster = Cluster::start();
    let worker = cluster.pod("fleet").session("qa", "echo I am qa; exec cat").start();
    (operator(cluster, "pod/fleet"), worker)
}

/// The worker `w` is this one.
fn operator(cluster: Cluster, pod: &str) -> Operator {
    let login = cluster.admin("ann");
    let mut operator = Operator::of(cluster).worker("w", pod, "");
    let plugin = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", PLUGIN, "sh", login.token],
        "interactiveMode": "Always",
    }});
    let file = operator.cluster.directory().join("plugin");
    Kubeconfig::new().secure("plugin", &operator.cluster, plugin).write(&file);
    operator.world = operator.world.env("KUBECONFIG", file.to_str().unwrap());
    operator
}

/// Answer what is asked behind this mark.
fn log_in(terminal: &mut Pty, mark: usize) -> usize {
    let asked = terminal.wait_behind(mark, b"Name: ");
    terminal.type_bytes(b"ann\r");
    let asked = terminal.wait_behind(asked, b"Password: ");
    terminal.type_bytes(b"sesame\r");
    asked
}

fn attach(operator: &Operator) -> Pty {
    attach_to(operator, "w/qa")
}

fn attach_to(operator: &Operator, address: &str) -> Pty {
    let script = format!(
        "trap : INT; stty -a >'{0}.before'; {BIN} attach {address}; echo \"left with $?\"; stty -a >'{0}.after'",
        stty(operator)
    );
    let mut shell = operator.world.program("sh");
    shell.args(["-c", &script]);
    Pty::run(shell)
}

fn stty(operator: &Operator) -> String {
    operator.world.path("stty").display().to_string()
}

#[test]
fn a_name_shows_while_it_is_typed_and_a_password_does_not() {
    let (operator, worker) = factory();
    let mut terminal = attach(&operator);
    let asked = terminal.wait("Name: ");
    terminal.type_bytes(b"an");
    let typed = terminal.wait_behind(asked, b"an");
    // Longer than a connection may stay unseen, as somebody may have to look it up.
    std::thread::sleep(Duration::from_secs(7));
    terminal.type_bytes(b"n\r");
    let asked = terminal.wait_behind(typed, b"Password: ");
    terminal.type_bytes(b"sesame\r");
    let entered = terminal.wait_behind(asked, b"I am qa");
    terminal.type_bytes(b"hello");
    terminal.wait_behind(entered, b"hello");
    let said = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!said.contains("sesame"), "{said:?}");
    worker.pod().tmux(&["detach-client", "-s", "qa"]);
    terminal.wait("left with 0");
    let read = |when: &str| fs::read_to_string(format!("{}.{when}", stty(&operator))).ok().filter(|text| !text.is_empty());
    let after = eventually("the terminal's modes", || read("after"));
    assert_eq!(read("before"), Some(after));
}

#[test]
fn ctrl_c_leaves_whoever_is_asked() {
    let (operator, worker) = factory();
    let mut terminal = attach(&operator);
    terminal.wait("Name: ");
    terminal.type_bytes(b"\x03");
    terminal.wait("left with 130");
    assert!(worker.pod().clients().is_empty());
}

/// Which pod it is has to be asked before the first attach, and so does which session, where none is named.
#[rstest]
#[case::pod("w/qa", 2)]
#[case::pod_and_session("w", 3)]
fn what_is_asked_before_the_first_attach_is_asked_on_the_terminal_too(#[case] address: &str, #[case] logins: usize) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "echo I am qa; exec cat").start();
    let operator = operator(cluster, "fleet");
    let mut terminal = attach_to(&operator, address);
    let mut mark = 0;
    for _ in 0..logins {
        mark = log_in(&mut terminal, mark);
    }
    let entered = terminal.wait_behind(mark, b"I am qa");
    terminal.type_bytes(b"hello");
    terminal.wait_behind(entered, b"hello");
    let said = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!said.contains("sesame"), "{said:?}");
    worker.pod().tmux(&["detach-client", "-s", "qa"]);
    terminal.wait("left with 0");
    let read = |when: &str| fs::read_to_string(format!("{}.{when}", stty(&operator))).ok().filter(|text| !text.is_empty());
    let after = eventually("the terminal's modes", || read("after"));
    assert_eq!(read("before"), Some(after));
}

#[test]
fn ctrl_c_leaves_whoever_is_asked_before_the_first_attach() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "echo I am qa; exec cat").start();
    let operator = operator(cluster, "fleet");
    let mut terminal = attach(&operator);
    terminal.wait("Name: ");
    terminal.type_bytes(b"\x03");
    terminal.wait("left with 130");
    assert!(worker.pod().clients().is_empty());
}

/// Where nothing says who its user is, kubectl asks, each time anew.
#[rstest]
#[case::a_pod_that_is_known("pod/fleet", "w/qa", 1)]
#[case::pod("fleet", "w/qa", 2)]
#[case::pod_and_session("fleet", "w", 3)]
fn what_kubectl_itself_asks_is_answered_before_the_first_attach_too(
    #[case] pod: &str,
    #[case] address: &str,
    #[case] questions: usize,
) {
    let cluster = Cluster::start();
    let session = "echo I am qa; exec cat";
    let worker = match pod {
        "fleet" => cluster.deployment("fleet").session("qa", session).start(),
        _ => cluster.pod("fleet").session("qa", session).start(),
    };
    cluster.admin_by_password("ann", "sesame");
    let mut operator = Operator::of(cluster).worker("w", pod, "");
    let file = operator.cluster.directory().join("nobody");
    Kubeconfig::new().secure("nobody", &operator.cluster, json!({})).write(&file);
    operator.world = operator.world.env("KUBECONFIG", file.to_str().unwrap());
    let mut terminal = attach_to(&operator, address);
    let mut mark = 0;
    for _ in 0..questions {
        let asked = terminal.wait_behind(mark, b"Please enter Username: ");
        terminal.type_bytes(b"ann\r");
        mark = terminal.wait_behind(asked, b"Please enter Password: ");
        terminal.type_bytes(b"sesame\r");
    }
    let entered = terminal.wait_behind(mark, b"I am qa");
    terminal.type_bytes(b"hello");
    terminal.wait_behind(entered, b"hello");
    worker.pod().tmux(&["detach-client", "-s", "qa"]);
    terminal.wait("left with 0");
}
