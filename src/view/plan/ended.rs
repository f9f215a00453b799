//! What follows from the end of an attach, and from the answers that are asked for then.

use super::{Action, Answer, Down, GOOD, Moment, Outcome, Phase, Plan, Proof, Question, SERVER_TWICE, Sentence, State, Step};
use crate::cluster::pod::Start;
use crate::failure::{Failure, Kind};
use crate::view::client::ending::{self, Absence, Ending};

impl Plan {
    pub(super) fn ended(&mut self, ending: Ending, now: Moment) -> Option<Action> {
        if let Phase::Attached { since, .. } = self.phase {
            self.attempt = None;
            if now.saturating_sub(since) >= GOOD {
                self.backoff.reset();
            }
        }
        let ending = match (ending, self.sentence.take()) {
            (Ending::Broken(_), Some(Sentence::Again)) => return Some(self.step(Step::Attach, now)),
            (Ending::Broken(_), Some(Sentence::Because(why))) => Ending::Broken(why),
            (ending, _) => ending,
        };
        if ending.was_in() {
            self.entered.get_or_insert(now);
        }
        match ending {
            Ending::Left => self.finish(Outcome::Left),
            Ending::Gone(_) | Ending::Absent(_) if !self.rules.pod && self.entered() => self.finish(Outcome::Gone),
            Ending::Gone(absence) => self.prove(Proof { absence, from_within: true, twice: false }, now),
            Ending::Absent(absence) if self.known.is_some() => {
                self.prove(Proof { absence, from_within: false, twice: false }, now)
            }
            Ending::Absent(absence) if self.may_still_come() => self.await_session(absence, now),
            // Nobody has seen it yet: that it will come is not to be expected.
            Ending::Absent(absence) => self.settle(ending::absent(&self.rules.session, absence), now),
            Ending::Another => self.leave_to_operator(now),
            Ending::Lost => self.retry(Failure::new(Kind::Unreachable, "the session's client was ended"), now),
            Ending::Broken(failure) => self.broken(failure, now),
        }
    }

    /// Whether a session that is not there may be one that its pod has not begun yet.
    fn may_still_come(&self) -> bool {
        self.entered() || self.down.as_ref().is_some_and(|down| down.waited_for_pod)
    }

    /// Another session has the name: whether that one is wanted only a person knows.
    fn leave_to_operator(&mut self, now: Moment) -> Option<Action> {
        self.known = None;
        let action = self.settle(ending::absent(&self.rules.session, Absence::Another), now);
        if let Some(down) = &mut self.down {
            down.another = true;
        }
        action
    }

    /// Something went wrong that says nothing about the session.
    fn broken(&mut self, failure: Failure, now: Moment) -> Option<Action> {
        self.proof = None;
        if failure.lasting {
            return self.settle(failure, now);
        }
        if is_about_the_pod(failure.kind) {
            return self.wait_for_pod(failure, now);
        }
        let next = self.next_step();
        self.fall(State::Reconnecting, failure, now);
        self.wait(next, now)
    }

    /// What comes after a failure that says nothing of the pod: the same again.
    fn next_step(&self) -> Step {
        match self.phase {
            Phase::Asking { question: Question::Pod, .. } => Step::Ask(Question::Pod),
            _ => Step::Attach,
        }
    }

    fn retry(&mut self, failure: Failure, now: Moment) -> Option<Action> {
        self.fall(State::Reconnecting, failure, now);
        self.wait(Step::Attach, now)
    }

    fn wait_for_pod(&mut self, failure: Failure, now: Moment) -> Option<Action> {
        self.proof = None;
        if !self.looked_up && !self.entered() && self.down.is_none() {
            // Somebody knew it, another day: there is nothing to say yet.
            return Some(self.step(Step::Ask(Question::Pod), now));
        }
        if self.down.as_ref().is_none_or(|down| down.state != State::WaitingPod) {
            self.backoff.reset();
        }
        self.fall(State::WaitingPod, failure, now);
        if let Some(down) = &mut self.down {
            down.absent_since = None;
            down.waited_for_pod = true;
        }
        self.wait(Step::Ask(Question::Pod), now)
    }

    /// The container is another one now, or is about to end.
    fn replaced(&mut self, failure: Failure, now: Moment) -> Option<Action> {
        self.known = None;
        self.backoff.reset();
        self.wait_for_pod(failure, now)
    }

