//! Many jobs at the same time, their results in the order of the jobs.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;

/// Something to do on a thread of its own.
pub type Job<T> = Box<dyn FnOnce() -> T + Send>;

/// Run all jobs, at most `parallel` at a time. Each result comes as soon as it and those before it are there.
pub fn run<T: Send + 'static>(jobs: Vec<Job<T>>, parallel: NonZeroUsize) -> impl Iterator<Item = T> {
    let (sender, results) = mpsc::channel();
    let threads = parallel.get().min(jobs.len());
    let jobs = Arc::new(Mutex::new(jobs.into_iter().enumerate()));
    for _ in 0..threads {
        let (sender, jobs) = (sender.clone(), jobs.clone());
        thread::spawn(move || {
            let next = || jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
            while let Some((place, job)) = next() {
                if sender.send((place, job())).is_err() {
                    return;
                }
            }
        });
    }
    InOrder { results, early: HashMap::new(), next: 0 }
}

struct InOrder<T> {
    results: Receiver<(usize, T)>,
    /// Results whose turn has not come.
    early: HashMap<usize, T>,
    next: usize,
}

impl<T> Iterator for InOrder<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(result) = self.early.remove(&self.next) {
                self.next += 1;
                return Some(result);
            }
            let (place, result) = self.results.recv().ok()?;
            self.early.insert(place, result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let (go, wait) = mpsc::channel::<()>();
        let slow: Job<u32> = Box::new(move || wait.recv().map_or(0, |()| 1));
        let fast: Job<u32> = Box::new(move || go.send(()).map_or(0, |()| 2));
        let results: Vec<u32> = run(vec![slow, fast], NonZeroUsize::new(2).unwrap()).collect();
        assert_eq!(results, [1, 2]);
    }

    #[test]
    fn without_jobs_there_are_no_results() {
        assert_eq!(run(Vec::<Job<u32>>::new(), NonZeroUsize::MIN).count(), 0);
    }
}
