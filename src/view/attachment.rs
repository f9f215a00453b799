//! A view at work: what happens outside goes to the plan, what the plan says is done.

mod elsewhere;
mod form;
mod leave;
mod lending;
mod network;
mod questions;
mod session;
mod turn;
mod unread;
mod way_in;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use nix::sys::signal::Signal;

use form::KnownForm;
use lending::Lent;
use session::Following;
use turn::Standing;
use unread::Unread;

use super::child::Child;
use super::client::ending::{Absence, Ending};
use super::client::{Client, Wanted};
use super::connection::clock::{Clock, Look};
use super::connection::liveness::Liveness;
use super::connection::probe::{Place, Probe};
use super::connection::socket_age::{Reading, SocketAge, Tty};
use super::events::ViewEvent;
use super::plan::{self, Action, Backoff, Event, Moment, Plan, Rules};
use super::terminal::down::{Attempt, DownScreen};
use super::terminal::keys::Key;
use super::terminal::restore::{Last, Terminal};
use super::window_options::WindowOptions;
use super::{Outcome, View};
use crate::failure::{Failure, Kind};
use crate::process;
use crate::registry::names::{Address, ObjectName, SessionName};
use crate::signals;

/// How often a living connection is looked at; also how soon a resume from sleep is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// When it is asked again in which start of its container an attach is, if that was not answered.
const AGAIN: Duration = Duration::from_secs(30);
/// The status of a child that SIGINT has ended.
const INTERRUPTED: i32 = 128 + Signal::SIGINT as i32;
/// What the status of a child is above that a signal has ended.
const KILLED: i32 = 128;

/// Everything of a view that changes.
pub struct Attachment<'a> {
    view: &'a View<'a>,
    terminal: &'a Terminal,
    client: Arc<Client>,
    /// The session, as it is known by now.
    wanted: Wanted,
    /// What the client of the last attempt knows it as.
    asked_for: SessionName,
    address: Address,
    following: Following,
    clock: Clock,
    plan: Plan,
    down_screen: DownScreen<'a>,
    window: WindowOptions,
    sender: Sender<ViewEvent>,
    events: Receiver<ViewEvent>,
    child: Option<Child>,
    socket: Option<SocketAge>,
    /// There is one while the session is shown.
    liveness: Option<Liveness>,
    /// There is one while the view is down, or nobody can see how its connection is.
    probe: Option<Probe>,
    /// Where the API server was when the last of them asked.
    place: Place,
    /// When the API server was found to be away.
    away_since: Option<Moment>,
    form: KnownForm,
    /// How many children there were.
    children: u32,
    /// How many questions were asked.
    questions: u32,
    /// Whether the question under way has the terminal.
    lent: Lent,
    /// How often it was waited for a turn to log in.
    turns: u32,
    standing: Standing,
    /// The pod of the last attach.
    pod: Option<ObjectName>,
    /// When to ask whether the client of an attempt that nobody sees is there.
    ask_there_at: Option<Moment>,
    /// When to ask in which start of its container the attach is.
    ask_start_at: Option<Moment>,
    /// The terminal's columns and rows when the attempt under way began.
    size: Option<(usize, usize)>,
    began: Moment,
    says_connecting: bool,
    /// What was typed before the attempt under way must not reach the session.
    again: bool,
    /// Keys are the session's.
    is_in: bool,
    unread: Unread,
    /// A client of ours may be attached that nobody looks through any more.
    leftover: bool,
    /// How the last child left the terminal.
    last: Last,
    over: Option<Outcome>,
}

impl<'a> Attachment<'a> {
    pub fn new(view: &'a View<'a>, terminal: &'a Terminal) -> Self {
        let clock = Clock::start();
        let (sender, events) = mpsc::channel();
        let rules = Rules {
            session: view.session.clone(),
            pod: view.is_pod,
            waits: view.in_window,
            patience: view.patience,
            timeout: view.timeout,
        };
        let knows_pod = !view.is_pod || view.remote.exec.pod().is_some();
        let now = clock.now();
        Self {
            view,
            terminal,
            client: Arc::new(Client::new(Arc::clone(&view.remote))),
            wanted: Wanted { name: view.session.clone(), identity: None },
            asked_for: view.session.clone(),
            address: view.address.clone(),
            following: Following::default(),
            plan: Plan::new(rules, Backoff::new(), knows_pod, now),
            down_screen: DownScreen::new(terminal, view.address),
            window: WindowOptions::new(view.address, view.in_window),
            sender,
            events,
            child: None,
            socket: None,
            liveness: None,
            probe: None,
            place: Place::default(),
            away_since: None,
            form: KnownForm::default(),
            children: 0,
            questions: 0,
            lent: Lent::default(),
            turns: 0,
            standing: Standing::None,
            pod: None,
            ask_there_at: None,
            ask_start_at: None,
            size: None,
            began: now,
            says_connecting: false,
            again: false,
            is_in: false,
            unread: Unread::default(),
            leftover: false,
            last: Last::Tidy,
            over: None,
            clock,
        }
    }

