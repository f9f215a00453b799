//! How many execs are opened at the same time. A node starts each with processes of its own: 32 at once in one container took
//! twenty seconds where 16 took half a one, and more than eight in a cluster gain nothing. Those that have answered once do
//! not count.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Of one cluster, and of one container.
const IN_A_CLUSTER: usize = 8;
const IN_A_CONTAINER: usize = 4;
/// Who has waited for so long goes: those who are before it do not answer at all, and its own time runs.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many execs of a cluster are being opened.
#[derive(Debug, Default)]
pub struct Openings {
    under_way: Mutex<UnderWay>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct UnderWay {
    all: usize,
    of_each: HashMap<String, usize>,
}

/// One that is.
#[derive(Debug)]
#[must_use = "it counts until it is dropped"]
pub struct Opening {
    openings: Arc<Openings>,
    container: String,
}

impl Openings {
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// One that waits for nobody.
    pub fn one() -> Opening {
        Arc::<Self>::default().begin(String::new())
    }

    /// Wait until one more may be opened in this container.
    pub fn begin(self: &Arc<Self>, container: String) -> Opening {
        let end = Instant::now() + PATIENCE;
        let mut under_way = self.lock();
        while !under_way.has_room(&container) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            under_way = self.changed.wait_timeout(under_way, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        under_way.all += 1;
        *under_way.of_each.entry(container.clone()).or_default() += 1;
        drop(under_way);
        Opening { openings: Arc::clone(self), container }
    }
}

impl UnderWay {
    fn has_room(&self, container: &str) -> bool {
        self.all < IN_A_CLUSTER && self.of_each.get(container).is_none_or(|&count| count < IN_A_CONTAINER)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let mut under_way = self.openings.lock();
        under_way.all -= 1;
        if let Some(count) = under_way.of_each.get_mut(&self.container) {
            *count -= 1;
        }
        drop(under_way);
        self.openings.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;

    use super::*;

    /// Begin another one beside those that there are; what tells that it has begun.
    fn begun(openings: &Arc<Openings>, container: &str) -> std::sync::mpsc::Receiver<Opening> {
        let (tell, told) = channel();
        let (openings, container) = (Arc::clone(openings), container.to_owned());
        thread::spawn(move || tell.send(openings.begin(container)));
        told
    }

    #[test]
    fn so_many_are_opened_and_the_next_when_one_is_open() {
        let openings = Arc::<Openings>::default();
        let mut here: Vec<_> = (0..IN_A_CONTAINER).map(|_| openings.begin("one".to_owned())).collect();
        let fifth = begun(&openings, "one");
        assert_eq!(fifth.recv_timeout(Duration::from_millis(100)).unwrap_err(), RecvTimeoutError::Timeout);
        let mut others: Vec<_> = (0..IN_A_CLUSTER - IN_A_CONTAINER).map(|at| openings.begin(format!("two {at}"))).collect();
        let ninth = begun(&openings, "three");
        assert_eq!(ninth.recv_timeout(Duration::from_millis(100)).unwrap_err(), RecvTimeoutError::Timeout);
        drop(others.pop());
        let ninth = ninth.recv().unwrap();
        drop(here.pop());
        let _fifth = fifth.recv().unwrap();
        drop(ninth);
        // Nobody waits for ever for what does not answer.
        let began = Instant::now();
        let _more = openings.begin("one".to_owned());
        assert!(began.elapsed() >= PATIENCE, "{:?}", began.elapsed());
    }
}
