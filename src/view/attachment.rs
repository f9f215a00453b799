//! A view at work: what happens outside goes to the plan, what the plan says is done.

mod network;
mod questions;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::child::{self, Child};
use super::client::ending::Ending;
use super::client::{Client, Manner};
use super::connection::clock::{Clock, Look};
use super::connection::liveness::{Liveness, Verdict};
use super::connection::probe::{Place, Probe};
use super::connection::socket_age::SocketAge;
use super::events::ViewEvent;
use super::plan::{self, Action, Backoff, Event, Moment, Plan, Rules};
use super::terminal::down::DownScreen;
use super::terminal::keys::Key;
use super::terminal::restore::{Last, Terminal, write};
use super::window_options::WindowOptions;
use super::{Outcome, View};
use crate::failure::{Failure, Kind};
use crate::process;
use crate::registry::names::ObjectName;
use crate::remote::exec::Interactive;
use crate::signals;

/// How often an attach is looked at on its way, and when it takes longer than a few seconds.
const ON_ITS_WAY: Duration = Duration::from_millis(20);
const SLOWLY: Duration = Duration::from_millis(200);
/// How often a living connection is looked at; also how soon a resume from sleep is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The first screen comes before the question in which start of its container it is.
const AFTER_ARRIVAL: Duration = Duration::from_millis(500);
/// When that question is asked again if it was not answered.
const AGAIN: Duration = Duration::from_secs(30);
/// The status of a child that SIGINT has ended.
const INTERRUPTED: i32 = 128 + Signal::SIGINT as i32;
/// An attach that takes longer than this says that it goes on.
const PATIENCE: Duration = Duration::from_millis(300);

