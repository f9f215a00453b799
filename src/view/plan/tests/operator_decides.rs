//! What is the operator's: to leave, to try again what no repetition changes, and a first attach that fails.

use rstest::rstest;

use super::*;

#[test]
fn a_detached_client_is_the_operator_s_will() {
    let mut view = View::attached();
    assert_eq!(view.ends(Ending::Left), Some(Action::Finish(Outcome::Left)));
    assert_eq!(view.on(Event::Tick), None);
}

#[test]
fn a_detach_wins_over_a_stall_that_was_just_seen() {
    let mut view = View::attached();
    view.on(Event::Silence { age: SECS(12), resumed: false });
    assert_eq!(view.ends(Ending::Left), Some(Action::Finish(Outcome::Left)));
}

#[test]
fn whatever_happens_the_operator_can_close_the_window() {
    let close = || Some(Action::Finish(Outcome::Left));
    let mut view = View::attached();
    assert_eq!(view.on(Event::Close), close());
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    assert_eq!(view.on(Event::Close), close());
    let mut view = View::attached();
    view.ends(broken(Kind::Forbidden));
    assert_eq!(view.on(Event::Close), close());
    let mut view = View::attached();
    view.ends(Ending::Gone(Absence::NoSession));
    assert_eq!(view.on(Event::Close), close());
}

#[rstest]
#[case(Kind::Unauthorized)]
#[case(Kind::Forbidden)]
#[case(Kind::NoContainer)]
#[case(Kind::NoTmux)]
#[case(Kind::NoSocket)]
#[case(Kind::NoShell)]
fn what_no_repetition_changes_waits_for_a_key(#[case] kind: Kind) {
    let mut view = View::attached();
    view.ends(broken(Kind::Unreachable));
    view.wait();
    assert_eq!(view.ends(broken(kind)), None);
    view.is_down(State::Failed, "why");
    assert_eq!((view.plan.due(), view.plan.next_try()), (None, None));
    assert!(view.plan.listens());
    assert_eq!(view.on(Event::Now), Some(Action::Attach));
    assert_eq!(view.plan.state(), Some(State::Reconnecting));
}

#[test]
fn an_unknown_context_waits_for_a_key_too() {
    let mut view = View::attached();
    assert_eq!(view.ends(Ending::Broken(failure(Kind::Unreachable).lasting())), None);
    assert_eq!(view.plan.state(), Some(State::Failed));
}

#[test]
fn a_login_that_failed_without_a_network_is_tried_once_when_it_is_back() {
    let mut view = View::attached();
    view.ends(broken(Kind::Unauthorized));
    assert_eq!(view.on(Event::Back), Some(Action::Attach));
    view.ends(broken(Kind::Unauthorized));
    assert_eq!((view.plan.state(), view.plan.due()), (Some(State::Failed), None));
}
