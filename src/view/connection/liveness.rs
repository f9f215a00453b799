//! A node that froze behind a living API server, which goes on answering kubectl's pings: the age of the last byte says
//! nothing then.
//!
//! It shows by what does not come. When keys went out and nothing but the answers to pings came back for ten seconds, and
//! every five minutes in any case, the worker is asked, over an exec of its own, to draw the view's screen anew. If that
//! brings nothing over the view's connection, twice, the connection is replaced. So typing into a frozen node is noticed
//! within about half a minute, and a window that nobody types into within six minutes. A question costs one kubectl process
//! (75 ms of CPU): a view that nobody types into costs 0.03 % of a core by it. A program that answers nothing to keys costs
//! one a minute while somebody types.

use std::collections::VecDeque;
use std::time::Duration;

use crate::view::plan::Moment;

/// How often kubectl pings.
const PING: Duration = Duration::from_secs(5);
/// How long nothing may come back for keys.
const SILENCE: Duration = Duration::from_secs(10);
/// Keys that went out later than this may still be answered.
const YOUNG: Duration = Duration::from_secs(3);
/// How often the worker is asked when nothing happens.
const IDLE: Duration = Duration::from_secs(300);
/// How often it is asked while somebody types and nothing comes.
const WHILE_TYPING: Duration = Duration::from_secs(60);
/// How long the screen may take once the worker has been asked to draw it.
const ANSWER: Duration = Duration::from_secs(5);
/// A screen has at least so many bytes more than the answers to pings.
const SCREEN: u64 = 200;

/// The counters of the connection at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Packets with data that came, and that went.
    pub came: u64,
    pub went: u64,
    /// Bytes that came.
    pub bytes: u64,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Ask the worker to draw the screen.
    Redraw,
    /// Nothing comes from there any more.
    Frozen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    None,
    /// The worker was asked; this many bytes had come by then.
    Asked {
        bytes: u64,
    },
    /// It has answered, so a screen has to come.
    Drawn {
        bytes: u64,
        since: Moment,
    },
}

/// Watches over one connection.
#[derive(Debug)]
pub struct Liveness {
    /// The last ten seconds and a bit, the oldest first.
    seen: VecDeque<(Moment, Traffic)>,
    /// When something came that was no answer to a ping, or the worker answered.
    alive: Moment,
    question: Question,
    redrawn: Option<Moment>,
    failures: u32,
}

impl Liveness {
    /// Over a connection that was just made.
    pub fn begin(now: Moment) -> Self {
        Self { seen: VecDeque::new(), alive: now, question: Question::None, redrawn: None, failures: 0 }
    }

    /// Look at the traffic, about once a second.
    pub fn look(&mut self, traffic: Traffic, now: Moment) -> Verdict {
        self.note(traffic, now);
        match self.question {
            Question::Asked { bytes } if traffic.bytes >= bytes + SCREEN => self.is_alive(now),
            Question::Asked { .. } => Verdict::Fine,
            Question::Drawn { bytes, .. } if traffic.bytes >= bytes + SCREEN => self.is_alive(now),
            Question::Drawn { since, .. } if now.saturating_sub(since) < ANSWER => Verdict::Fine,
            Question::Drawn { .. } => self.failed(traffic, now),
            Question::None if self.failures > 0 => self.redraw(traffic, now),
            Question::None if now.saturating_sub(self.alive) >= IDLE => self.redraw(traffic, now),
            Question::None if self.typed_in_vain(traffic, now) => {
                let recently = self.redrawn.is_some_and(|redrawn| now.saturating_sub(redrawn) < WHILE_TYPING);
                if recently { Verdict::Fine } else { self.redraw(traffic, now) }
            }
            Question::None => Verdict::Fine,
        }
    }

    /// What became of the question: whether the worker has found our client and let it draw; `None` when it was not asked
    /// at all, for a reason that says nothing about its node. It is asked again when it would have been if it had answered.
    pub fn answered(&mut self, drawn: Option<bool>, now: Moment) {
        let Question::Asked { bytes } = self.question else { return };
        match drawn {
            Some(true) => self.question = Question::Drawn { bytes, since: now },
            Some(false) => {
                self.question = Question::None;
                self.failures += 1;
            }
            None => drop(self.is_alive(now)),
        }
    }

    fn note(&mut self, traffic: Traffic, now: Moment) {
        if let Some((then, before)) = self.seen.back()
            && traffic.came.saturating_sub(before.came) > pings(now.saturating_sub(*then))
        {
            self.alive = now;
        }
        self.seen.push_back((now, traffic));
        // The oldest that is left is at least ten seconds old.
        while self.seen.get(1).is_some_and(|(then, _)| now.saturating_sub(*then) >= SILENCE) {
            self.seen.pop_front();
        }
    }

    fn is_alive(&mut self, now: Moment) -> Verdict {
        self.question = Question::None;
        self.alive = now;
        self.failures = 0;
        Verdict::Fine
    }

    fn redraw(&mut self, traffic: Traffic, now: Moment) -> Verdict {
        if self.failures >= 2 {
            return Verdict::Frozen;
        }
        self.question = Question::Asked { bytes: traffic.bytes };
        self.redrawn = Some(now);
        Verdict::Redraw
    }

