//! A window whose pod is replaced: that the new pod has no session, or no tmux server, proves nothing about the session's end,
//! because the agents of a new pod take their time to begin.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;

use kubesim::{Cluster, execs};
use operator::Operator;
use rstest::rstest;
use support::eventually;
use traces::processes;

/// What the new pod has at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    NoServer,
    OtherSessions,
}

#[rstest]
fn a_new_pod_without_the_session_closes_nothing(
    #[values(First::NoServer, First::OtherSessions)] first: First,
    #[values("fleet", "crew")] name: &str,
) {
    let cluster = Cluster::start();
    // The image starts no session: somebody else does, later.
    let worker = match name {
        "crew" => cluster.stateful_set(name).start(),
        _ => cluster.deployment(name).start(),
    };
    let session = "echo I am qa in $HOSTNAME; exec cat";
    let old = worker.pod();
    old.session("qa", session);
    let operator = Operator::of(cluster).worker("w", name, "");
    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait(&format!("I am qa in {}", old.name()));
    eventually("the client", || (old.clients().len() == 1).then_some(()));

    old.delete();
    let new = worker.wait_replaced(&old);
    if first == First::OtherSessions {
        new.session("other", "exec cat");
    }
    operator.cluster.forget_calls();
    let state = || screen.inner(&["show-options", "-pqv", "-t", "main:1.0", "@factory-worker-state"]);
    eventually("the window to wait", || (state().trim() == "waiting-pod").then_some(()));
    screen.wait("w/qa waits for its pod");
    // The new pod has said more than once that it has no such session.
    let asked = || operator.cluster.calls().matching(&execs().of(name)).len();
    eventually("two answers", || (asked() >= 3).then_some(()));
    let windows = screen.windows();
    assert!(windows.len() == 2 && windows[1].starts_with("w/qa|"), "{windows:?}");

    screen.type_text("typed while nobody was there");
    new.session("qa", session);
    screen.wait(&format!("I am qa in {}", new.name()));
    eventually("the client", || (new.clients().len() == 1).then_some(()));
    assert_eq!(new.pane("qa").trim_end(), format!("I am qa in {}", new.name()));
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the processes to end", || processes(&operator.world).is_empty().then_some(()));
    eventually("the client in the pod to go", || new.clients().is_empty().then_some(()));
}
