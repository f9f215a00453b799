//! An attempt, from its command to the session: what is begun, what is seen of it on its way, and what proves that it is there.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Attachment;
use super::lending::without_kubectls;
use super::unread::Unread;
use crate::cluster::login::{self, Login};
use crate::failure::{Failure, Kind};
use crate::local::shown_in;
use crate::remote::exec::Interactive;
use crate::terminal::block::Block;
use crate::terminal::neutralise;
use crate::view::child::{self, Child};
use crate::view::client::Manner;
use crate::view::connection::clock::Look;
use crate::view::connection::liveness::Liveness;
use crate::view::connection::socket_age::{Reading, SocketAge};
use crate::view::events::ViewEvent;
use crate::view::plan::{self, Event, Moment};
use crate::view::terminal::restore::write;

/// How often an attempt is looked at, and when it takes longer than a few seconds.
const ON_ITS_WAY: Duration = Duration::from_millis(20);
const SLOWLY: Duration = Duration::from_millis(200);
/// A first attempt that takes longer than this says that it goes on.
const PATIENCE: Duration = Duration::from_millis(300);
/// The first screen comes before the question in which start of its container it is.
const AFTER_ARRIVAL: Duration = Duration::from_millis(500);
/// When a worker is asked whether our client is there, after kubectl has gone to it out of our sight; when it is asked again
/// if it was not, or did not say; and how long it may take to answer.
const ASK_AFTER: Duration = Duration::from_millis(300);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(700);
const ANSWER: Duration = Duration::from_secs(15);

