//! What a view asks beside its connection: in threads, because the operator's keys come first.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::lending::ViewTerminal;
use super::{Attachment, interrupted};
use crate::cluster::kubectl_error::NO_NODE;
use crate::cluster::login::{self, Manner};
use crate::cluster::pod::Start;
use crate::failure::{Failure, Kind};
use crate::view::events::ViewEvent;
use crate::view::plan::{Answer, Event, Moment, Question};

/// How long a question may take when the session was entered; before, as long as the operator says.
pub(super) const ANSWER: Duration = Duration::from_secs(15);
/// How long a node may take to show that it lives.
const REDRAW: Duration = Duration::from_secs(10);

impl Attachment<'_> {
    pub(super) fn ask_which_start(&self) {
        let (Some(pod), Some(child)) = (self.pod.clone(), &self.child) else { return };
        let (remote, sender, number) = (Arc::clone(&self.view.remote), self.sender.clone(), child.number);
        thread::spawn(move || {
            let _unasked = login::acting(Manner::Unasked);
            let start = remote.exec.start(&pod, Instant::now() + ANSWER);
            let _ = sender.send(ViewEvent::In(number, start));
        });
    }

    pub(super) fn redraw(&self) {
        let Some(child) = &self.child else { return };
        let (client, remote, sender) = (Arc::clone(&self.client), Arc::clone(&self.view.remote), self.sender.clone());
        let (pod, number) = (self.pod.clone(), child.number);
        thread::spawn(move || {
            let _unasked = login::acting(Manner::Unasked);
            let drawn = match client.redraw(Instant::now() + REDRAW) {
                Ok(drawn) => Some(drawn),
                // What it waited for may have been the node, the login, or an API server that takes no new connection.
                Err(failure) if failure.late => {
                    let start = pod.map(|pod| remote.exec.start(&pod, Instant::now() + REDRAW));
                    start.is_some_and(|start| is_answered(&start)).then_some(false)
                }
                Err(failure) => is_about_the_node(&failure).then_some(false),
            };
            let _ = sender.send(ViewEvent::Redrawn(number, drawn));
        });
    }

    pub(super) fn ask(&mut self, question: Question) {
        self.questions += 1;
        let number = self.questions;
        let (client, remote, sender) = (Arc::clone(&self.client), Arc::clone(&self.view.remote), self.sender.clone());
        let (pod, wanted) = (self.pod.clone(), self.wanted.clone());
        let limit = if self.plan.entered() { ANSWER } else { self.view.timeout };
        // A view that is waited for may wait for somebody else's login, too.
        let patient = self.plan.entered() || self.view.in_window;
        thread::spawn(move || {
            let _asking = login::acting(Manner::OnTerminal);
            login::lender::borrow_from(ViewTerminal::new(number, sender.clone()));
            let answer = match remote.exec.turn((!patient).then(|| Instant::now() + limit)) {
                Ok(turn) => {
                    let _held = turn.hold();
                    let deadline = Instant::now() + limit;
                    match question {
                        Question::Session => Answer::Session(client.look(&wanted, deadline)),
                        Question::Pod => Answer::Pod(remote.exec.renew(deadline)),
                        Question::Start => Answer::Start(match pod {
                            Some(pod) => remote.exec.start(&pod, deadline),
                            None => Err(Failure::new(Kind::Missing, "there is no pod")),
                        }),
                    }
                }
                Err(failure) => failed(question, failure),
            };
            let _ = sender.send(ViewEvent::Answered(number, answer));
        });
    }

    pub(super) fn answered(&mut self, answer: Answer, now: Moment) {
        self.take_terminal_back();
        let answer = match (std::mem::take(&mut self.lent.interrupted), answer) {
            (true, Answer::Session(Err(_))) => failed(Question::Session, interrupted()),
            (true, Answer::Pod(Err(_))) => failed(Question::Pod, interrupted()),
            (true, Answer::Start(Err(_))) => failed(Question::Start, interrupted()),
            (_, answer) => answer,
        };
        self.apply(Event::Answered(answer), now);
    }
}

fn failed(question: Question, failure: Failure) -> Answer {
    match question {
        Question::Session => Answer::Session(Err(failure)),
        Question::Pod => Answer::Pod(Err(failure)),
        Question::Start => Answer::Start(Err(failure)),
    }
}

/// Whether a node that froze can be the reason: not a login that has expired, nor an API server that takes no new connection.
fn is_about_the_node(failure: &Failure) -> bool {
    match failure.kind {
        Kind::Unreachable => !failure.lasting && (!failure.before_start || failure.reason.starts_with(NO_NODE)),
        Kind::Incomplete => false,
        _ => !failure.lasting,
    }
}

/// Whether the API server has answered, so that it can be asked just now.
fn is_answered(start: &Result<Start, Failure>) -> bool {
    match start {
        Ok(_) => true,
        Err(failure) => !matches!(failure.kind, Kind::Unreachable | Kind::Unauthorized | Kind::Incomplete),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::cluster::kubectl_error::classify;

    #[rstest]
    #[case("Error from server (InternalError): error dialing backend: dial tcp 10.0.0.7:10250: i/o timeout\n", true)]
    #[case("error: unable to upgrade connection: container not found (\"worker\")\n", true)]
    #[case("Error from server (NotFound): pods \"w-1\" not found\n", true)]
    #[case("Error from server (Timeout): the request timed out\n", true)]
    #[case("error: You must be logged in to the server (Unauthorized)\n", false)]
    #[case("Unable to connect to the server: getting credentials: exec: executable login failed with exit code 1\n", false)]
    #[case("Error from server (Forbidden): pods \"w-1\" is forbidden: User \"ann\" cannot get resource \"pods\"\n", false)]
    #[case("The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?\n", false)]
    #[case("Unable to connect to the server: dial tcp: lookup api.example.com: no such host\n", false)]
    #[case("Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout\n", false)]
    fn what_keeps_us_from_asking_says_nothing_about_the_node(#[case] said: &str, #[case] expected: bool) {
        assert_eq!(is_about_the_node(&classify(said.as_bytes(), b"")), expected);
    }
}
