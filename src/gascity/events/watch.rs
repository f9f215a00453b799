//! Events as they are recorded, for ever: the list first, then what changes, and when that ends the list again.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::value::RawValue;

use super::event::Event;
use super::order::Order;
use super::record::Pause;
use super::store::{self, COMPONENT, Store};
use crate::cluster::gateway::watch::{Change, Told};
use crate::failure::{Failure, Kind};
use crate::terminal::{self, neutralise};

/// How long one watch lasts, in seconds: a connection that died without a word is noticed then.
const LASTS: u64 = 120;
/// How long one list may take.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long the cluster may be away before whoever watches is told.
const OUTAGE: Duration = Duration::from_secs(60);
/// A watch that says nothing for so long may be one that nothing comes through any more: the counter knows whether there was anything.
const QUIET: Duration = Duration::from_secs(10);
/// How long the counter may take to say so.
const ANSWER: Duration = Duration::from_secs(6);
/// How often it is looked whether an event may be given, and whether anybody still reads.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Write each event after `after` as a line to `out`, once, until nobody reads any more. `open` makes the way to the store.
///
/// # Errors
/// The cluster did not say at the beginning, or not for a minute, or refuses; or writing failed.
pub fn watch(open: impl Fn() -> Result<Store, Failure>, after: u64, out: &mut (impl Write + AsFd)) -> anyhow::Result<()> {
    let mut order = Order::after(after);
    let mut store = open()?;
    let mut version = catch_up(&store, &mut order)?;
    loop {
        give(&mut order, out)?;
        let kept = match follow(&store, &version, &mut order, out)? {
            Ok(()) => Some(store),
            Err(failure) => {
                tell(&failure);
                None
            }
        };
        (store, version) = come_back(&open, kept, &mut order, out)?;
    }
}

/// Take in what there is; gives the version after which to watch.
fn catch_up(store: &Store, order: &mut Order) -> Result<String, Failure> {
    let deadline = Instant::now() + PATIENCE;
    // Read before the list, so that an event between the two is waited for rather than passed over.
    let counted = store.counter(deadline)?.map_or(0, |counter| counter.seq);
    let (events, version) = store.list(COMPONENT, deadline)?;
    order.these_are_left(&events);
    order.expect_none_up_to(counted);
    events.into_iter().for_each(|event| order.take(event, Instant::now()));
    Ok(version)
}

/// The list again after a watch has ended, with a new kubectl when there is none that answers.
fn come_back(
    open: &impl Fn() -> Result<Store, Failure>,
    mut store: Option<Store>,
    order: &mut Order,
    out: &mut (impl Write + AsFd),
) -> anyhow::Result<(Store, String)> {
    let end = Instant::now() + OUTAGE;
    let mut pause = Pause::default();
    loop {
        let tried = match store.take() {
            Some(store) => Ok(store),
            None => open(),
        };
        let failure = match tried.and_then(|store| catch_up(&store, order).map(|version| (store, version))) {
            Ok(back) => return Ok(back),
            Err(failure) => failure,
        };
        give(order, out)?;
        if matches!(failure.kind, Kind::Forbidden | Kind::Unauthorized) || pause.take(end).is_err() {
            return Err(failure.into());
        }
    }
}

/// Watch until the server ends it. Trouble with the server is the inner result, trouble with the reader the outer one.
fn follow(store: &Store, version: &str, order: &mut Order, out: &mut (impl Write + AsFd)) -> io::Result<Result<(), Failure>> {
    let mut following = match store.watch(version, LASTS, Instant::now() + QUIET) {
        Ok(following) => following,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut heard = Instant::now();
    loop {
        match store.told(&mut following, Instant::now() + LOOK_EVERY) {
            Ok(Told::Change(change)) => {
                heard = Instant::now();
                if let Change::There(object) = change
                    && let Some(event) = event(&object)
                {
                    order.take(event, heard);
                }
            }
            // The list says what there is, whyever it is over.
            Ok(Told::Over(_)) => return Ok(Ok(())),
            Ok(Told::Nothing) if heard.elapsed() > QUIET => {
                let counted = store.counter(Instant::now() + ANSWER).map(|counter| counter.map_or(0, |counter| counter.seq));
                match counted {
                    Ok(seq) if order.lacks(seq) => return Ok(Ok(())),
                    Ok(_) => heard = Instant::now(),
                    Err(failure) => return Ok(Err(failure)),
                }
            }
            Ok(Told::Nothing) => {}
            Err(failure) => return Ok(Err(failure)),
        }
        give(order, out)?;
    }
}

fn event(object: &RawValue) -> Option<Event> {
    store::event_of(&serde_json::from_str(object.get()).unwrap_or_default())
}

/// Write the events whose turn it is.
///
/// # Errors
/// Nobody reads them.
fn give(order: &mut Order, out: &mut (impl Write + AsFd)) -> io::Result<()> {
    let mut some = false;
    while let Some(event) = order.give(Instant::now()) {
        writeln!(out, "{}", readable(event).line())?;
        some = true;
    }
    if some {
        return out.flush();
    }
    let mut reader = [PollFd::new(out.as_fd(), PollFlags::empty())];
    let gone = poll(&mut reader, PollTimeout::ZERO).is_ok_and(|count| count > 0)
        && reader[0].revents().is_some_and(|seen| seen.intersects(PollFlags::POLLERR | PollFlags::POLLHUP));
    if gone { Err(ErrorKind::BrokenPipe.into()) } else { Ok(()) }
}

/// An event that another writer made too long to be read would end the watch: it comes without what makes it long.
fn readable(event: Event) -> Event {
    match event.check_length() {
        Ok(()) => event,
        Err(why) => {
            terminal::note(&format!("factory-worker: event {} is shortened: {why}", event.seq()));
            event.shortened()
        }
    }
}

fn tell(failure: &Failure) {
    terminal::note(&neutralise::line(&format!("factory-worker: watching again: {failure}")));
}