impl Attachment<'_> {
    pub(super) fn attach(&mut self, now: Moment) -> Result<(), Failure> {
        self.size = Block::terminal_size();
        let (interactive, argv) = self.command()?;
        self.pod = interactive.pod;
        self.client.note(self.pod.as_ref().map(ToString::to_string));
        let login = self.view.remote.exec.login();
        self.hand_over_terminal(login);
        let program = interactive.command.get_program().to_string_lossy().into_owned();
        let child = Child::start(interactive.command, self.children, &self.sender)
            .map_err(|error| Failure::new(Kind::Failed, format!("cannot run {program}: {error}")).before_start())?;
        self.socket = self.view.is_pod.then(|| SocketAge::of(child.id, &argv));
        self.child = Some(child);
        self.ask_there_at = None;
        self.unread = Unread::default();
        self.is_in = !self.again;
        let event = match login {
            // There is no way in between.
            _ if !self.view.is_pod => Event::Asked,
            Login::Known => return Ok(()),
            Login::Elsewhere => Event::MayLogIn { asks: false },
            Login::Asks => Event::MayLogIn { asks: true },
        };
        self.apply(event, now);
        Ok(())
    }

    /// The command of the attempt.
    fn command(&mut self) -> Result<(Interactive, Vec<String>), Failure> {
        // Whatever was typed since the view is down was not meant for the session.
        self.again = self.plan.entered() || self.plan.down().is_some();
        let entered = self.plan.entered_ago(self.clock.now());
        let shown_in = self.shown_in();
        let manner = Manner { read_only: self.view.read_only, plain: self.view.plain, again: self.again, entered, shown_in };
        self.set_out_for_session();
        let _asking = login::acting(login::Manner::InView);
        self.command_in(manner)
    }

    /// The whereabouts of the sessions that our terminal is shown in. Whoever has just made our window knows them.
    fn shown_in(&self) -> Vec<String> {
        if let Some(told) = shown_in::told().filter(|_| self.view.in_window) {
            return told;
        }
        let found = self.terminal.name().map(|tty| shown_in::of_terminal(&tty)).unwrap_or_default();
        found.into_iter().map(|session| session.whereabouts).collect()
    }

    /// A raw terminal that is not marked as ours is somebody else's work from here on ([`Terminal::is_taken`]).
    ///
    /// [`Terminal::is_taken`]: crate::view::terminal::restore::Terminal::is_taken
    fn hand_over_terminal(&mut self, login: Login) {
        if self.again {
            self.terminal.forget_keys();
        }
        match login {
            Login::Asks => {
                // Two that read it would take each other's keys.
                self.down_screen.stop_listening();
                self.terminal.lend(self.view.in_window);
            }
            // What is typed ahead is the session's, and Ctrl-C is none of our business in a window.
            _ if self.again || self.view.in_window => self.terminal.hold(),
            _ => self.terminal.hide_keys(),
        }
    }

    pub(super) fn said(&mut self, text: &[u8]) {
        let Some(child) = &mut self.child else { return };
        child.keep(text);
        // A login plugin may tell the operator what to do, so what is said on the way in is shown at once, made harmless; in
        // the line at the bottom while there is one. What kubectl says of a failure is told better when it has ended.
        let said = without_kubectls(text);
        if !said.is_empty() && !self.plan.entered() && !self.listens() {
            self.stop_saying_connecting();
            write(&child::shown(&said));
        }
    }

    /// How soon to look at the attempt again.
    pub(super) fn way_in_pause(&self, now: Moment) -> Option<Duration> {
        if self.child.is_none() {
            let is_new = !self.plan.entered() && self.plan.down().is_none() && !self.says_connecting;
            return is_new.then_some(PATIENCE);
        }
        let soon = self.unread.is_ours() || now.saturating_sub(self.plan.tried_at()) < plan::DIAL / 3;
        Some(if soon { ON_ITS_WAY } else { SLOWLY })
    }

    /// Look at the attempt, without touching it.
    pub(super) fn look_at_way_in(&mut self, reading: Reading, now: Moment) {
        if reading.dialled {
            self.apply(Event::Dialled, now);
        }
        if reading.asked {
            self.apply(Event::Asked, now);
        }
        if reading.arrived {
            self.arrive(now);
        } else if reading.asked {
            self.ask_whether_there(now);
        }
        self.look_at_unread_keys(reading, now);
    }

    /// Nobody sees from here whether the worker has let us in: it is asked whether it has. An attempt that has come so far has
    /// no login before it any more.
    fn ask_whether_there(&mut self, now: Moment) {
        if !self.socket.as_ref().is_some_and(SocketAge::is_blind) || now < *self.ask_there_at.get_or_insert(now + ASK_AFTER) {
            return;
        }
        self.ask_there_at = Some(Moment::MAX);
        let (client, sender, number) = (Arc::clone(&self.client), self.sender.clone(), self.children);
        thread::spawn(move || {
            let _asking = login::acting(login::Manner::InView);
            let there = client.is_there(number, Instant::now() + ANSWER);
            let _ = sender.send(ViewEvent::There(number, there));
        });
    }

    /// What the worker says to that. That it cannot be asked proves nothing, so what may well be alive is left alone then.
    pub(super) fn told_whether_there(&mut self, there: Result<bool, Failure>, now: Moment) {
        match there {
            Ok(true) => {
                self.arrive(now);
                self.is_in = true;
            }
            Err(failure) if failure.lasting => self.apply(Event::Untold, now),
            Ok(false) | Err(_) => self.ask_there_at = Some(now + ASK_AGAIN_AFTER),
        }
    }

    pub(super) fn arrive(&mut self, now: Moment) {
        self.apply(Event::Arrived, now);
        if !self.plan.is_attached() {
            // It was given up just before.
            return;
        }
        self.was_answered();
        self.leftover = false;
        self.liveness = Some(Liveness::begin(now));
        self.begin_to_follow(now);
        self.window.pod(self.pod.as_ref().map(ToString::to_string));
        if self.view.is_pod {
            self.ask_start_at = Some(now + AFTER_ARRIVAL);
        }
    }

    /// Whether keys are the session's is seen a little later than that it is there.
    pub(super) fn look_at_keys(&mut self, reading: Reading, look: Look) {
        self.is_in |= reading.entered || look.now.saturating_sub(self.plan.tried_at()) >= plan::DIAL;
    }

    /// Have kubectl tell the terminal's size once more, if it is another one than when the attempt began: what the client has brought
    /// along from there may have come behind what kubectl has told, and the session would stay in that.
    pub(super) fn tell_size_again(&mut self) {
        let (before, now) = (self.size, Block::terminal_size());
        if let Some(child) = self.child.as_ref().filter(|_| now != before) {
            child.resized();
            self.size = now;
        }
    }

    /// Say that a first attempt goes on.
    pub(super) fn say_connecting(&mut self, now: Moment) {
        let silent = self.child.as_ref().is_none_or(|child| child.said().is_empty());
        // The client draws on the other screen, and not before it has arrived.
        if silent
            && !self.plan.entered()
            && self.plan.down().is_none()
            && !self.says_connecting
            && now.saturating_sub(self.began) >= PATIENCE
        {
            write(&format!("connecting to {}…", neutralise::line(&self.address.to_string())));
            self.says_connecting = true;
        }
    }

    pub(super) fn stop_saying_connecting(&mut self) {
        if std::mem::take(&mut self.says_connecting) {
            write("\r\x1b[K");
        }
    }
}
