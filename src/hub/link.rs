//! One worker, for as long as somebody wants to hear of it: over a relay that tells by itself, and over another one when that
//! breaks. Questions to it go over the same relay.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::board;
use super::lock::lock;
use super::moment::Moment;
use super::order::Order;
use super::plan::{self, Do, Event, Plan};
use crate::cluster::Cluster;
use crate::cluster::gateway::{self, Gateways};
use crate::cluster::login::{self, Acting, Manner};
use crate::failure::{Failure, Kind};
use crate::process::{Output, Request};
use crate::registry::worker::Worker;
use crate::remote::exec::Exec;
use crate::remote::list::Question;
use crate::remote::relay::{Framed, News, Relay, Watch};
use crate::remote::session::{Answer, Queue};
use crate::remote::{Remote, list};

/// The channel of the worker's tmux on which agents' hooks announce something.
const CHANNEL: &str = "factory-worker";

/// How long a look may take.
const LOOKS_WITHIN: Duration = Duration::from_secs(3);

/// How often it is looked at for one question, at most.
const LOOKS: usize = 3;

/// What is known of a queue for so long is asked for again.
const QUEUE_IS_OLD: Duration = Duration::from_secs(10);

/// Whether something has to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfDate {
    No,
    /// Whoever wants to know it now can do with what is known.
    ALittle,
    Yes,
}

/// What is told of a worker.
#[derive(Debug)]
pub enum Told {
    Answer(Answer),
    /// All is as it was when it was told last.
    Same,
    Failed(Failure),
}

/// The link to one worker.
pub struct Link {
    pub worker: Worker,
    remote: Remote,
    gateways: Arc<Gateways>,
    timeout: Duration,
    bell: Bell,
    line: Mutex<Line>,
    may_be_there: AtomicBool,
    /// It could not be reached.
    is_cut_off: AtomicBool,
    /// How often somebody has run something that may have changed what is known, and how often that was when it was looked at last.
    changes: AtomicU64,
    looked: AtomicU64,
    /// It is looked at with its queue, which may take long.
    is_asking_queue: AtomicBool,
    has_ended: AtomicBool,
    order: Order,
    /// What its queue held, and when.
    queue: Mutex<Option<(Queue, Moment)>>,
}

/// Who waits for the relay.
#[derive(Default)]
struct Line {
    /// There is one.
    is_live: bool,
    /// It is just being asked.
    is_busy: bool,
    waiting: VecDeque<Job>,
}

struct Job {
    framed: Framed,
    reply: SyncSender<Result<Output, Failure>>,
}

