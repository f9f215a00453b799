//! What Gas City's providers cost, beside the raw kubectls that they are made of, with the same distance to go as for pods.

use std::time::Duration;

use kubesim::{Cluster, Fault, Oddity, everything};
use serde_json::json;

use crate::operator::Operator;
use crate::table::{Bound, Row};
use crate::timing::{SLOW_ROUNDS, SLOWEST_ROUNDS, in_turn};

const ROUND_TRIP: Duration = Duration::from_millis(50);
const AGENTS: usize = 100;

/// So many more that end one after the other: for each side those of the rounds that count, and one to warm up.
const MORTALS: usize = 2 * (SLOWEST_ROUNDS + 1);

/// A city with so many agents, all far away; the first is called `mayor`.
fn city() -> Operator {
    let cluster = Cluster::start();
    cluster.namespace("gc");
    cluster.image("mortal:1").with(Oddity::OwnRoot).publish();
    let mut operator = Operator::of(cluster);
    operator.world = operator.world.env("GC_K8S_IMAGE", "mortal:1");
    let pod = |number: usize| {
        let name = if number == 0 { "mayor".to_owned() } else { format!("agent-{number}") };
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "labels": {"app": "gc-agent", "gc-session": name}, "annotations": {"gc-session-name": name},
            },
            "spec": {"containers": [{
                "name": "agent", "image": "agent:1",
                "command": ["sh", "-c", if number == 0 { "tmux new-session -d -s main 'seq 1 200; exec cat'; exec sleep 9999" } else { "exec sleep 9999" }],
            }]},
        })
    };
    let file = operator.world.path("agents.json");
    std::fs::write(&file, (0..AGENTS).map(|number| pod(number).to_string() + "\n").collect::<String>()).unwrap();
    let applied = operator.cluster.kubectl(&["-n", "gc", "apply", "-f", file.to_str().unwrap()]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    crate::support::eventually("the agents", || {
        let running = operator.run(&["gc-session", "list-running", ""]).expect(0).stdout.lines().count() == AGENTS;
        (running && operator.run(&["gc-session", "is-running", "mayor"]).stdout == "true\n").then_some(())
    });
    let start = "mkdir -p mortals; n=0\nwhile [ $n -lt \"$2\" ]; do\n\
                 echo '{\"command\":\"cat\"}' | \"$1\" gc-session start \"mortal-$n\" && : >\"mortals/mortal-$n\"\nn=$((n + 1))\ndone";
    let started =
        operator.world.program("sh").args(["-ec", start, "sh", crate::support::BIN, &MORTALS.to_string()]).output().unwrap();
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
    operator
}

/// Each operation on a session, which is one kubectl, beside one that finds its pod and one that asks it; all sessions, beside the one that
/// lists them; an event, beside the three that count and store it.
pub fn rows() -> Vec<Row> {
    let operator = city();
    let world = &operator.world;
    let raw = |script: &str| {
        let mut command = world.program("sh");
        command.args(["-ec", script]);
        command
    };
    let find = "pod=$(kubectl -n gc get pods -l gc-session=mayor --field-selector=status.phase=Running -o 'jsonpath={.items[0].metadata.name}')\n";
    let asked = [
        ("peek", &["peek", "mayor", "50"][..], "tmux capture-pane -p -S -50 -t main"),
        ("nudge", &["nudge", "mayor"], "tmux send-keys -t main text Enter"),
        ("is-running", &["is-running", "mayor"], "tmux has-session -t main"),
        ("get-meta", &["get-meta", "mayor", "KEY"], "tmux show-environment -t main TMUX_PANE || :"),
    ];
    // Each time another one, that was started by ours.
    let next = "next=$(ls mortals | head -n 1)\nrm \"mortals/$next\"\n";
    let ours = raw(&format!("{next}exec {} gc-session stop \"$next\"", crate::support::BIN));
    let script = raw(&format!("{next}exec kubectl -n gc delete pod -l \"gc-session=$next\" --ignore-not-found --grace-period=5"));
    let pair = in_turn(SLOWEST_ROUNDS, ours, script);
    let mut rows = vec![Row::time("`gc-session stop`", pair, "the script's `kubectl delete pod -l …`", Bound::Times(1.15))];
    for (name, words, tmux) in asked {
        let mut ours = world.command(&[&["gc-session"], words].concat());
        if name == "nudge" {
            let text = world.path("text");
            std::fs::write(&text, "text").unwrap();
            ours = raw(&format!("exec {} gc-session nudge mayor <{}", crate::support::BIN, text.display()));
        }
        let beside = raw(&format!("{find}kubectl -n gc exec \"$pod\" -c agent -- sh -c '{tmux}'"));
        let pair = in_turn(SLOW_ROUNDS, ours, beside);
        rows.push(Row::time(
            &format!("`gc-session {name}`"),
            pair,
            "`kubectl get pods -l …`, `kubectl exec …`",
            Bound::Times(0.85),
        ));
    }
    let list = raw("kubectl -n gc get pods -l app=gc-agent --field-selector=status.phase=Running -o json");
    let pair = in_turn(SLOWEST_ROUNDS, world.command(&["gc-session", "list-running", ""]), list);
    rows.push(Row::time("`gc-session list-running`, 100 agents", pair, "`kubectl get pods -o json`", Bound::Times(1.15)));

    operator.run(&["gc-events", "ensure-running"]).expect(0);
    let ours = raw(&format!("echo '{{\"type\":\"a\",\"actor\":\"b\"}}' | {} gc-events record", crate::support::BIN));
    let three = raw("kubectl -n gc get configmap gc-events-seq -o json >counter\nkubectl -n gc replace -f counter\n\
         printf '{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"generateName\":\"raw-\"},\"data\":{\"event\":\"{}\"}}' | \
         kubectl -n gc create -f -");
    let pair = in_turn(SLOWEST_ROUNDS, ours, three);
    rows.push(Row::time("`gc-events record`", pair, "`kubectl get`, `replace`, `create`", Bound::Times(1.15)));
    rows
}
