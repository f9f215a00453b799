//! Gas City's events in ConfigMaps: one for each event, and one that counts them. The layout is that of Gas City's own
//! script, so that both can write and read one store at the same time.

mod event;
mod filter;
mod json;
mod order;
mod record;
mod store;
mod watch;

pub use filter::Filter;
pub use record::{parse, record};
pub use store::Store;
pub use watch::watch;

use std::time::{Duration, Instant};

use crate::failure::Failure;
use event::Event;

/// Gas City kills an operation after 30 s; this is earlier, so that the reason can still be told.
const PATIENCE: Duration = Duration::from_secs(25);
const _: () = assert!(PATIENCE.as_secs() < 30);

/// When an operation that begins now has to be done.
pub fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// See to it that events can be recorded.
///
/// # Errors
/// The counter is not there and cannot be made, or the cluster did not say.
pub fn ensure(store: &Store, deadline: Instant) -> Result<(), Failure> {
    record::counter(store, deadline).map(drop)
}

/// The number of the latest event, 0 without any.
///
/// # Errors
/// The cluster did not say.
pub fn latest(store: &Store, deadline: Instant) -> Result<u64, Failure> {
    match store.counter(deadline)? {
        Some(counter) => Ok(counter.seq),
        None => record::highest(store, deadline),
    }
}

/// The events that pass the filter as a JSON array, by their numbers.
///
/// # Errors
/// The cluster did not say.
pub fn list(store: &Store, filter: &Filter, deadline: Instant) -> Result<String, Failure> {
    let (mut events, _) = store.list(&filter.selector(), deadline)?;
    events.retain(|event| filter.passes(event));
    events.sort_by_key(Event::seq);
    let lines: Vec<_> = events.iter().map(Event::line).collect();
    Ok(format!("[{}]", lines.join(",")))
}