    /// Attach, and stay until it is over.
    pub fn run(mut self) -> Outcome {
        let signals = self.sender.clone();
        // From here on it ends what we started in its order: somebody has to tidy up.
        let _listening = signals::listen(move |signal| drop(signals.send(ViewEvent::Signal(signal))));
        self.terminal.keep_title();
        let outcome = loop {
            let event = self.wait();
            let look = self.clock.look();
            if let Some(event) = event {
                self.take_in(event, look.now);
            }
            self.look(look);
            self.show();
            if let Some(outcome) = self.over.take() {
                break outcome;
            }
        };
        self.leave(&outcome);
        outcome
    }

    /// Wait for something to happen, at most until something is due.
    fn wait(&mut self) -> Option<ViewEvent> {
        let pause = self.pause();
        self.clock.expect(pause);
        // Never cut off: we hold a sender ourselves.
        self.events.recv_timeout(pause).ok()
    }

    fn pause(&mut self) -> Duration {
        let now = self.clock.now();
        let until = |moment: Option<Moment>| moment.map(|moment| moment.saturating_sub(now));
        let insists = self.child.as_mut().and_then(Child::insist);
        let all = [
            until(self.plan.due()),
            until(self.down_screen.due(now)),
            until(self.ask_start_at),
            until(Some(self.following.due())),
            insists,
            self.look_pause(now),
        ];
        all.into_iter().flatten().min().unwrap_or(Duration::from_secs(60))
    }

    fn look_pause(&self, now: Moment) -> Option<Duration> {
        if self.plan.is_attached() && self.is_in { self.connection_pause() } else { self.way_in_pause(now) }
    }

    fn take_in(&mut self, event: ViewEvent, now: Moment) {
        let current = |child: &Option<Child>, number: u32| child.as_ref().is_some_and(|child| child.number == number);
        match event {
            ViewEvent::Signal(Signal::SIGINT) if self.lent.asks && !self.leaves_on_interrupt() => {
                self.lent.interrupted = true;
                process::kill_all();
            }
            ViewEvent::Signal(Signal::SIGINT) if !self.leaves_on_interrupt() => {}
            ViewEvent::Signal(Signal::SIGHUP) => self.over = Some(Outcome::Left),
            ViewEvent::Signal(_) => self.over = Some(Outcome::Ended),
            ViewEvent::Said(number, text) if current(&self.child, number) => self.said(&text),
            ViewEvent::Ended(number, status) if current(&self.child, number) => self.ended(status, now),
            ViewEvent::In(number, Ok(start)) if current(&self.child, number) => self.apply(Event::In(start), now),
            ViewEvent::In(number, Err(_)) if current(&self.child, number) => self.ask_start_at = Some(now + AGAIN),
            ViewEvent::There(number, there) if current(&self.child, number) && !self.plan.is_attached() => {
                self.told_whether_there(there, now);
            }
            ViewEvent::Answered(number, answer) if number == self.questions => self.answered(answer, now),
            ViewEvent::Borrows(number, what) if number == self.questions => self.borrows(what),
            ViewEvent::Turn(number, turn) if number == self.turns && self.waits_for_turn() => self.given_turn(turn, now),
            ViewEvent::Redrawn(number, drawn) if current(&self.child, number) => {
                if let Some(liveness) = &mut self.liveness {
                    liveness.answered(drawn, now);
                }
            }
            ViewEvent::InSession(number, answer) if current(&self.child, number) => self.answered_which(answer, now),
            ViewEvent::Named(took) => self.heard_names(took, now),
            ViewEvent::Seen(sight) => self.seen(sight, now),
            ViewEvent::Input(heard) => {
                if let Some(key) = self.down_screen.heard(heard, now) {
                    self.key(key, now);
                }
            }
            // Of a child or a question that is not waited for any more.
            _ => {}
        }
    }

    fn ended(&mut self, status: std::io::Result<i32>, now: Moment) {
        self.hear_which_session();
        let Some(child) = self.child.take() else { return };
        self.unread = Unread::default();
        self.socket = None;
        self.liveness = None;
        self.ask_start_at = None;
        if status.as_ref().is_ok_and(|status| self.sets_out_plainly(*status, now)) {
            return;
        }
        // Somebody has ended it, which says nothing about the login: the next one goes alone, too.
        let killed = status.as_ref().map_or(true, |status| *status > KILLED);
        let ending = match status {
            // Ctrl-C on the way in reaches the child as well as us: which of the two is heard of first does not matter.
            Ok(INTERRUPTED) if self.leaves_on_interrupt() => {
                self.over = Some(Outcome::Ended);
                return;
            }
            Ok(INTERRUPTED) if !self.plan.is_attached() => Ending::Broken(interrupted()),
            Ok(status) => match Ending::of(status, &child.said(), &self.wanted.name) {
                // It had another name when it ended.
                Ending::Another if self.following.renamed() => Ending::Gone(Absence::NoSession),
                Ending::Broken(failure) => Ending::Broken(self.view.remote.exec.explained(failure)),
                ending => ending,
            },
            Err(error) => Ending::Broken(Failure::new(Kind::Failed, format!("nobody knows how kubectl ended: {error}"))),
        };
        if killed {
            self.give_turn_back();
        } else {
            self.end_turn(&ending);
        }
        self.leftover = match &ending {
            // What was left before is still there when the next attempt did not even begin.
            Ending::Broken(failure) => self.leftover || !failure.before_start,
            _ => false,
        };
        self.last = match &ending {
            Ending::Left | Ending::Gone(_) | Ending::Another => Last::Tidy,
            Ending::Lost => Last::CutOff,
            Ending::Broken(failure) if self.plan.entered() && !failure.before_start => Last::CutOff,
            // It never came to the other screen; somebody before it may have.
            Ending::Broken(_) | Ending::Absent(_) => self.last,
        };
        let ending = self.or_elsewhere(ending);
        self.apply(Event::Ended(ending), now);
    }

