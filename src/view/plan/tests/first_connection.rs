//! The first connection: it survives what a later one survives, where somebody waits for it.

use rstest::rstest;

use super::*;

#[rstest]
#[case(broken(Kind::Unreachable), Kind::Unreachable)]
#[case(broken(Kind::Unauthorized), Kind::Unauthorized)]
#[case(Ending::Absent(Absence::NoServer), Kind::NoSession)]
fn in_a_terminal_a_first_attach_that_fails_says_why_and_is_over(#[case] ending: Ending, #[case] kind: Kind) {
    let mut view = View::in_a_terminal(true);
    let Some(Action::Finish(Outcome::Never(failure))) = view.ends(ending) else { panic!("{:?}", view.plan) };
    assert_eq!(failure.kind, kind);
    assert_eq!((view.on(Event::Tick), view.plan.due()), (None, None));
}

#[test]
fn in_a_terminal_it_is_over_when_nobody_says_which_pod_it_is() {
    let mut view = View::in_a_terminal(false);
    let Some(Action::Finish(Outcome::Never(failure))) = view.answers(Answer::Pod(Err(failure(Kind::Pending)))) else {
        panic!("{:?}", view.plan)
    };
    assert_eq!(failure.kind, Kind::Pending);
}

#[test]
fn in_a_terminal_a_view_that_was_in_its_session_survives_too() {
    let mut view = View::in_a_terminal(true);
    view.arrives("uid-1", 0);
    assert_eq!(view.ends(broken(Kind::Unreachable)), None);
    assert_eq!(view.wait(), (MS(200), Action::Attach));
}

/// Whoever it was that ended it, it had been there.
#[test]
fn an_end_that_proves_it_was_there_counts_where_nobody_had_seen_it() {
    let mut view = View::in_a_terminal(true);
    assert_eq!(view.ends(Ending::Lost), None);
    view.is_down(State::Reconnecting, "client was ended");
}

#[test]
fn a_first_connection_that_fails_is_tried_again_as_a_later_one_is() {
    let mut view = View::of(true);
    assert_eq!(view.plan.state(), None, "most take a moment");
    let mut pauses = Vec::new();
    for _ in 0..8 {
        assert_eq!(view.ends(broken(Kind::Unreachable)), None);
        view.is_down(State::Reconnecting, "why");
        assert!(view.plan.listens());
        let (pause, action) = view.wait();
        assert_eq!(action, Action::Attach);
        pauses.push(pause.as_millis());
    }
    assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 12_800, 15_000]);
    assert_eq!(view.plan.entered_ago(view.now), None);
    view.arrives("uid-1", 0);
}

#[test]
fn a_first_connection_that_takes_long_is_told_of() {
    let mut view = View::of(true);
    assert_eq!(view.plan.due(), Some(SECS(3)));
    view.now = SECS(3);
    assert_eq!(view.on(Event::Tick), None);
    view.is_down(State::Reconnecting, "there is no answer yet");
    assert!(view.plan.listens());
    assert_eq!(view.plan.down().unwrap().since, SECS(0));
    assert_eq!(view.wait(), (SECS(12), Action::End));
    view.ends(broken(Kind::Failed));
    view.is_down(State::Reconnecting, "there is no answer");
    assert_eq!(view.wait().1, Action::Attach);
}

#[rstest]
fn a_pod_that_is_not_there_any_more_is_looked_up_before_anything_is_said(#[values(true, false)] waits: bool) {
    let mut view = if waits { View::of(true) } else { View::in_a_terminal(true) };
    assert_eq!(view.ends(broken(Kind::Missing)), Some(Action::Ask(Question::Pod)));
    assert_eq!((view.plan.state(), view.plan.listens()), (None, false));
    assert_eq!(view.answers(Answer::Pod(Ok(()))), Some(Action::Attach));
    assert_eq!(view.plan.state(), None);
    // Once.
    let action = view.ends(broken(Kind::Missing));
    if waits {
        assert_eq!(action, None);
        view.is_down(State::WaitingPod, "why");
        assert_eq!(view.wait(), (MS(200), Action::Ask(Question::Pod)));
    } else {
        assert!(matches!(action, Some(Action::Finish(Outcome::Never(_)))), "{action:?}");
    }
}