    fn await_session(&mut self, absence: Absence, now: Moment) -> Option<Action> {
        let failure = ending::absent(&self.rules.session, absence);
        self.fall(State::WaitingPod, failure.clone(), now);
        let since = self.down.as_mut().map_or(now, |down| *down.absent_since.get_or_insert(now));
        if now.saturating_sub(since) >= self.rules.patience {
            let why = format!("{}; it was awaited for {}", failure.reason, humantime::format_duration(self.rules.patience));
            return self.settle(Failure::new(Kind::NoSession, why).with_remedy("start it there, then press Enter"), now);
        }
        self.wait(Step::Attach, now)
    }

    fn settle(&mut self, failure: Failure, now: Moment) -> Option<Action> {
        let next = self.next_step();
        self.fall(State::Failed, failure, now);
        self.phase = Phase::Settled { next };
        None
    }

    pub(super) fn fall(&mut self, state: State, why: Failure, now: Moment) {
        match &mut self.down {
            Some(down) => {
                down.state = state;
                down.why = why;
                down.another = false;
            }
            None => {
                let (another, waited_for_pod, absent_since) = (false, false, None);
                self.down = Some(Down { since: now, state, why, tries: 0, another, waited_for_pod, absent_since });
            }
        }
    }

    fn wait(&mut self, next: Step, now: Moment) -> Option<Action> {
        let Some(down) = &self.down else { return None };
        let waiting = down.state == State::WaitingPod;
        let pause = self.backoff.next(waiting.then(|| now.saturating_sub(down.since)));
        // From the beginning of the last attempt: a slow one has waited enough.
        let until = self.attempt.map_or(now + pause, |began| (began + pause).max(now));
        self.phase = Phase::Waiting { until, next };
        None
    }

    fn prove(&mut self, proof: Proof, now: Moment) -> Option<Action> {
        let why = ending::absent(&self.rules.session, proof.absence);
        self.fall(State::Reconnecting, why, now);
        self.proof = Some(proof);
        Some(self.step(Step::Ask(Question::Start), now))
    }

    pub(super) fn answered(&mut self, answer: Answer, now: Moment) -> Option<Action> {
        let failed = matches!(answer, Answer::Start(Err(_)) | Answer::Session(Err(_)) | Answer::Pod(Err(_)));
        if let Phase::Asking { question, .. } = self.phase
            && failed
            && self.hurried
        {
            return Some(self.step(Step::Ask(question), now));
        }
        match answer {
            Answer::Pod(Ok(())) => Some(self.step(Step::Attach, now)),
            Answer::Pod(Err(failure)) => self.broken(failure, now),
            Answer::Start(Ok(start)) => self.found_start(start, now),
            Answer::Session(Ok(None)) => {
                self.proof = None;
                Some(self.step(Step::Attach, now))
            }
            Answer::Session(Ok(Some(absence))) => self.prove(Proof { absence, from_within: false, twice: true }, now),
            Answer::Start(Err(failure)) | Answer::Session(Err(failure)) if is_about_the_pod(failure.kind) => {
                self.replaced(failure, now)
            }
            Answer::Start(Err(failure)) | Answer::Session(Err(failure)) => self.broken(failure, now),
        }
    }

    /// The start that runs now, asked for after a session was not found.
    fn found_start(&mut self, start: Start, now: Moment) -> Option<Action> {
        let Some(proof) = self.proof.take() else { return Some(self.step(Step::Attach, now)) };
        match &self.known {
            Some(known) if *known != start && proof.absence == Absence::Another => {
                self.known = None;
                return Some(self.step(Step::Attach, now));
            }
            Some(known) if *known != start => {
                return self.replaced(Failure::new(Kind::Starting, "its container was started anew"), now);
            }
            None if !proof.from_within => return self.await_session(proof.absence, now),
            _ => self.known = Some(start),
        }
        match proof.absence {
            Absence::Another => return self.leave_to_operator(now),
            Absence::NoServer if !proof.twice => {}
            Absence::NoSession | Absence::NoServer => return self.finish(Outcome::Gone),
        }
        self.proof = Some(proof);
        self.phase = Phase::Waiting { until: now + SERVER_TWICE, next: Step::Ask(Question::Session) };
        None
    }
}

/// Whether the pod or its container is not there (any more, or yet).
fn is_about_the_pod(kind: Kind) -> bool {
    matches!(kind, Kind::Missing | Kind::Pending | Kind::Starting | Kind::Terminating | Kind::Crashing | Kind::Completed)
}
