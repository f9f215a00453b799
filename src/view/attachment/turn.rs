//! An attempt's turn to log in: of all windows whose token has expired, one asks its person, and the others wait for that.

use std::sync::Arc;
use std::thread;

use super::Attachment;
use crate::cluster::learn_from;
use crate::cluster::login::{self, Login, Manner, Progress, Turn};
use crate::failure::{Failure, Kind};
use crate::view::client::ending::Ending;
use crate::view::events::ViewEvent;
use crate::view::plan::{Event, Moment};

/// Whose turn it is, as far as an attempt is concerned.
#[derive(Default)]
pub enum Standing {
    /// Nothing is tried, or there is nobody to log in.
    #[default]
    None,
    /// Somebody else logs in.
    Waiting,
    /// Ours, and how far kubectl has come with it.
    Ours(Turn, Progress),
}

impl Attachment<'_> {
    /// Begin an attempt when it is its turn: at once where nobody logs in.
    pub(super) fn attach_in_turn(&mut self, now: Moment) -> Result<(), Failure> {
        if self.view.remote.exec.login() == Login::Known {
            return self.attach(now);
        }
        self.turns += 1;
        self.standing = Standing::Waiting;
        // Nobody counts the time, and the operator's keys are ours.
        self.apply(Event::MayLogIn { asks: false }, now);
        let (remote, sender, number) = (Arc::clone(&self.view.remote), self.sender.clone(), self.turns);
        thread::spawn(move || {
            let _asking = login::acting(Manner::InView);
            let _ = sender.send(ViewEvent::Turn(number, remote.exec.turn(None)));
        });
        Ok(())
    }

    /// Whether somebody else's login is waited for.
    pub(super) fn waits_for_turn(&self) -> bool {
        matches!(self.standing, Standing::Waiting)
    }

    /// It is our turn, or nobody gets in.
    pub(super) fn given_turn(&mut self, turn: Result<Turn, Failure>, now: Moment) {
        let begun = turn.and_then(|turn| {
            // What has to be asked on the way is a part of it.
            let _held = turn.hold();
            self.standing = Standing::Ours(turn, Progress::begin());
            self.attach(now)
        });
        if let Err(failure) = begun {
            self.end_turn(&Ending::Broken(failure.clone()));
            self.apply(Event::Ended(Ending::Broken(failure)), now);
        }
    }

    /// Do not wait any longer; what is given later is given back.
    pub(super) fn stop_waiting_for_turn(&mut self, now: Moment) {
        self.turns += 1;
        self.standing = Standing::None;
        let stopped = Failure::new(Kind::Unreachable, "somebody else is logging in").before_start();
        self.apply(Event::Ended(Ending::Broken(stopped)), now);
    }

    /// Whether somebody is logging in, for all that can be seen: for this attempt, or before it.
    pub(super) fn is_logging_in(&self) -> bool {
        match &self.standing {
            Standing::None => false,
            Standing::Waiting => true,
            Standing::Ours(_, progress) => progress.is_logging_in(),
        }
    }

    /// Let others go as soon as our login is over, whatever becomes of the attempt.
    pub(super) fn look_at_login(&mut self) {
        if let (Standing::Ours(turn, progress), Some(child)) = (&mut self.standing, &self.child)
            && progress.look(child.id)
        {
            turn.pass();
        }
    }

    /// The session is there: the cluster has answered.
    pub(super) fn was_answered(&mut self) {
        if let Standing::Ours(turn, _) = std::mem::take(&mut self.standing) {
            turn.answered();
        }
    }

    /// Nobody knows what would have become of it.
    pub(super) fn give_turn_back(&mut self) {
        self.standing = Standing::None;
    }

    /// The attempt is over, before or after that.
    pub(super) fn end_turn(&mut self, ending: &Ending) {
        if let Standing::Ours(turn, _) = std::mem::take(&mut self.standing) {
            match ending {
                Ending::Broken(failure) => learn_from(&turn, failure),
                _ => turn.answered(),
            }
        }
    }
}
