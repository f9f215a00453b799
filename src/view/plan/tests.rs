use rstest::rstest;

use super::*;
use crate::view::client::ending::Ending;

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

/// A plan and a clock that stands still until it is told to go on.
struct View {
    plan: Plan,
    now: Moment,
}

impl View {
    fn of(pod: bool) -> Self {
        let rules = Rules { session: "qa".parse().unwrap(), pod, patience: SECS(120), timeout: SECS(10) };
        Self { plan: Plan::new(rules, Backoff::with(|| 0.0), Duration::ZERO), now: Duration::ZERO }
    }

    /// A view in its session, for a minute by now; which start of the container that is is known.
    fn attached() -> Self {
        let mut view = Self::of(true);
        view.arrives("uid-1", 0);
        view.now += SECS(60);
        view
    }

    fn on(&mut self, event: Event) -> Option<Action> {
        self.plan.on(event, self.now)
    }

    fn arrives(&mut self, uid: &str, restarts: u64) {
        assert_eq!(self.on(Event::Asked), None);
        assert_eq!(self.on(Event::Arrived), None);
        assert_eq!(self.on(Event::In(start(uid, restarts))), None);
        assert_eq!(self.plan.state(), Some(State::Connected));
    }

    fn ends(&mut self, ending: Ending) -> Option<Action> {
        self.on(Event::Ended(ending))
    }

    fn answers(&mut self, answer: Answer) -> Option<Action> {
        self.on(Event::Answered(answer))
    }

    /// Let time pass until the plan does something by itself.
    #[track_caller]
    fn wait(&mut self) -> (Duration, Action) {
        let began = self.now;
        let due = self.plan.due().expect("it waits for something");
        assert!(due >= self.now, "it is late");
        self.now = due;
        let action = self.on(Event::Tick).expect("it does something when it is due");
        (self.now - began, action)
    }

    #[track_caller]
    fn is_down(&self, state: State, why: &str) {
        assert_eq!(self.plan.state(), Some(state));
        let down = self.plan.down().expect("it is down");
        assert!(down.why.reason.contains(why), "{:?}", down.why);
    }
}

fn start(uid: &str, restarts: u64) -> Start {
    Start { uid: uid.to_owned(), restarts }
}

fn failure(kind: Kind) -> Failure {
    Failure::new(kind, "why")
}

fn broken(kind: Kind) -> Ending {
    Ending::Broken(failure(kind))
}

fn same() -> Answer {
    Answer::Start(Ok(start("uid-1", 0)))
}

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
fn a_client_that_was_ended_by_force_comes_back() {
    let mut view = View::attached();
    assert_eq!(view.ends(Ending::Lost), None);
    assert_eq!(view.wait(), (MS(200), Action::Attach));
}

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

#[rstest]
#[case(Kind::Unauthorized)]
#[case(Kind::Forbidden)]
#[case(Kind::NoContainer)]
#[case(Kind::NoTmux)]
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
#[case(broken(Kind::Unreachable), Kind::Unreachable)]
#[case(broken(Kind::Unauthorized), Kind::Unauthorized)]
#[case(Ending::Absent(Absence::NoServer), Kind::NoSession)]
fn a_first_attach_that_fails_says_why_and_is_over(#[case] ending: Ending, #[case] kind: Kind) {
    let mut view = View::of(true);
    let Some(Action::Finish(Outcome::Never(failure))) = view.ends(ending) else { panic!("{:?}", view.plan) };
    assert_eq!(failure.kind, kind);
}

#[test]
fn a_first_attach_waits_for_a_login_but_not_for_a_silent_worker() {
    let mut view = View::of(true);
    assert_eq!((view.plan.state(), view.plan.due()), (None, None));
    view.now += SECS(300);
    view.on(Event::Asked);
    assert_eq!(view.wait(), (SECS(10), Action::End));
    let Some(Action::Finish(Outcome::Never(failure))) = view.ends(broken(Kind::Failed)) else { panic!("{:?}", view.plan) };
    assert_eq!(failure.reason, "there is no answer");
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
fn a_cluster_that_cannot_be_asked_for_the_pod_is_asked_again() {
    let mut view = View::attached();
    view.ends(broken(Kind::Missing));
    view.wait();
    assert_eq!(view.answers(Answer::Pod(Err(failure(Kind::Unreachable)))), None);
    assert_eq!(view.plan.state(), Some(State::Reconnecting));
    assert_eq!(view.wait().1, Action::Ask(Question::Pod));
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
