//! What the operator reads while a view is down: one line over the last screen, and more on demand.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::{neutralise, wrap};
use crate::view::plan::{Down, Moment, State};

/// What there is to tell. All of it may come from a worker: it is neutralised where it is put together.
#[derive(Debug)]
pub struct Notice<'a> {
    /// `WORKER/SESSION`
    pub address: &'a str,
    pub down: &'a Down,
    /// When something is tried next; `None` while it is.
    pub next_try: Option<Moment>,
    /// What kubectl, or a login plugin, said in the attempt that is under way.
    pub said: Option<&'a str>,
    pub pod: Option<&'a str>,
    /// What to do about it; empty when there is nothing sensible to say.
    pub remedy: &'a str,
    /// Keys are ours; otherwise a login plugin may be asking for something.
    pub keys: bool,
    pub now: Moment,
}

impl Notice<'_> {
    /// The line, in at most `width` columns: what happened gives way to the keys.
    pub fn line(&self, width: usize) -> String {
        let head = neutralise::line(&format!("{} {}: ", self.address, self.what()));
        let why = neutralise::line(self.said.unwrap_or(&self.down.why.reason));
        let tail = format!(" · {}{}", self.time(), self.keys());
        let room = width.saturating_sub(head.width() + tail.width());
        // Less than a few words of it say nothing.
        if room >= 12.min(why.width()) {
            return cut(&format!("{head}{}{tail}", cut(&why, room)), width);
        }
        cut(&format!("{}{}", self.time(), self.keys()), width)
    }

    /// Everything, in lines of at most `width` columns.
    pub fn details(&self, width: usize) -> Vec<String> {
        let down = self.down;
        let facts = [
            ("session", Some(self.address.to_owned())),
            ("state", Some(down.state.word().to_owned())),
            ("why", Some(down.why.reason.clone())),
            ("what to do", Some(self.remedy.to_owned()).filter(|remedy| !remedy.is_empty())),
            ("said now", self.said.map(str::to_owned)),
            ("pod", self.pod.map(str::to_owned)),
            ("down for", Some(age(self.now.saturating_sub(down.since)))),
            ("attempts", Some(down.tries.to_string())),
        ];
        let lines = |(name, fact): (&str, Option<String>)| Some(told(name, &neutralise::line(&fact?), width));
        facts.into_iter().filter_map(lines).flatten().collect()
    }

    fn what(&self) -> &'static str {
        match self.down.state {
            State::WaitingPod => "waits for its pod",
            State::Failed => "is not connected",
            _ => "is reconnecting",
        }
    }

    fn time(&self) -> String {
        let since = age(self.now.saturating_sub(self.down.since));
        match (self.down.state, self.next_try) {
            (State::Failed, _) => since,
            (_, Some(at)) => format!("{since} · next try in {} s", at.saturating_sub(self.now).as_secs_f64().ceil()),
            (_, None) => format!("{since} · trying"),
        }
    }

    fn keys(&self) -> &'static str {
        match self.down.state {
            _ if !self.keys => " · Ctrl-C ends it",
            State::Failed if self.down.another => " · Enter goes to that one · Q closes · d details",
            State::Failed => " · Enter tries again · Q closes · d details",
            _ => " · Enter now · Q closes · d details",
        }
    }
}

/// A fact beside its name, on as many lines as it takes: a remedy of which half is seen is none.
fn told(name: &str, fact: &str, width: usize) -> Vec<String> {
    let beside = format!(" {name:>10}  ");
    let room = width.saturating_sub(beside.width()).max(1);
    let lines = wrap::lines(fact, room).into_iter().enumerate();
    let line = |(at, line)| cut(&format!("{}{line}", if at == 0 { &*beside } else { "             " }), width);
    lines.map(line).collect()
}

fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// As much of the text as `width` columns hold, with a sign when that is not all of it.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < width
    };
    let kept: String = text.chars().take_while(fits).collect();
    if width == 0 { kept } else { kept + "…" }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::failure::{Failure, Kind};
    use crate::view::client::ending::Ending;
    use crate::view::plan::{Backoff, Event, Plan, Rules};

    /// What a view looks like that went down at 10 s for this reason.
    fn down(why: Failure) -> Down {
        let rules = Rules {
            session: "qa".parse().unwrap(),
            pod: true,
            waits: true,
            patience: Duration::from_secs(120),
            timeout: Duration::from_secs(10),
        };
        let mut plan = Plan::new(rules, Backoff::with(|| 0.0), true, Duration::ZERO);
        plan.on(Event::Tick, Duration::ZERO);
        plan.on(Event::Arrived, Duration::ZERO);
        plan.on(Event::Ended(Ending::Broken(why)), Duration::from_secs(10));
        plan.down().unwrap().clone()
    }

    fn line(why: Failure, width: usize) -> String {
        let down = down(why);
        let next_try = (down.state != State::Failed).then(|| Duration::from_millis(24_500));
        let notice = Notice {
            address: "w/qa",
            down: &down,
            next_try,
            said: None,
            pod: None,
            remedy: "",
            keys: true,
            now: Duration::from_secs(22),
        };
        notice.line(width)
    }

    #[rstest]
    #[case(Kind::Unreachable, 120, "w/qa is reconnecting: refused · 12 s · next try in 3 s · Enter now · Q closes · d details")]
    #[case(Kind::Starting, 120, "w/qa waits for its pod: refused · 12 s · next try in 3 s · Enter now · Q closes · d details")]
    #[case(Kind::Forbidden, 120, "w/qa is not connected: refused · 12 s · Enter tries again · Q closes · d details")]
    #[case(Kind::Unreachable, 60, "12 s · next try in 3 s · Enter now · Q closes · d details")]
    #[case(Kind::Unreachable, 10, "12 s · ne…")]
    #[case(Kind::Unreachable, 0, "")]
    fn the_line_says_what_and_how_long_and_which_keys(#[case] kind: Kind, #[case] width: usize, #[case] expected: &str) {
        assert_eq!(line(Failure::new(kind, "refused"), width), expected);
    }

    #[test]
    fn a_long_reason_gives_way_to_the_keys() {
        let text = line(Failure::new(Kind::Unreachable, "x".repeat(500)), 100);
        assert_eq!(text.width(), 100, "{text}");
        assert!(text.contains("xxx…") && text.ends_with("d details"), "{text}");
    }

    #[test]
    fn wide_characters_and_hostile_ones_keep_to_the_line() {
        let text = line(Failure::new(Kind::Unreachable, "日本\x1b[2J\n語".repeat(50)), 100);
        assert!(text.width() <= 100 && text.chars().all(|c| !c.is_control()), "{text:?}");
    }

    #[rstest]
    #[case(80)]
    #[case(60)]
    #[case(40)]
    #[case(30)]
    fn details_say_what_to_do_however_narrow_it_is(#[case] width: usize) {
        let why = Failure::new(Kind::Forbidden, "bob may not get pods").with_kubectl(|| "kubectl --context=prod".to_owned());
        let (down, remedy) = (down(why.clone()), why.remedy());
        let now = Duration::from_secs(3_700);
        let notice = Notice {
            address: "w/qa",
            down: &down,
            next_try: None,
            said: None,
            pod: Some("w-1"),
            remedy: &remedy,
            keys: true,
            now,
        };
        let lines = notice.details(width);
        assert!(lines.iter().all(|line| line.width() <= width), "{lines:#?}");
        let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        for part in ["bob may not get pods", &format!("what to do  {remedy}"), "pod  w-1", "1 h 1 min", "attempts  0"] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn no_word_is_too_long_for_details() {
        assert_eq!(told("why", &"x".repeat(40), 33).concat().matches('x').count(), 40);
        assert!(told("why", &"日".repeat(40), 33).iter().all(|line| line.width() <= 33));
        assert!(told("why", "a b", 5).iter().all(|line| line.width() <= 5));
    }
}