    /// Ctrl-C ends an `attach` that was never in its session. A window is closed by nothing that may have been typed blind.
    fn leaves_on_interrupt(&self) -> bool {
        !self.plan.entered() && !self.view.in_window
    }

    fn key(&mut self, key: Key, now: Moment) {
        match key {
            Key::Now => {
                if self.plan.down().is_some_and(|down| down.another) {
                    // The operator goes to the one that has the name now.
                    self.wanted.identity = None;
                }
                self.apply(Event::Now, now);
            }
            Key::Close => self.apply(Event::Close, now),
            Key::Details => self.down_screen.toggle_details(),
        }
    }

    /// What can be seen without being told.
    fn look(&mut self, look: Look) {
        if let Some(key) = self.down_screen.settle_key(look.now) {
            self.key(key, look.now);
        }
        if look.resumed && self.plan.down().is_some() {
            self.network_is_back(look.now);
        }
        if self.child.is_some() {
            self.look_at_login();
            let reading = self.reading();
            if self.plan.is_attached() {
                self.look_at_keys(reading, look);
                self.look_at_connection(reading, look);
            } else {
                self.look_at_way_in(reading, look.now);
            }
        }
        if self.ask_start_at.is_some_and(|at| look.now >= at) {
            self.ask_start_at = None;
            self.tell_size_again();
            self.ask_which_start();
        }
        self.follow(look.now);
        self.apply(Event::Tick, look.now);
        self.say_connecting(look.now);
    }

    /// What is seen of the child's connection.
    fn reading(&mut self) -> Reading {
        let tty = Tty { taken: self.terminal.is_taken(), full: self.terminal.is_full() };
        match &mut self.socket {
            Some(socket) => socket.look(tty),
            // On this machine there is none, but a tmux that takes the terminal when it lets its client in.
            None => Reading { arrived: tty.taken, entered: tty.taken, ..Reading::default() },
        }
    }

    fn apply(&mut self, event: Event, now: Moment) {
        let mut next = self.plan.on(event, now);
        while let Some(action) = next {
            next = self.act(action, now);
        }
        // What cannot be shown as a session may be shown as something else.
        let log = self.view.remote.log.as_ref().filter(|_| !self.plan.entered());
        if let (Some(log), Some(down)) = (log, self.plan.down())
            && log.stands_in(self.view.session, &down.why)
        {
            self.over = Some(Outcome::Never(down.why.clone()));
        }
    }

    fn act(&mut self, action: Action, now: Moment) -> Option<Action> {
        match action {
            Action::Attach => {
                let failure = self.attach_in_turn(now).err()?;
                return self.plan.on(Event::Ended(Ending::Broken(failure)), now);
            }
            Action::End if self.waits_for_turn() => self.stop_waiting_for_turn(now),
            Action::End => {
                if let Some(child) = &mut self.child {
                    child.end();
                }
            }
            Action::Ask(question) => self.ask(question),
            Action::Hurry => process::kill_all(),
            Action::Finish(outcome) => {
                self.over = Some(match outcome {
                    plan::Outcome::Left => Outcome::Left,
                    plan::Outcome::Gone => Outcome::Gone(self.address.clone()),
                    plan::Outcome::Never(failure) => Outcome::Never(failure),
                });
            }
        }
        None
    }

    /// Let the operator see how it is.
    fn show(&mut self) {
        let now = self.clock.now();
        // Whoever types as soon as it says "connected" must find the session at the other end.
        let arriving = self.plan.is_attached() && !self.is_in;
        self.window.state(self.plan.state().filter(|_| !arriving));
        if self.plan.down().is_some() {
            self.stop_saying_connecting();
        }
        self.probe();
        let said = self.last_said();
        let pod = self.pod.as_ref().map(ToString::to_string);
        let listens = self.listens();
        let asks = self.lent.asks || self.plan.may_be_asking();
        let why = self.plan.down().map(|down| self.view.remote.exec.explained(down.why.clone()));
        let remedy = why.map(|why| why.remedy()).unwrap_or_default();
        let attempt = Attempt { said: said.as_deref(), pod: pod.as_deref(), remedy: &remedy, listens, asks };
        self.down_screen.show(&self.plan, attempt, &self.sender, now);
    }
}

/// A person does not mean the same again at once.
fn interrupted() -> Failure {
    Failure::new(Kind::Unreachable, "it was interrupted (Ctrl-C)").before_start().lasting()
}