/// Everything of a view that changes.
pub struct Attachment<'a> {
    view: &'a View<'a>,
    terminal: &'a Terminal,
    client: Arc<Client>,
    clock: Clock,
    plan: Plan,
    down_screen: DownScreen<'a>,
    window: WindowOptions<'a>,
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
    /// How many children there were.
    children: u32,
    /// How many questions were asked.
    questions: u32,
    /// The pod of the last attach.
    pod: Option<ObjectName>,
    /// When to ask in which start of its container the attach is.
    ask_start_at: Option<Moment>,
    began: Moment,
    says_connecting: bool,
    /// Keys are the session's.
    is_in: bool,
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
        let rules = Rules { session: view.session.clone(), pod: view.is_pod, patience: view.patience, timeout: view.timeout };
        let now = clock.now();
        Self {
            view,
            terminal,
            client: Arc::new(Client::new(Arc::clone(&view.remote), view.session.clone())),
            plan: Plan::new(rules, Backoff::new(), now),
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
            children: 0,
            questions: 0,
            pod: None,
            ask_start_at: None,
            began: now,
            says_connecting: false,
            is_in: false,
            leftover: false,
            last: Last::Tidy,
            over: None,
            clock,
        }
    }

    /// Attach, and stay until it is over.
    ///
    /// # Errors
    /// The way to the worker could not be found.
    pub fn run(mut self) -> anyhow::Result<Outcome> {
        // Until something of ours runs, a signal may simply end us.
        let way = self.way(self.view.timeout)?;
        let signals = self.sender.clone();
        // From here on it ends what we started in its order: somebody has to tidy up.
        let _listening = signals::listen(move |signal| drop(signals.send(ViewEvent::Signal(signal))));
        self.set_out(way, self.clock.now())?;
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
        Ok(outcome)
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
        let all =
            [until(self.plan.due()), until(self.down_screen.due(now)), until(self.ask_start_at), insists, self.look_pause(now)];
        all.into_iter().flatten().min().unwrap_or(Duration::from_secs(60))
    }

    fn look_pause(&mut self, now: Moment) -> Option<Duration> {
        let socket = self.socket.as_mut()?;
        if !self.plan.is_attached() || !self.is_in {
            return Some(if now.saturating_sub(self.plan.tried_at()) < plan::DIAL / 3 { ON_ITS_WAY } else { SLOWLY });
        }
        // Exactly when it would count as stalled, if nothing came.
        let left = plan::STALLED.saturating_sub(socket.last_silence()) + Duration::from_millis(10);
        Some(left.clamp(Duration::from_millis(50), LOOK_EVERY))
    }

    fn take_in(&mut self, event: ViewEvent, now: Moment) {
        let current = |child: &Option<Child>, number: u32| child.as_ref().is_some_and(|child| child.number == number);
        match event {
            ViewEvent::Signal(Signal::SIGINT) if self.plan.entered() => {}
            ViewEvent::Signal(Signal::SIGHUP) => self.over = Some(Outcome::Left),
            ViewEvent::Signal(_) => self.over = Some(Outcome::Ended),
            ViewEvent::Said(number, text) if current(&self.child, number) => self.said(&text),
            ViewEvent::Ended(number, status) if current(&self.child, number) => self.ended(status, now),
            ViewEvent::In(number, Ok(start)) if current(&self.child, number) => self.apply(Event::In(start), now),
            ViewEvent::In(number, Err(_)) if current(&self.child, number) => self.ask_start_at = Some(now + AGAIN),
            ViewEvent::Answered(number, answer) if number == self.questions => self.apply(Event::Answered(answer), now),
            ViewEvent::Redrawn(number, drawn) if current(&self.child, number) => {
                if let Some(liveness) = &mut self.liveness {
                    liveness.answered(drawn, now);
                }
            }
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

    fn said(&mut self, text: &[u8]) {
        let Some(child) = &mut self.child else { return };
        child.keep(text);
        // A login plugin may tell the operator what to do, so what is said on the way in is shown at once, made harmless.
        if !self.plan.entered() {
            if std::mem::take(&mut self.says_connecting) {
                write("\r\x1b[K");
            }
            write(&child::shown(text));
        }
    }

    fn ended(&mut self, status: std::io::Result<i32>, now: Moment) {
        let Some(child) = self.child.take() else { return };
        self.socket = None;
        self.liveness = None;
        self.ask_start_at = None;
        // Ctrl-C on the way in reaches the child as well as us: which of the two is heard of first does not matter.
        if !self.plan.entered() && matches!(status, Ok(INTERRUPTED)) {
            self.over = Some(Outcome::Ended);
            return;
        }
        let ending = match status {
            Ok(status) => Ending::of(status, &child.said(), self.view.session),
            Err(error) => Ending::Broken(Failure::new(Kind::Failed, format!("nobody knows how kubectl ended: {error}"))),
        };
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
        self.apply(Event::Ended(ending), now);
    }

    fn key(&mut self, key: Key, now: Moment) {
        match key {
            Key::Now => self.apply(Event::Now, now),
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
            self.apply(Event::Back, look.now);
        }
        self.look_at_connection(look);
        if self.ask_start_at.is_some_and(|at| look.now >= at) {
            self.ask_start_at = None;
            self.ask_which_start();
        }
        self.apply(Event::Tick, look.now);
    }

    /// Look at the connection, without touching it.
    fn look_at_connection(&mut self, look: Look) {
        let Some(socket) = &mut self.socket else { return };
        let terminal = self.terminal;
        let reading = socket.look(|| terminal.is_raw());
        if self.plan.is_attached() {
            self.is_in |= reading.entered || look.now.saturating_sub(self.plan.tried_at()) >= plan::DIAL;
            let unseen = socket.is_blind().then(|| self.unseen_silence(look));
            if let Some(age) = reading.silence.map(|silence| silence + look.slept).or(unseen) {
                self.apply(Event::Silence { age, resumed: look.resumed }, look.now);
            }
            let verdict = reading.traffic.zip(self.liveness.as_mut()).map(|(traffic, liveness)| liveness.look(traffic, look.now));
            match verdict {
                Some(Verdict::Redraw) => self.redraw(),
                Some(Verdict::Frozen) => self.apply(Event::Frozen, look.now),
                Some(Verdict::Fine) | None => {}
            }
            return;
        }
        if reading.asked {
            self.apply(Event::Asked, look.now);
        }
        if reading.arrived {
            self.apply(Event::Arrived, look.now);
            self.arrived(look.now);
        } else if !self.plan.entered() && !self.says_connecting && look.now.saturating_sub(self.began) >= PATIENCE {
            let silent = self.child.as_ref().is_some_and(|child| child.said().is_empty());
            // The client draws on the other screen, and not before it has arrived.
            if silent {
                write(&format!("connecting to {}…", crate::terminal::neutralise::line(&self.view.address.to_string())));
                self.says_connecting = true;
            }
        }
    }

    fn arrived(&mut self, now: Moment) {
        self.leftover = false;
        self.liveness = Some(Liveness::begin(now));
        self.window.pod(self.pod.as_ref().map(ToString::to_string));
        if self.view.is_pod {
            self.ask_start_at = Some(now + AFTER_ARRIVAL);
        }
    }

    fn apply(&mut self, event: Event, now: Moment) {
        let mut next = self.plan.on(event, now);
        while let Some(action) = next {
            next = self.act(action, now);
        }
    }

    fn act(&mut self, action: Action, now: Moment) -> Option<Action> {
        match action {
            Action::Attach => {
                let failure = self.attach(now).err()?;
                return self.plan.on(Event::Ended(Ending::Broken(failure)), now);
            }
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
                    plan::Outcome::Gone => Outcome::Gone,
                    plan::Outcome::Never(failure) => Outcome::Never(failure),
                });
            }
        }
        None
    }

    fn attach(&mut self, now: Moment) -> Result<(), Failure> {
        let way = self.way(plan::ENTER)?;
        self.set_out(way, now)
    }

    /// The command of the next attach, with what it is about to send.
    fn way(&mut self, patience: Duration) -> Result<(Interactive, Vec<String>), Failure> {
        let again = self.plan.entered();
        let entered = self.plan.entered_ago(self.clock.now());
        let manner = Manner { read_only: self.view.read_only, plain: self.view.plain, again, entered };
        self.children += 1;
        let argv = self.client.argv(manner, self.children);
        let interactive = self.view.remote.exec.interactive(&argv, Instant::now() + patience)?;
        Ok((interactive, argv))
    }

    fn set_out(&mut self, (interactive, argv): (Interactive, Vec<String>), now: Moment) -> Result<(), Failure> {
        self.is_in = !self.view.is_pod || !self.plan.entered();
        self.pod = interactive.pod;
        self.client.note(self.pod.as_ref().map(ToString::to_string));
        if self.plan.entered() {
            self.terminal.forget_keys();
        } else {
            self.terminal.keep_title();
            // A login plugin shows and hides what is typed as it needs it, so it gets the terminal as it is.
            if !self.view.remote.exec.may_ask() {
                self.terminal.hide_keys();
            }
        }
        let program = interactive.command.get_program().to_string_lossy().into_owned();
        let child = Child::start(interactive.command, self.children, &self.sender)
            .map_err(|error| Failure::new(Kind::Failed, format!("cannot run {program}: {error}")).before_start())?;
        if self.view.is_pod {
            self.socket = Some(SocketAge::of(child.id, &argv));
            self.child = Some(child);
        } else {
            // There is no way in between.
            self.child = Some(child);
            self.plan.on(Event::Asked, now);
            self.plan.on(Event::Arrived, now);
        }
        Ok(())
    }

    /// Let the operator see how it is.
    fn show(&mut self) {
        let now = self.clock.now();
        // Whoever types as soon as it says "connected" must find the session at the other end.
        let arriving = self.plan.is_attached() && !self.is_in;
        self.window.state(self.plan.state().filter(|_| !arriving));
        self.probe();
        let said = self.child.as_ref().and_then(Child::last_line);
        let pod = self.pod.as_ref().map(ToString::to_string);
        self.down_screen.show(&self.plan, &self.sender, said.as_deref(), pod.as_deref(), now);
    }
}
