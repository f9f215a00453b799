//! Another pod, or another session of the same name: what is awaited, and what is entered.

use super::*;

#[test]
fn a_replaced_pod_is_looked_for_and_its_session_awaited() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    assert_eq!(view.ends(broken(Kind::Missing)), None);
    view.is_down(State::WaitingPod, "why");
    for kind in [Kind::Pending, Kind::Starting, Kind::Crashing] {
        assert_eq!(view.wait().1, Action::Ask(Question::Pod));
        assert_eq!(view.answers(Answer::Pod(Err(failure(kind)))), None);
        assert_eq!(view.plan.state(), Some(State::WaitingPod));
    }
    view.wait();
    assert_eq!(view.answers(Answer::Pod(Ok(()))), Some(Action::Attach));
    // The old start is known, and this is another one.
    assert_eq!(view.ends(Ending::Absent(Absence::NoServer)), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(Answer::Start(Ok(start("uid-2", 0)))), None);
    view.wait();
    assert_eq!(view.answers(Answer::Pod(Ok(()))), Some(Action::Attach));
    let since = view.now;
    while view.ends(Ending::Absent(Absence::NoServer)).is_none() && view.plan.state() == Some(State::WaitingPod) {
        let (pause, action) = view.wait();
        assert_eq!(action, Action::Attach);
        assert!(pause <= SECS(5), "{pause:?}");
    }
    view.is_down(State::Failed, "it was awaited for 2m");
    assert!(view.now - since >= SECS(120) && view.now - since <= SECS(126), "{:?}", view.now - since);
    assert_eq!(view.plan.due(), None, "a person decides");
    assert_eq!(view.on(Event::Now), Some(Action::Attach));
    view.arrives("uid-2", 0);
}

#[test]
fn a_pod_that_goes_away_again_begins_the_wait_for_its_session_anew() {
    let mut view = View::attached();
    view.ends(Ending::Gone(Absence::NoSession));
    view.answers(Answer::Start(Ok(start("uid-2", 0))));
    view.wait();
    view.answers(Answer::Pod(Ok(())));
    view.ends(Ending::Absent(Absence::NoSession));
    view.now += SECS(100);
    view.on(Event::Tick);
    view.ends(broken(Kind::Starting));
    view.wait();
    view.answers(Answer::Pod(Ok(())));
    view.now += SECS(30);
    view.ends(Ending::Absent(Absence::NoSession));
    assert_eq!(view.plan.state(), Some(State::WaitingPod));
}

#[test]
fn another_session_of_that_name_is_entered_only_when_somebody_says_so() {
    let mut view = View::attached();
    assert_eq!(view.ends(Ending::Another), None);
    view.is_down(State::Failed, "another has its name");
    assert_eq!(view.plan.due(), None);
    assert_eq!(view.on(Event::Back), None, "the network has nothing to do with it");
    assert_eq!(view.on(Event::Now), Some(Action::Attach));
    assert_eq!(view.plan.entered_ago(view.now), None);
}

#[test]
fn what_took_a_session_s_name_while_the_view_was_down_is_not_entered_in_silence_either() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    assert_eq!(view.ends(Ending::Absent(Absence::Another)), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(same()), None);
    view.is_down(State::Failed, "another has its name");
    assert_eq!(view.on(Event::Now), Some(Action::Attach));
    assert_eq!(view.plan.entered_ago(view.now), None, "now it may be another one");
    view.arrives("uid-1", 0);
    view.now += SECS(5);
    assert_eq!(view.plan.entered_ago(view.now), Some(SECS(5)), "and from now on it is that one");
}

#[test]
fn a_younger_session_of_that_name_is_entered_in_another_start() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    assert!(view.plan.entered_ago(view.now).is_some());
    assert_eq!(view.ends(Ending::Absent(Absence::Another)), Some(Action::Ask(Question::Start)));
    assert_eq!(view.answers(Answer::Start(Ok(start("uid-1", 1)))), Some(Action::Attach));
    assert_eq!(view.plan.entered_ago(view.now), None);
}

/// It has nothing to compare: this saves a question.
#[test]
fn in_a_pod_that_was_waited_for_any_session_of_that_name_is_meant() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    view.ends(broken(Kind::Missing));
    assert_eq!(view.wait(), (MS(200), Action::Ask(Question::Pod)), "looking for the pod begins with the shortest wait");
    assert_eq!(view.answers(Answer::Pod(Ok(()))), Some(Action::Attach));
    assert_eq!(view.plan.entered_ago(view.now), None);
    view.arrives("uid-2", 0);
    view.now += SECS(5);
    assert_eq!(view.plan.entered_ago(view.now), Some(SECS(5)));
}

#[test]
fn a_session_counts_from_when_it_was_first_entered() {
    let mut view = View::of(true);
    assert_eq!(view.plan.entered_ago(view.now), None);
    view.arrives("uid-1", 0);
    for age in [60, 120] {
        view.now += SECS(60);
        assert_eq!(view.plan.entered_ago(view.now), Some(SECS(age)));
        view.ends(broken(Kind::Unreachable));
        view.on(Event::Now);
        view.arrives("uid-1", 0);
    }
}