impl Link {
    /// # Errors
    /// There are too many open files.
    pub fn new(worker: &Worker, gateways: &Arc<Gateways>, timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            remote: Remote::through(worker, gateways),
            worker: worker.clone(),
            gateways: gateways.clone(),
            timeout,
            bell: Bell::new()?,
            line: Mutex::default(),
            may_be_there: AtomicBool::new(false),
            is_cut_off: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            looked: AtomicU64::new(0),
            is_asking_queue: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            order: Order::default(),
            queue: Mutex::default(),
        })
    }

    /// The pod that answers just now, where there is one.
    pub fn pod(&self) -> Option<String> {
        self.remote.exec.pod()
    }

    /// What leads to the worker, as one text that no other worker has.
    pub fn place(&self) -> Option<String> {
        self.remote.exec.place()
    }

    /// Whether it can be asked over a relay just now.
    pub fn is_live(&self) -> bool {
        self.line().is_live
    }

    /// A pod of it has begun: it is asked at once, if it is not there.
    pub fn may_be_there(&self) {
        self.may_be_there.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Whether the network, or who is at its other end, is why it is not there.
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off.load(Ordering::Relaxed)
    }

    /// Nobody wants to hear of it any more.
    pub fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Run a command over the relay, or beside it where it is at work or cannot carry it; `None`, and nothing has run, when there
    /// is none.
    pub fn run(&self, request: Request<'_>) -> Option<Result<Output, Failure>> {
        let mut line = self.line();
        if !line.is_live {
            return None;
        }
        let framed = if line.is_busy || !line.waiting.is_empty() { None } else { Framed::of(request) };
        let Some(framed) = framed else {
            drop(line);
            return Some(self.remote.exec.run(request));
        };
        let (reply, replied) = mpsc::sync_channel(1);
        line.waiting.push_back(Job { framed, reply });
        drop(line);
        self.bell.ring();
        // Whoever asks over the relay keeps to the deadline, and answers in any case; unless it has ended before it came to that.
        replied.recv().ok()
    }

    /// Somebody has run something: what is known may not be so any more.
    pub fn is_changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// How it has to be looked at before it can be said how it is, with its queue or without.
    pub fn is_out_of_date(&self, queue: bool) -> OutOfDate {
        let has_queue = queue && self.worker.commands.queue.is_some();
        let is_old = || self.queue().is_none_or(|(_, as_of)| as_of.age() >= QUEUE_IS_OLD);
        if !self.is_live() {
            OutOfDate::No
        } else if self.looked.load(Ordering::Relaxed) < self.changes.load(Ordering::Relaxed) {
            OutOfDate::Yes
        } else if has_queue && is_old() && !self.is_asking_queue.load(Ordering::Relaxed) {
            OutOfDate::ALittle
        } else {
            OutOfDate::No
        }
    }

    /// What its queue held when it was asked for that last, and when that was.
    pub fn queue(&self) -> Option<(Queue, Moment)> {
        lock(&self.queue).clone()
    }

    /// Look at it now, for somebody who wants to know; again when it tells something by itself meanwhile, which may be older or newer.
    /// Whether what is told of it now is as new as this.
    pub fn look(self: &Arc<Self>, queue: bool, tell: impl Fn(Told)) -> bool {
        // Its own commands may take long, so that one at a time is enough; and nobody waits for them.
        let with_queue = queue && self.worker.commands.queue.is_some();
        let is_done = (0..LOOKS).any(|_| self.look_once(false, &tell));
        if with_queue && !self.is_asking_queue.swap(true, Ordering::Relaxed) {
            let asking = self.clone();
            thread::spawn(move || {
                asking.look_once(true, |_| {});
                asking.is_asking_queue.store(false, Ordering::Relaxed);
            });
        }
        is_done
    }

    /// Whether that was told.
    fn look_once(self: &Arc<Self>, queue: bool, tell: impl Fn(Told)) -> bool {
        let changes = self.changes.load(Ordering::Relaxed);
        let asked = self.order.now();
        let remote = Remote { exec: Box::new(Live(self.clone())), tmux: self.remote.tmux.clone(), log: None, meant: None };
        let timeout = if queue { self.timeout } else { LOOKS_WITHIN };
        let question = Question { timeout, parallel: NonZeroUsize::MIN, queue };
        // That it was not there for it is told by whoever follows it.
        let Ok(answer) = list::with_queue(&remote, &self.worker, question) else { return false };
        if answer.queue != Queue::NotAsked {
            let said = (answer.queue.clone(), Moment::now());
            *lock(&self.queue) = Some(said);
        }
        let is_newest = self.order.answered(asked, || tell(Told::Answer(Answer { queue: Queue::NotAsked, ..answer })));
        if is_newest {
            self.looked.fetch_max(changes, Ordering::Relaxed);
        }
        is_newest
    }

    /// Follow it until nobody wants to hear of it: it was ended, or `tell` says so. The first time it is asked in this manner, and
    /// later on in nobody's name, so that no login begins by itself.
    pub fn follow(&self, first: Manner, tell: impl Fn(Told) -> bool) {
        let _first = login::acting(first);
        let mut following =
            Following { link: self, plan: Plan::new(), relay: None, doubtful: None, last: None, unasked: None, tell };
        while !self.has_ended() && following.step() {}
        self.is_no_more();
    }

    fn open(&self) -> Result<Relay, Failure> {
        let cluster = Cluster::of_worker(&self.worker).filter(|_| self.gateways.are_lasting());
        if cluster.is_some_and(|cluster| !self.gateways.lead_to(&cluster, Instant::now() + self.timeout)) {
            return Err(gateway::not_held());
        }
        let turn = self.remote.exec.turn(Some(Instant::now() + self.timeout))?;
        let _held = turn.hold();
        let watch = Watch { tmux: &self.remote.tmux, every: plan::EVERY, channel: CHANNEL };
        Relay::open(self.remote.exec.as_ref(), Some(watch), Instant::now() + self.timeout)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        lock(&self.line)
    }

    /// There is no relay: whoever waits for it was not asked.
    fn is_no_more(&self) {
        *self.line() = Line::default();
    }

    /// The next that is to be asked over the relay.
    fn next_job(&self) -> Option<Job> {
        let mut line = self.line();
        let job = line.waiting.pop_front();
        line.is_busy = job.is_some();
        job
    }
}

/// It was there a moment ago.
pub fn no_relay() -> Failure {
    Failure::new(Kind::Unreachable, "the connection was lost").before_start()
}

/// A worker that is asked over its link.
struct Live(Arc<Link>);

impl Exec for Live {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        self.0.run(request).unwrap_or_else(|| Err(no_relay()))
    }

    fn beneath(&self) -> Option<&dyn Exec> {
        Some(self.0.remote.exec.as_ref())
    }
}

