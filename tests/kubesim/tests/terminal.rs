//! `kubectl exec -it` on a real terminal.

mod support;

use std::process::Command;

use kubesim::{Cluster, eventually};
use support::kubectl_on_a_terminal;

#[test]
fn a_terminal_is_xterm_whatever_the_caller_has() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let terminal = kubectl_on_a_terminal(&cluster, &["exec", "-it", "p", "--", "sh", "-c", "echo TERM is $TERM; tty; exit 5"]);
    let screen = terminal.wait("kubectl ended with 5.");
    assert!(screen.contains("TERM is xterm\n") && screen.contains("/dev/pts/"), "{screen}");
}

#[test]
fn attach_shows_the_session_and_follows_the_size() {
    let cluster = Cluster::start();
    let pod = cluster.pod("p").session("qa", "printf 'ready> '; cat").start().pod();
    let terminal = kubectl_on_a_terminal(&cluster, &["exec", "-it", "p", "--", "tmux", "-u", "attach", "-t", "=qa"]);
    terminal.wait("ready>");
    terminal.keys(&["hello", "Enter"]);
    terminal.wait("ready> hello\nhello");
    assert_eq!(pod.clients(), ["qa 90 25"]);
    terminal.resize(70, 20);
    eventually("the new size", || (pod.clients() == ["qa 70 20"]).then_some(()));
    terminal.keys(&["C-b", "d"]);
    terminal.wait("[detached (from session qa)]");
    terminal.wait("kubectl ended with 0.");
}

#[test]
fn a_client_stays_attached_when_its_kubectl_is_killed() {
    let cluster = Cluster::start();
    let pod = cluster.pod("p").session("qa", "cat").start().pod();
    let terminal = kubectl_on_a_terminal(&cluster, &["exec", "-it", "p", "--", "tmux", "-u", "attach", "-t", "=qa"]);
    eventually("the client", || (pod.clients().len() == 1).then_some(()));
    let pid = terminal.pid().to_string();
    Command::new("pkill").args(["-KILL", "-P", &pid]).status().unwrap();
    terminal.wait("kubectl ended with 137.");
    // It still answers, and takes what is written to it.
    pod.tmux(&["send-keys", "-t", "=qa:", "still", "Enter"]);
    eventually("the text", || pod.pane("qa").contains("still\nstill").then_some(()));
    assert_eq!(pod.clients(), ["qa 90 25"]);
}

#[test]
fn a_deleted_pod_ends_its_clients_with_137() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("w").session("qa", "cat").start();
    let pod = worker.pod();
    let terminal = kubectl_on_a_terminal(&cluster, &["exec", "-it", "deploy/w", "--", "tmux", "-u", "attach"]);
    eventually("the client", || (pod.clients().len() == 1).then_some(()));
    pod.delete();
    terminal.wait("kubectl ended with 137.");
}

#[test]
fn a_process_goes_on_without_its_connection() {
    let cluster = Cluster::start();
    let pod = cluster.pod("p").start().pod();
    let mark = pod.home().join("mark");
    let script = "while [ ! -e go ]; do sleep 0.01; echo x; done; echo done >mark";
    let terminal = kubectl_on_a_terminal(&cluster, &["exec", "p", "--", "sh", "-c", script]);
    terminal.wait("x\nx");
    cluster.drop_connections();
    terminal.wait("kubectl ended with 1.");
    std::fs::write(pod.home().join("go"), "").unwrap();
    eventually("the mark", || std::fs::read_to_string(&mark).is_ok_and(|text| text == "done\n").then_some(()));
}
