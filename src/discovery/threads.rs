//! Many questions on few threads.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Do `work` for each of `0..count` on at most `limit` threads. They are begun in this order: what waits for an earlier one is never
/// waited for by that.
pub fn each(count: usize, limit: NonZeroUsize, work: impl Fn(usize) + Send + Sync + 'static) {
    let (work, next) = (Arc::new(work), Arc::new(AtomicUsize::new(0)));
    for _ in 0..limit.get().min(count) {
        let (work, next) = (work.clone(), next.clone());
        thread::spawn(move || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= count {
                    return;
                }
                work(place);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::mpsc;

    #[test]
    fn everything_is_done_once_on_few_threads() {
        let (sender, done) = mpsc::channel();
        each(1000, NonZeroUsize::new(3).unwrap(), move |place| sender.send((place, thread::current().id())).unwrap());
        let done: Vec<_> = done.into_iter().collect();
        assert_eq!(done.iter().map(|(place, _)| *place).collect::<HashSet<_>>(), (0..1000).collect());
        assert!(done.iter().map(|(_, thread)| *thread).collect::<HashSet<_>>().len() <= 3);
        assert_eq!(done.len(), 1000);
    }

    #[test]
    fn who_waits_for_an_earlier_one_is_not_in_its_way() {
        let (sender, done) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let (go, wait) = (std::sync::Mutex::new(go), std::sync::Mutex::new(wait));
        each(2, NonZeroUsize::new(1).unwrap(), move |place| {
            match place {
                0 => go.lock().unwrap().send(()).unwrap(),
                _ => wait.lock().unwrap().recv().unwrap(),
            }
            sender.send(place).unwrap();
        });
        assert_eq!(done.into_iter().collect::<Vec<_>>(), [0, 1]);
    }
}