    fn failed(&mut self, traffic: Traffic, now: Moment) -> Verdict {
        self.question = Question::None;
        self.failures += 1;
        self.redraw(traffic, now)
    }

    /// Keys went out a few seconds ago, and for ten seconds nothing has come but answers to pings.
    fn typed_in_vain(&self, traffic: Traffic, now: Moment) -> bool {
        let Some((then, oldest)) = self.seen.front().filter(|(then, _)| now.saturating_sub(*then) >= SILENCE) else {
            return false;
        };
        let Some((until, old)) = self.seen.iter().rfind(|(then, _)| now.saturating_sub(*then) >= YOUNG) else { return false };
        let came = traffic.came.saturating_sub(oldest.came);
        let went = old.went.saturating_sub(oldest.went);
        came <= pings(now.saturating_sub(*then)) && went > pings(until.saturating_sub(*then))
    }
}

/// The most packets that are pings, or their answers, in so much time.
fn pings(time: Duration) -> u64 {
    time.as_secs() / PING.as_secs() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection, looked at every second.
    struct Line {
        liveness: Liveness,
        traffic: Traffic,
        now: Moment,
    }

    impl Line {
        fn new() -> Self {
            let traffic = Traffic { came: 10, went: 10, bytes: 10_000 };
            Self { liveness: Liveness::begin(Duration::ZERO), traffic, now: Duration::ZERO }
        }

        /// A second with a ping now and then; `keys` packets go out and `echoes` come back.
        fn second(&mut self, keys: u64, echoes: u64) -> Verdict {
            self.now += Duration::from_secs(1);
            let ping = u64::from(self.now.as_secs().is_multiple_of(5));
            self.traffic.went += keys + ping;
            self.traffic.came += echoes + ping;
            self.traffic.bytes += echoes * 20 + ping * 2;
            self.liveness.look(self.traffic, self.now)
        }

        /// The first verdict that is not fine, and after how many seconds.
        fn until(&mut self, keys: u64, echoes: u64) -> (u64, Verdict) {
            (1..1000).map(|second| (second, self.second(keys, echoes))).find(|(_, verdict)| *verdict != Verdict::Fine).unwrap()
        }
    }

    #[test]
    fn keys_that_nothing_answers_are_noticed() {
        let mut line = Line::new();
        (0..60).for_each(|_| assert_eq!(line.second(3, 3), Verdict::Fine));
        let (seconds, verdict) = line.until(1, 0);
        assert_eq!(verdict, Verdict::Redraw);
        assert!((10..=12).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_screen_that_does_not_come_twice_means_a_frozen_node() {
        let mut line = Line::new();
        assert_eq!(line.until(1, 0).1, Verdict::Redraw);
        line.liveness.answered(Some(true), line.now);
        assert_eq!(line.until(0, 0), (5, Verdict::Redraw));
        line.liveness.answered(Some(true), line.now);
        assert_eq!(line.until(0, 0), (5, Verdict::Frozen));
    }

    #[test]
    fn a_question_without_an_answer_counts_too() {
        let mut line = Line::new();
        assert_eq!(line.until(1, 0).1, Verdict::Redraw);
        line.liveness.answered(Some(false), line.now);
        assert_eq!(line.until(0, 0), (1, Verdict::Redraw));
        line.liveness.answered(Some(false), line.now);
        assert_eq!(line.until(0, 0), (1, Verdict::Frozen));
    }

    #[test]
    fn a_question_that_could_not_be_asked_proves_nothing() {
        let mut line = Line::new();
        for _ in 0..10 {
            assert_eq!(line.until(1, 0).1, Verdict::Redraw);
            line.liveness.answered(None, line.now);
            assert_eq!(line.second(1, 0), Verdict::Fine);
        }
    }

    #[test]
    fn a_screen_that_comes_is_a_sign_of_life() {
        let mut line = Line::new();
        assert_eq!(line.until(1, 0).1, Verdict::Redraw);
        line.liveness.answered(Some(true), line.now);
        line.traffic.bytes += SCREEN;
        assert_eq!(line.second(0, 1), Verdict::Fine);
        // A program that never answers is not asked about all the time.
        let (seconds, verdict) = line.until(1, 0);
        assert_eq!(verdict, Verdict::Redraw);
        assert!((55..=62).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_quiet_session_is_asked_every_five_minutes() {
        let mut line = Line::new();
        assert_eq!(line.until(0, 0), (300, Verdict::Redraw));
        line.liveness.answered(Some(true), line.now);
        line.traffic.bytes += SCREEN;
        assert_eq!(line.second(0, 0), Verdict::Fine);
        assert_eq!(line.until(0, 0), (300, Verdict::Redraw));
    }

    #[test]
    fn output_without_keys_and_echoes_are_fine_for_ever() {
        let mut line = Line::new();
        (0..1000).for_each(|_| assert_eq!(line.second(0, 5), Verdict::Fine));
        (0..1000).for_each(|_| assert_eq!(line.second(2, 2), Verdict::Fine));
    }
}
