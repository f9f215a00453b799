//! What a view makes of its living connection, and of the way to its API server.

use std::sync::Arc;
use std::time::Duration;

use super::{Attachment, LOOK_EVERY};
use crate::view::connection::clock::Look;
use crate::view::connection::liveness::Verdict;
use crate::view::connection::probe::{Probe, Sight};
use crate::view::connection::socket_age::{Reading, SocketAge};
use crate::view::events::ViewEvent;
use crate::view::plan::{DEAD, Event, Moment, STALLED};

impl Attachment<'_> {
    /// How soon to look at the connection again.
    pub(super) fn connection_pause(&self) -> Option<Duration> {
        // Exactly when it would count as stalled, if nothing came.
        let left = STALLED.saturating_sub(self.socket.as_ref()?.last_silence()) + Duration::from_millis(10);
        Some(left.clamp(Duration::from_millis(50), LOOK_EVERY))
    }

    /// Look at the connection, without touching it.
    pub(super) fn look_at_connection(&mut self, reading: Reading, look: Look) {
        let Some(socket) = &self.socket else { return };
        let unseen = socket.is_blind().then(|| self.unseen_silence(look));
        if let Some(age) = reading.silence.map(|silence| silence + look.slept).max(unseen) {
            self.apply(Event::Silence { age, resumed: look.resumed }, look.now);
        }
        let verdict = reading.traffic.zip(self.liveness.as_mut()).map(|(traffic, liveness)| liveness.look(traffic, look.now));
        match verdict {
            Some(Verdict::Redraw) => self.redraw(),
            Some(Verdict::Frozen) => self.apply(Event::Frozen, look.now),
            Some(Verdict::Fine) | None => {}
        }
    }

    /// Look for the API server while the view is down, or nobody can see how its connection is.
    pub(super) fn probe(&mut self) {
        let wanted = match self.plan.down() {
            // Whoever was asked can be reached.
            Some(_) => self.probe.is_some() || self.plan.listens(),
            None => self.plan.is_attached() && self.socket.as_ref().is_some_and(SocketAge::is_blind),
        };
        if !wanted || !self.view.is_pod {
            self.probe = None;
            self.away_since = None;
        } else if self.probe.is_none() {
            let sender = self.sender.clone();
            let tell = move |sight| drop(sender.send(ViewEvent::Seen(sight)));
            self.probe = Some(Probe::start(Arc::clone(&self.view.remote), Arc::clone(&self.place), tell));
        }
    }

    pub(super) fn seen(&mut self, sight: Sight, now: Moment) {
        self.away_since = (sight == Sight::Away).then_some(now);
        if sight == Sight::Back {
            self.network_is_back(now);
        }
    }

    /// How long nothing can have come over a connection that nobody sees.
    pub(super) fn unseen_silence(&self, look: Look) -> Duration {
        match self.away_since {
            // Whatever it was before the machine slept, nobody on the other side has waited.
            _ if look.resumed => DEAD,
            Some(since) => STALLED + look.now.saturating_sub(since),
            None => Duration::ZERO,
        }
    }
}
