//! The numbers of processes come round. What ends the leftovers of views goes by these, and ends nobody who merely has the number now;
//! and where a worker's first process waits for nobody, nothing of ours keeps one by having ended.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;
use std::process::Command;

use kubesim::Cluster;
use operator::{Image, Operator};
use rstest::rstest;
use support::{ROOT, eventually};

/// Somebody finds a process of the view `aa`, it ends, and another one gets its number before that somebody sends a signal. In a
/// tree of processes of its own, where numbers can be chosen. Arguments: the directory of reap.sh, the later one's environment.
const REUSE: &str = r#"
. "$1/about.sh"
. "$1/reap.sh"
# carries PID VARIABLE: whether it has become the program that has this in its environment.
carries() {
	tr '\000' '\n' <"/proc/$1/environ" | grep -qxF "$2"
}
FACTORY_WORKER_VIEW=aa.1 sleep 1000 &
it=$!
until carries "$it" FACTORY_WORKER_VIEW=aa.1; do :; done
look_for aa
case $found in
"$it":*:aa.1*) ;;
*) echo "not found: $found" && exit ;;
esac
kill -KILL "$it"
wait "$it" 2>/dev/null
# Later, by the kernel's clock.
sleep 0.1
echo "$((it - 1))" >/proc/sys/kernel/ns_last_pid
env $2 sleep 1001 &
[ "$!" = "$it" ] || { echo "the later one is $!, not $it" && exit; }
until carries "$it" "$2"; do :; done
signal TERM
signal KILL
case $2 in
# Whoever looks anew finds what there is.
*=aa.*) ;;
*) end_clients aa || echo 'nothing is left, and it is not noticed' ;;
esac
# The first signal is what it ends by.
kill -USR1 "$it"
wait "$it" 2>/dev/null
echo "ended by $(($? - 128))"
"#;

#[rstest]
fn a_process_that_merely_has_the_number_is_not_ended(
    #[values("dash", "busybox sh")] sh: &str,
    #[values("OTHER=1", "FACTORY_WORKER_VIEW=bb.1", "FACTORY_WORKER_VIEW=aa.1", "FACTORY_WORKER_VIEW=aa.2")] later: &str,
) {
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child=KILL", "--"]).args(sh.split(' '));
    command.args(["-c", REUSE, "sh", &format!("{ROOT}/src/remote"), later]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "ended by 10\n", "{}", String::from_utf8_lossy(&output.stderr));
}

/// Also a command that takes too long, which busybox's `timeout` would leave somebody behind for.
#[test]
fn nothing_of_ours_stays_with_a_first_process_that_waits_for_nobody() {
    let cluster = Cluster::start();
    let slow = "#!/bin/sh\necho \"$1\" >>\"$HOME/called\"\n[ \"$1\" = quick ] || exec sleep 1000\n";
    let workload = cluster.deployment("fleet").with_all(Image::Alpine.oddities()).script("factory", slow);
    let worker = workload.session("qa", "trap '' INT; echo I am qa; while :; do read -r line; done").start();
    let commands = "commands: {queue: factory slow, status: factory slow, dispatch: \"factory quick {project} {issue}\"}";
    let operator = Operator::of(cluster).worker("w", "fleet", commands);
    let pod = worker.pod();
    let before = (pod.processes().len(), pod.zombies());
    operator.run(&["--timeout", "4s", "list"]).expect(0);
    operator.run(&["--timeout", "4s", "status", "w"]);
    operator.run(&["dispatch", "w", "--project", "p", "--issue", "1"]).expect(0);
    operator.run(&["nudge", "w/qa", "hello"]);
    for question in [&["peek", "w/qa"][..], &["interrupt", "w/qa"], &["doctor", "w"]] {
        operator.run(question);
    }
    let called = fs::read_to_string(pod.home().join("called")).unwrap();
    assert_eq!(called, "slow\nslow\nquick\n");
    eventually("the pod to be as before", || ((pod.processes().len(), pod.zombies()) == before).then_some(()));
}