/// A link that is followed, in the thread that does so.
struct Following<'a, Tell> {
    link: &'a Link,
    plan: Plan,
    relay: Option<Relay>,
    /// A tmux server that is about to end says strange things: the next look knows whether they are true.
    doubtful: Option<Failure>,
    /// What the relay has told last, and when.
    last: Option<(Answer, Moment)>,
    /// What comes after the first try was asked for by nobody.
    unasked: Option<Acting>,
    tell: Tell,
}

impl<Tell: Fn(Told) -> bool> Following<'_, Tell> {
    /// Do what is to be done next; false when nobody wants to hear of it.
    fn step(&mut self) -> bool {
        match self.plan.next(Instant::now()) {
            Do::Open => match self.link.open() {
                Ok(relay) => {
                    self.relay = Some(relay);
                    self.hear(Event::Opened);
                    self.link.line().is_live = true;
                    self.link.is_cut_off.store(false, Ordering::Relaxed);
                    true
                }
                Err(failure) if failure.kind == Kind::NoShell => {
                    self.hear(Event::Failed(&failure));
                    true
                }
                Err(failure) => self.lost(failure),
            },
            Do::Listen(until) => self.listen(until),
            Do::Rest(until) => {
                if self.link.bell.rest(until) && self.link.may_be_there.swap(false, Ordering::Relaxed) {
                    self.hear(Event::MayBeThere);
                }
                true
            }
            Do::Look => match list::with_command(&self.link.remote, &[], self.link.timeout) {
                Ok((answer, _)) => {
                    self.hear(Event::Looked);
                    self.tell(Told::Answer(answer))
                }
                Err(failure) => self.lost(failure),
            },
        }
    }

    fn tell(&self, told: Told) -> bool {
        self.link.order.told(|| (self.tell)(told))
    }

    fn hear(&mut self, event: Event<'_>) {
        self.plan.hear(event, Instant::now());
    }

    fn listen(&mut self, until: Instant) -> bool {
        let Some(relay) = &mut self.relay else { return self.lost(Failure::no_answer("")) };
        match relay.next(until, Some(self.link.bell.as_fd())) {
            Ok(Some(News::Sessions(answer))) => {
                self.doubtful = None;
                self.hear(Event::Told);
                self.last = Some((answer.clone(), Moment::now()));
                self.tell(Told::Answer(answer))
            }
            Ok(Some(News::Same)) => {
                self.hear(Event::Told);
                match (self.doubtful.take(), &self.last) {
                    (Some(failure), _) => self.tell(Told::Failed(failure)),
                    (None, Some((last, at))) if self.link.order.is_otherwise() => {
                        self.tell(Told::Answer(board::aged(last.clone(), at.age())))
                    }
                    (None, _) => (self.tell)(Told::Same),
                }
            }
            // That there is no tmux does not change while one ends.
            Ok(Some(News::NoListing(failure))) if failure.lasting => self.tell(Told::Failed(failure)),
            Ok(Some(News::NoListing(failure))) => {
                self.doubtful = Some(failure);
                true
            }
            Ok(Some(News::Announced)) => true,
            Ok(None) => {
                self.link.bell.silence();
                // What came while somebody was answered has not been heard yet.
                let was_asked = !self.link.line().waiting.is_empty();
                self.answer_all() && (was_asked || Instant::now() < until || self.lost(Failure::no_answer("")))
            }
            Err(failure) => self.lost(failure),
        }
    }

    /// Ask over the relay what is to be asked.
    fn answer_all(&mut self) -> bool {
        while let Some(Job { framed, reply }) = self.link.next_job() {
            let Some(relay) = &mut self.relay else { break };
            let answer = relay.exchange(&framed);
            let failure = answer.as_ref().err().cloned();
            let _ = reply.send(answer.map_err(|failure| self.link.remote.exec.explained(failure)));
            match failure {
                None => {}
                // It cannot be asked any more; but that a command took too long says nothing about the worker.
                Some(failure) if failure.late || failure.kind == Kind::Incomplete => {
                    self.drop_relay();
                    self.hear(Event::Failed(&failure));
                    break;
                }
                Some(failure) => return self.lost(failure),
            }
        }
        true
    }

    fn lost(&mut self, failure: Failure) -> bool {
        self.drop_relay();
        self.hear(Event::Failed(&failure));
        self.link.is_cut_off.store(failure.kind == Kind::Unreachable && !failure.lasting, Ordering::Relaxed);
        self.unasked.get_or_insert_with(|| login::acting(Manner::Unasked));
        self.tell(Told::Failed(self.link.remote.exec.explained(failure)))
    }

    fn drop_relay(&mut self) {
        self.link.is_no_more();
        self.relay = None;
        (self.doubtful, self.last) = (None, None);
    }
}
