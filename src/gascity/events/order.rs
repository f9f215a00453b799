//! Events in the order of their numbers, each once.
//!
//! Writers take their numbers one after the other, but what they write may arrive the other way round. A reader that goes on
//! from the latest number it saw would never see the smaller one, so that the larger one waits for it, a little.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::event::Event;

/// How long an event waits for those before it. Their writers may have died.
pub const PATIENCE: Duration = Duration::from_millis(700);

#[derive(Debug)]
pub struct Order {
    /// Events up to this one are not wanted.
    after: u64,
    /// The number that comes next if there is no gap.
    next: u64,
    held: BTreeMap<u64, (Instant, Event)>,
    given: BTreeSet<u64>,
}

impl Order {
    pub fn after(seq: u64) -> Self {
        Self { after: seq, next: seq.saturating_add(1), held: BTreeMap::new(), given: BTreeSet::new() }
    }

    /// Everything up to this number was written before anybody watched: it is not waited for.
    pub fn expect_none_up_to(&mut self, seq: u64) {
        self.next = self.next.max(seq.saturating_add(1));
    }

    /// Whether there may be an event of this number that nobody has told us of.
    pub fn lacks(&self, seq: u64) -> bool {
        seq >= self.next && self.held.is_empty()
    }

    /// All that there is now; what is not among it can never come again.
    pub fn these_are_left(&mut self, events: &[Event]) {
        let there: BTreeSet<u64> = events.iter().map(Event::seq).collect();
        self.given.retain(|seq| there.contains(seq));
    }

    /// Take an event in, unless it is not wanted, or known.
    pub fn take(&mut self, event: Event, now: Instant) {
        let seq = event.seq();
        if seq > self.after && !self.given.contains(&seq) {
            self.held.entry(seq).or_insert((now, event));
        }
    }

    /// The next event that may be given.
    pub fn give(&mut self, now: Instant) -> Option<Event> {
        let (&seq, (since, _)) = self.held.first_key_value()?;
        if seq > self.next && now.saturating_duration_since(*since) < PATIENCE {
            return None;
        }
        self.next = self.next.max(seq.saturating_add(1));
        self.given.insert(seq);
        self.held.pop_first().map(|(_, (_, event))| event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(seq: u64) -> Event {
        Event::parse(br#"{"type":"a"}"#).unwrap().numbered(seq)
    }

    fn given(order: &mut Order, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| order.give(now)).map(|event| event.seq()).collect()
    }

    #[test]
    fn a_larger_number_waits_for_a_smaller_one_but_not_for_ever() {
        let (mut order, now) = (Order::after(4), Instant::now());
        [6, 5, 8, 4, 5].into_iter().for_each(|seq| order.take(event(seq), now));
        assert_eq!(given(&mut order, now), [5, 6]);
        assert_eq!(given(&mut order, now + PATIENCE), [8]);
        // Its writer was only slow.
        order.take(event(7), now + PATIENCE);
        assert_eq!(given(&mut order, now + PATIENCE), [7]);
    }

    #[test]
    fn a_number_that_was_counted_and_not_seen_is_lacking() {
        let (mut order, now) = (Order::after(0), Instant::now());
        order.expect_none_up_to(4);
        assert!(!order.lacks(4) && order.lacks(5));
        order.take(event(5), now);
        assert_eq!((given(&mut order, now), order.lacks(5), order.lacks(6)), (vec![5], false, true));
    }

    #[test]
    fn what_was_there_before_is_not_waited_for() {
        let (mut order, now) = (Order::after(0), Instant::now());
        order.expect_none_up_to(10);
        order.take(event(9), now);
        order.take(event(11), now);
        assert_eq!(given(&mut order, now), [9, 11]);
    }

    proptest! {
        #[test]
        fn each_is_given_once(seqs in prop::collection::vec(0..30u64, 0..60), after in 0..10u64) {
            let (mut order, begin) = (Order::after(after), Instant::now());
            let mut all = Vec::new();
            for (step, &seq) in seqs.iter().enumerate() {
                let now = begin + Duration::from_millis(100) * step as u32;
                order.take(event(seq), now);
                all.extend(given(&mut order, now));
            }
            all.extend(given(&mut order, begin + Duration::from_secs(60)));
            all.sort_unstable();
            let wanted: Vec<u64> = seqs.iter().copied().filter(|&seq| seq > after).collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(all, wanted);
        }
    }
}
