//! Recording an event: a number that nobody else has, then the event under that number.

use std::thread;
use std::time::{Duration, Instant};

use super::event::Event;
use super::store::{COMPONENT, Counter, Step, Store, Written};
use crate::failure::{Failure, Kind};
use crate::remote::script;

/// How long an answer is waited for that may be lost, before the question is repeated.
const ANSWER: Duration = Duration::from_secs(6);
/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_millis(500);

/// Record an event, and give the number that it got. `open` makes the way to the store.
///
/// # Errors
/// The cluster refused, or did not say; too many others were writing.
pub fn record(open: impl Fn() -> Result<Store, Failure>, event: &Event, deadline: Instant) -> Result<u64, Failure> {
    let mut way = Way { store: open()?, open };
    let (mut pause, mut at_least) = (Pause::default(), 0);
    loop {
        let counter = counter(&way.store, deadline)?;
        let seq = counter.seq.max(at_least) + 1;
        if count(&mut way, &counter.step_to(seq), deadline)? == Written::Conflict {
            pause.take(deadline)?;
            continue;
        }
        let event = event.numbered(seq);
        match way.insist(deadline, |store, until| store.write(&event, until))? {
            Written::Done => return Ok(seq),
            // Somebody has set the counter back.
            Written::Conflict => at_least = highest(&way.store, deadline)?,
        }
    }
}

/// Take a number. When an answer was lost the number may be ours already: else it would be a gap.
fn count(way: &mut Way<impl Fn() -> Result<Store, Failure>>, step: &Step, deadline: Instant) -> Result<Written, Failure> {
    let mut asked_before = false;
    way.insist(deadline, |store, until| match store.take(step, until) {
        Ok(Written::Conflict) if asked_before && store.has_taken(step, until)? => Ok(Written::Done),
        result => {
            asked_before = true;
            result
        }
    })
}

/// The way to the store, which is made anew when nothing comes back on it.
struct Way<Open> {
    store: Store,
    open: Open,
}

impl<Open: Fn() -> Result<Store, Failure>> Way<Open> {
    /// Ask until the store has answered, whatever passing trouble there is. What is asked may be asked twice without harm.
    fn insist<T>(&mut self, deadline: Instant, mut ask: impl FnMut(&Store, Instant) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut pause = Pause::default();
        loop {
            let until = deadline.min(Instant::now() + ANSWER);
            let failure = match ask(&self.store, until) {
                Err(failure) if matches!(failure.kind, Kind::Unreachable | Kind::Incomplete) => failure,
                result => return result,
            };
            let silent = Instant::now() >= until;
            if pause.take(deadline).is_err() {
                return Err(failure);
            }
            if silent {
                self.store = (self.open)()?;
            }
        }
    }
}

/// Read an event that is to be recorded.
///
/// # Errors
/// It is no event, or too long to be read again. It has taken no number then.
pub fn parse(text: &[u8]) -> Result<Event, Failure> {
    let event = Event::parse(text).and_then(|event| event.check_length().map(|()| event));
    event.map_err(|why| Failure::new(Kind::Failed, why))
}

/// The counter; made when it is not there.
///
/// # Errors
/// The cluster refused, or did not say.
pub fn counter(store: &Store, deadline: Instant) -> Result<Counter, Failure> {
    if let Some(counter) = store.counter(deadline)? {
        return Ok(counter);
    }
    store.make_counter(highest(store, deadline)?, deadline)?;
    store.counter(deadline)?.ok_or_else(|| Failure::new(Kind::Failed, "the counter of events was made, and is gone again"))
}

/// The highest number of an event that is there.
///
/// # Errors
/// The cluster did not say.
pub fn highest(store: &Store, deadline: Instant) -> Result<u64, Failure> {
    let (events, _) = store.list(COMPONENT, deadline)?;
    Ok(events.iter().map(Event::seq).max().unwrap_or(0))
}

/// Pauses that grow, of a length that differs from everybody else's.
#[derive(Debug, Default)]
pub struct Pause {
    taken: u32,
}

impl Pause {
    /// Wait a little, longer each time.
    ///
    /// # Errors
    /// It would last beyond the deadline.
    pub fn take(&mut self, deadline: Instant) -> Result<(), Failure> {
        let most = LONGEST.min(Duration::from_millis(10) * 2u32.saturating_pow(self.taken));
        let part = u64::from_str_radix(&script::nonce(), 16).unwrap_or(0) % 1000;
        self.taken += 1;
        let time = most.mul_f64(part as f64 / 1000.0);
        if Instant::now() + time >= deadline {
            let reason = format!("others were faster {} times, until the time was over", self.taken);
            return Err(Failure::new(Kind::Unreachable, reason));
        }
        thread::sleep(time);
        Ok(())
    }
}
