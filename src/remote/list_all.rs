//! Many workers asked at the same time, and their answers as they come.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Instant, SystemTime};

use super::Remote;
use super::list::{Question, one};
use super::session::Answer;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::failure::Failure;
use crate::registry::origin::Reads;
use crate::registry::worker::Worker;
use crate::state;

/// By whom something is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// We have asked.
    Direct,
    /// The hub, which follows the worker, or has asked it.
    Hub,
}

impl Via {
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Hub => "hub",
        }
    }
}

/// Who leads to workers, and knows of some without asking them.
pub trait Guide: Send + Sync {
    /// What is known of a worker, when that is as good as an answer; its sessions are noted for completion already.
    fn known(&self, worker: &Worker, question: Question) -> Option<Known>;

    /// Whether it leads to a worker, as far as it knows.
    fn leads(&self, worker: &Worker) -> bool;

    /// The way to a worker, in the place of this one.
    fn lead(&self, worker: &Worker, remote: Remote) -> Remote;
}

/// What is known of a worker.
#[derive(Debug, Clone)]
pub struct Known {
    pub pod: Option<String>,
    pub answer: Result<Answer, Failure>,
    /// When it was so.
    pub as_of: SystemTime,
    /// When its queue was so.
    pub queue_as_of: Option<SystemTime>,
}

/// What one worker said, or why it did not.
#[derive(Debug)]
pub struct Report {
    /// Its place among the workers that were asked.
    pub index: usize,
    /// The pod that answered, where there is one.
    pub pod: Option<String>,
    pub answer: Result<Answer, Failure>,
    /// When it was so, and by whom that is known.
    pub as_of: SystemTime,
    pub queue_as_of: Option<SystemTime>,
    pub via: Via,
}

impl Report {
    /// What was said just now.
    pub fn now(index: usize, remote: &Remote, answer: Result<Answer, Failure>) -> Self {
        let (pod, via, as_of) = (remote.exec.pod(), remote.exec.via(), SystemTime::now());
        Self { index, pod, answer, as_of, queue_as_of: Some(as_of), via }
    }

    fn known(index: usize, known: Known) -> Self {
        let Known { pod, answer, as_of, queue_as_of } = known;
        Self { index, pod, answer, as_of, queue_as_of, via: Via::Hub }
    }
}

/// Ask all workers at the same time; reports come in the order of the answers. Dropping the receiver stops new questions.
/// The sessions are noted for completion, before the report is sent: who has all reports may end the process.
pub fn all(workers: Vec<Worker>, question: Question) -> Receiver<Report> {
    let (sender, receiver) = mpsc::channel();
    let asking = Asking::new(question, move |report| sender.send(report).is_ok());
    workers.into_iter().enumerate().for_each(|(index, worker)| asking.ask(index, worker));
    receiver
}

/// Workers that are asked at the same time, so many at most, and more may come.
pub struct Asking<Deliver>(Arc<Shared<Deliver>>);

struct Shared<Deliver> {
    // They end before the last report has been delivered to its end.
    gateways: Option<Arc<Gateways>>,
    guide: Option<Arc<dyn Guide>>,
    question: Question,
    /// Takes each report; false when nobody wants any more.
    deliver: Deliver,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<(usize, Worker, Option<Answer>)>,
    /// How many threads ask.
    asking: usize,
}

