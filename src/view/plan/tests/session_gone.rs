//! When a session counts as gone: absent in the very start of the container that was attached to, and proven.

use rstest::rstest;

use super::*;

#[rstest]
#[case::of_a_view_that_was_attached(Ending::Gone(Absence::NoSession))]
#[case::found_by_an_attempt(Ending::Absent(Absence::NoSession))]
fn a_session_is_gone_when_a_live_server_lacks_it_in_the_same_start(#[case] ending: Ending) {
    let mut view = View::attached();
    if ending == Ending::Absent(Absence::NoSession) {
        view.ends(broken(Kind::Unreachable));
        view.wait();
    }
    assert_eq!(view.ends(ending), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(same()), Some(Action::Finish(Outcome::Gone)));
}

#[test]
fn that_no_server_runs_is_asked_twice() {
    let mut view = View::attached();
    assert_eq!(view.ends(Ending::Gone(Absence::NoServer)), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(same()), None);
    assert_eq!(view.wait(), (SECS(2), Action::Ask(Question::Session)));
    assert_eq!(view.answers(Answer::Session(Ok(Some(Absence::NoServer)))), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(same()), Some(Action::Finish(Outcome::Gone)));
}

#[test]
fn a_server_that_comes_back_with_the_session_was_not_the_end() {
    let mut view = View::attached();
    view.ends(Ending::Gone(Absence::NoServer));
    view.answers(same());
    view.wait();
    assert_eq!(view.answers(Answer::Session(Ok(None))), Some(Action::Attach));
}

/// Everything that may be answered when the container is not the one that was attached to.
#[rstest]
#[case::another_pod(Ok(start("uid-2", 0)))]
#[case::another_start(Ok(start("uid-1", 1)))]
#[case::about_to_end(Err(failure(Kind::Terminating)))]
#[case::gone(Err(failure(Kind::Missing)))]
#[case::crashed(Err(failure(Kind::Crashing)))]
#[case::ended(Err(failure(Kind::Completed)))]
#[case::pending(Err(failure(Kind::Pending)))]
#[case::starting(Err(failure(Kind::Starting)))]
fn absence_in_another_start_is_no_end(
    #[case] answer: Result<Start, Failure>,
    #[values(Ending::Gone(Absence::NoSession), Ending::Gone(Absence::NoServer), Ending::Absent(Absence::NoSession))]
    ending: Ending,
) {
    let mut view = View::attached();
    if matches!(ending, Ending::Absent(_)) {
        view.ends(broken(Kind::Unreachable));
        view.wait();
    }
    assert_eq!(view.ends(ending), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(Answer::Start(answer)), None);
    assert_eq!(view.plan.state(), Some(State::WaitingPod));
    assert_eq!(view.plan.entered_ago(view.now), None, "there any session of that name is meant");
    assert_eq!(view.wait().1, Action::Ask(Question::Pod));
}

#[test]
fn an_absence_that_cannot_be_proven_is_tried_again() {
    let mut view = View::attached();
    view.ends(Ending::Gone(Absence::NoSession));
    assert_eq!(view.answers(Answer::Start(Err(failure(Kind::Unreachable)))), None);
    view.is_down(State::Reconnecting, "why");
    assert_eq!(view.wait().1, Action::Attach);
    assert_eq!(view.ends(Ending::Absent(Absence::NoSession)), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(same()), Some(Action::Finish(Outcome::Gone)));
}

#[test]
fn absence_proves_nothing_when_nobody_knows_which_start_was_attached_to() {
    let mut view = View::of(true);
    view.on(Event::Arrived);
    view.ends(broken(Kind::Unreachable));
    view.wait();
    assert_eq!(view.ends(Ending::Absent(Absence::NoSession)), None);
    view.is_down(State::WaitingPod, "there is no session \"qa\"");
}

#[test]
fn the_exec_that_was_attached_knows_its_own_container() {
    let mut view = View::of(true);
    view.on(Event::Arrived);
    assert_eq!(view.ends(Ending::Gone(Absence::NoSession)), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(same()), Some(Action::Finish(Outcome::Gone)));
}

#[test]
fn a_worker_on_this_machine_has_no_container_to_be_replaced() {
    let mut view = View::of(false);
    view.on(Event::Arrived);
    assert_eq!(view.ends(Ending::Gone(Absence::NoServer)), Some(Action::Finish(Outcome::Gone)));
}