#[rstest]
#[case(Kind::Pending)]
#[case(Kind::Starting)]
#[case(Kind::Crashing)]
#[case(Kind::Missing)]
fn a_pod_that_is_not_there_yet_is_waited_for_and_then_its_session(#[case] kind: Kind) {
    let mut view = View::new(true, true, false);
    assert_eq!(view.wait(), (SECS(0), Action::Ask(Question::Pod)));
    assert_eq!(view.answers(Answer::Pod(Err(failure(kind)))), None);
    view.is_down(State::WaitingPod, "why");
    assert_eq!(view.wait().1, Action::Ask(Question::Pod));
    assert_eq!(view.answers(Answer::Pod(Ok(()))), Some(Action::Attach));
    assert_eq!(view.ends(Ending::Absent(Absence::NoServer)), None);
    view.is_down(State::WaitingPod, "no tmux server runs there");
    assert_eq!(view.wait().1, Action::Attach);
}

#[test]
fn a_session_that_nobody_has_seen_is_for_a_person_to_wait_for() {
    for pod in [true, false] {
        let mut view = View::of(pod);
        assert_eq!(view.ends(Ending::Absent(Absence::NoSession)), None);
        view.is_down(State::Failed, "there is no session \"qa\"");
        assert_eq!((view.plan.due(), view.plan.listens()), (None, true));
        assert_eq!(view.on(Event::Back), None);
        assert_eq!(view.on(Event::Now), Some(Action::Attach));
    }
}

#[test]
fn who_may_not_know_the_pod_asks_for_it_again() {
    let mut view = View::new(true, true, false);
    view.wait();
    assert_eq!(view.answers(Answer::Pod(Err(failure(Kind::Forbidden)))), None);
    view.is_down(State::Failed, "why");
    assert_eq!(view.on(Event::Now), Some(Action::Ask(Question::Pod)));
}

#[rstest]
fn a_login_takes_as_long_as_it_takes(#[values(true, false)] first: bool, #[values(true, false)] asks: bool) {
    let mut view = if first { View::of(true) } else { View::attached() };
    if !first {
        view.ends(broken(Kind::Unreachable));
        view.wait();
    }
    assert_eq!(view.on(Event::MayLogIn { asks }), None);
    view.now += SECS(3);
    view.on(Event::Tick);
    assert_eq!(view.plan.state(), Some(State::Reconnecting));
    assert_eq!((view.plan.due(), view.plan.listens(), view.plan.may_be_asking()), (None, !asks, asks));
    view.now += SECS(300);
    assert_eq!(view.on(Event::Back), None, "whoever logs in is not disturbed");
    assert_eq!(view.on(Event::Dialled), None);
    assert!(view.plan.listens(), "the plugin has done its work");
    assert_eq!(view.wait(), (SECS(15), Action::End));
}

#[test]
fn a_first_attach_does_not_wait_for_a_silent_worker() {
    let mut view = View::in_a_terminal(true);
    view.on(Event::MayLogIn { asks: true });
    assert_eq!((view.plan.state(), view.plan.due()), (None, None));
    view.now += SECS(300);
    view.on(Event::Asked);
    assert_eq!(view.wait(), (SECS(10), Action::End));
    let Some(Action::Finish(Outcome::Never(failure))) = view.ends(broken(Kind::Failed)) else { panic!("{:?}", view.plan) };
    assert_eq!(failure.reason, "there is no answer");
}

#[test]
fn a_worker_on_this_machine_is_given_the_time_that_a_busy_machine_takes() {
    let mut view = View::of(false);
    view.on(Event::Asked);
    view.now = SECS(3);
    view.on(Event::Tick);
    assert_eq!(view.wait(), (SECS(57), Action::End));
    view.ends(broken(Kind::Failed));
    view.is_down(State::Reconnecting, "there is no answer");
}

#[test]
fn an_attempt_of_which_nobody_can_say_anything_is_left_alone() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    view.on(Event::Asked);
    assert_eq!(view.on(Event::Untold), None);
    assert_eq!((view.plan.due(), view.plan.state()), (None, Some(State::Reconnecting)), "it is not said to be connected either");
    view.on(Event::Arrived);
    assert_eq!(view.plan.state(), Some(State::Connected));
}