impl<Deliver: Fn(Report) -> bool + Send + Sync + 'static> Asking<Deliver> {
    pub fn new(question: Question, deliver: Deliver) -> Self {
        Self::by(None, None, question, deliver)
    }

    /// The same, led by this one. Where several that nobody knows of are in a cluster, they are asked through a gateway that is
    /// started for them, if that may be.
    pub fn led(guide: Option<Arc<dyn Guide>>, may_start: bool, question: Question, deliver: Deliver) -> Self {
        Self::by(guide, may_start.then(Arc::default), question, deliver)
    }

    fn by(guide: Option<Arc<dyn Guide>>, gateways: Option<Arc<Gateways>>, question: Question, deliver: Deliver) -> Self {
        Self(Arc::new(Shared { gateways, guide, question, deliver, line: Mutex::default() }))
    }

    /// So many more questions will go to this cluster; said before any is asked.
    pub fn expect_at(&self, cluster: &Cluster, questions: usize) {
        if let Some(gateways) = &self.0.gateways {
            gateways.expect(std::iter::repeat_n(cluster, questions));
        }
    }

    /// The way to their clusters, for whoever looks for workers there.
    pub fn gateways(&self) -> Option<&Gateways> {
        self.0.gateways.as_deref()
    }

    /// These will be asked.
    pub fn expect<'a>(&self, workers: impl IntoIterator<Item = &'a Worker>) {
        if let Some(gateways) = &self.0.gateways {
            let is_asked = |worker: &&Worker| worker.polecat().is_none_or(|polecat| polecat.reads != Reads::Log);
            let is_unknown = |worker: &&Worker| self.0.known(worker).is_none() && !self.0.is_led(worker);
            let clusters: Vec<_> =
                workers.into_iter().filter(is_asked).filter(is_unknown).filter_map(Cluster::of_worker).collect();
            gateways.expect(&clusters);
            gateways.start(Instant::now() + self.0.question.timeout);
        }
    }

    /// Ask one more; its report has this index.
    pub fn ask(&self, index: usize, worker: Worker) {
        self.ask_after(index, worker, None);
    }

    /// The same for one of which something is known already: how it stands, and what it has without tmux.
    pub fn ask_after(&self, index: usize, worker: Worker, told: Option<Answer>) {
        let mut line = self.0.line();
        line.waiting.push_back((index, worker, told));
        if line.asking < self.0.question.parallel.get() {
            line.asking += 1;
            let shared = self.0.clone();
            thread::spawn(move || shared.work());
        }
    }

    /// Deliver what one said already.
    pub fn told(&self, index: usize, worker: &Worker, answer: Result<Answer, Failure>) {
        note_sessions(worker, &answer);
        (self.0.deliver)(Report::now(index, &Remote::to(worker), answer));
    }
}

impl<Deliver: Fn(Report) -> bool> Shared<Deliver> {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// One after the other, until nobody waits.
    fn work(&self) {
        while let Some((index, worker, told)) = self.next() {
            let known = if told.is_none() { self.known(&worker) } else { None };
            let report = match known {
                Some(known) => Report::known(index, known),
                None => {
                    let remote = self.remote(&worker);
                    let answer = self.one(&remote, &worker, told);
                    note_sessions(&worker, &answer);
                    Report::now(index, &remote, answer)
                }
            };
            if !(self.deliver)(report) {
                self.line().waiting.clear();
            }
        }
    }

    fn known(&self, worker: &Worker) -> Option<Known> {
        self.guide.as_ref()?.known(worker, self.question)
    }

    fn is_led(&self, worker: &Worker) -> bool {
        self.guide.as_ref().is_some_and(|guide| guide.leads(worker))
    }

    fn remote(&self, worker: &Worker) -> Remote {
        let remote = match &self.gateways {
            Some(gateways) => Remote::through(worker, gateways),
            None => Remote::to(worker),
        };
        match &self.guide {
            Some(guide) => guide.lead(worker, remote),
            None => remote,
        }
    }

    /// The time for the answer begins when it is its turn to ask.
    fn one(&self, remote: &Remote, worker: &Worker, told: Option<Answer>) -> Result<Answer, Failure> {
        let turn = remote.exec.turn(Some(Instant::now() + self.question.timeout))?;
        let _held = turn.hold();
        knowing(remote, told, remote.look(|| one(remote, worker, self.question)), Instant::now() + self.question.timeout)
    }

    fn next(&self) -> Option<(usize, Worker, Option<Answer>)> {
        let mut line = self.line();
        let next = line.waiting.pop_front();
        line.asking -= usize::from(next.is_none());
        next
    }
}

fn note_sessions(worker: &Worker, answer: &Result<Answer, Failure>) {
    match answer {
        Ok(answer) => {
            let names: Vec<_> = answer.sessions.iter().map(|session| session.name.as_str()).collect();
            state::sessions::note(&worker.name, &names);
        }
        Err(_) => state::sessions::note_silence(&worker.name),
    }
}

/// What a worker answered, with what was known of it before. Of a polecat that counts as stuck by its age it is looked whether
/// anything comes from it; that nobody can say so changes nothing.
pub fn knowing(
    remote: &Remote,
    told: Option<Answer>,
    answer: Result<Answer, Failure>,
    deadline: Instant,
) -> Result<Answer, Failure> {
    let told = match (told, &answer, &remote.log) {
        (Some(told), Ok(answer), Some(log)) => Some(log.heard(told.clone(), &answer.sessions, deadline).unwrap_or(told)),
        (told, ..) => told,
    };
    match (answer, told) {
        (Ok(answer), Some(Answer { standing: Some(standing), sessions, .. })) => {
            let is_log = answer.sessions.iter().all(|session| session.id.is_none());
            let sessions = if is_log { sessions } else { answer.sessions };
            Ok(Answer { sessions, standing: Some(standing), ..answer })
        }
        (answer, _) => answer,
    }
}
