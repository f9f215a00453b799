//! A connection that is lost, stalled or frozen is replaced: when, how often, and at once when the network is back.

use super::*;

#[test]
fn a_lost_connection_is_followed_by_attempts_for_ever_with_longer_and_longer_pauses() {
    let mut view = View::attached();
    assert_eq!(view.ends(broken(Kind::Unreachable)), None);
    view.is_down(State::Reconnecting, "why");
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let (pause, action) = view.wait();
        assert_eq!(action, Action::Attach);
        pauses.push(pause.as_millis());
        assert_eq!(view.ends(broken(Kind::Unreachable)), None);
    }
    assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 15_000]);
    assert_eq!(view.plan.down().unwrap().tries, 10);
    view.wait();
    view.arrives("uid-1", 0);
    assert_eq!(view.plan.down(), None);
}

#[test]
fn pauses_count_from_the_beginning_of_an_attempt() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    view.now += SECS(5);
    view.ends(broken(Kind::Unreachable));
    assert_eq!(view.wait(), (Duration::ZERO, Action::Attach));
}

#[test]
fn a_view_that_is_cut_again_and_again_does_not_hammer_the_server() {
    let mut view = View::attached();
    for expected in [200, 400, 800] {
        view.ends(broken(Kind::Unreachable));
        assert_eq!(view.wait().0, MS(expected));
        view.arrives("uid-1", 0);
    }
    view.now += MS(2_999);
    view.ends(broken(Kind::Unreachable));
    assert_eq!(view.wait().0, MS(1600), "it did not hold for long");
    view.arrives("uid-1", 0);
    view.now += SECS(3);
    view.ends(broken(Kind::Unreachable));
    assert_eq!(view.wait().0, MS(200), "it held for a while");
}

#[test]
fn an_attempt_that_nobody_answers_is_given_up() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    assert_eq!(view.wait(), (SECS(15), Action::End));
    assert!(view.plan.listens());
    view.ends(broken(Kind::Failed));
    view.is_down(State::Reconnecting, "there is no answer");
    assert_eq!(view.wait(), (Duration::ZERO, Action::Attach), "one attempt is always under way");
    view.on(Event::Asked);
    assert!(!view.plan.listens(), "now kubectl may read the keys");
    assert_eq!(view.wait(), (SECS(10), Action::End), "the second is more patient");
}

#[test]
fn a_returned_network_is_used_at_once() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    for _ in 0..6 {
        view.wait();
        view.ends(broken(Kind::Unreachable));
    }
    view.now += SECS(1);
    assert_eq!(view.on(Event::Back), Some(Action::Attach));
    view.now += SECS(2);
    assert_eq!(view.on(Event::Back), Some(Action::End), "its packets wait for their next try");
    assert_eq!(view.ends(broken(Kind::Unreachable)), Some(Action::Attach));
    view.now += MS(500);
    assert_eq!(view.on(Event::Back), None, "this one has only just begun");
    view.ends(broken(Kind::Unreachable));
    assert_eq!(view.wait().0, Duration::ZERO, "and the shortest pause comes next");
}

#[test]
fn a_stall_is_seen_and_then_the_connection_is_replaced() {
    let mut view = View::attached();
    let silence = |seconds| Event::Silence { age: SECS(seconds), resumed: false };
    assert_eq!(view.on(silence(5)), None);
    assert_eq!(view.plan.state(), Some(State::Connected));
    assert_eq!(view.on(silence(6)), None);
    assert_eq!(view.plan.state(), Some(State::Stalled));
    assert_eq!(view.on(silence(1)), None);
    assert_eq!(view.plan.state(), Some(State::Connected), "it was only slow");
    assert_eq!(view.on(silence(12)), Some(Action::End));
    assert_eq!(view.plan.state(), Some(State::Stalled), "it is down when nothing reads keys any more");
    view.ends(broken(Kind::Failed));
    view.is_down(State::Reconnecting, "nothing was heard for 12 s");
    assert_eq!(view.wait(), (MS(200), Action::Attach));
}

#[test]
fn a_node_that_froze_behind_a_living_server_is_no_connection() {
    let mut view = View::attached();
    assert_eq!(view.on(Event::Frozen), Some(Action::End));
    view.ends(broken(Kind::Failed));
    view.is_down(State::Reconnecting, "its node does not answer");
}

#[test]
fn whoever_wakes_up_with_an_old_connection_replaces_it_at_once() {
    let mut view = View::attached();
    assert_eq!(view.on(Event::Silence { age: SECS(4), resumed: true }), None);
    assert_eq!(view.on(Event::Silence { age: SECS(6), resumed: true }), Some(Action::End));
}

#[test]
fn a_client_that_was_ended_by_force_comes_back() {
    let mut view = View::attached();
    assert_eq!(view.ends(Ending::Lost), None);
    assert_eq!(view.wait(), (MS(200), Action::Attach));
}

#[test]
fn a_cluster_that_cannot_be_asked_for_the_pod_is_asked_again() {
    let mut view = View::attached();
    view.ends(broken(Kind::Missing));
    view.wait();
    assert_eq!(view.answers(Answer::Pod(Err(failure(Kind::Unreachable)))), None);
    assert_eq!(view.plan.state(), Some(State::Reconnecting));
    assert_eq!(view.wait().1, Action::Ask(Question::Pod));
}

#[test]
fn a_question_that_nobody_answers_is_asked_anew_when_the_network_is_back() {
    let mut view = View::attached();
    view.ends(broken(Kind::Missing));
    view.wait();
    view.now += SECS(5);
    assert_eq!(view.on(Event::Back), Some(Action::Hurry));
    assert_eq!(view.answers(Answer::Pod(Err(failure(Kind::Incomplete)))), Some(Action::Ask(Question::Pod)));
    assert_eq!(view.answers(Answer::Pod(Ok(()))), Some(Action::Attach));
}

#[test]
fn what_comes_late_changes_nothing() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    assert_eq!(view.on(Event::In(start("uid-2", 0))), None, "the attach that was asked about has ended");
    assert_eq!(view.on(Event::Silence { age: SECS(60), resumed: true }), None);
    assert_eq!(view.answers(same()), None);
    view.wait();
    assert_eq!(view.ends(Ending::Absent(Absence::NoSession)), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(same()), Some(Action::Finish(Outcome::Gone)));
}
