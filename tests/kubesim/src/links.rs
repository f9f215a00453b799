//! The connections of execs that are open, so that a test can break them at any moment.

use std::sync::{Mutex, MutexGuard};

use crate::faults::Fault;
use crate::outgoing::Outgoing;

#[derive(Debug, Default)]
pub struct Links(Mutex<Vec<(String, Outgoing)>>);

impl Links {
    fn open(&self) -> MutexGuard<'_, Vec<(String, Outgoing)>> {
        let mut links = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        links.retain(|(_, outgoing)| outgoing.is_open());
        links
    }

    /// A connection to this pod has begun.
    pub fn add(&self, pod: &str, outgoing: &Outgoing) {
        self.open().push((pod.to_owned(), outgoing.clone()));
    }

    /// Break all to pods whose names begin so, and say how many these are.
    pub fn break_all(&self, pods: &str, fault: &Fault) -> usize {
        let links: Vec<Outgoing> =
            self.open().iter().filter(|(pod, _)| pod.starts_with(pods)).map(|(_, outgoing)| outgoing.clone()).collect();
        links.iter().for_each(|outgoing| outgoing.break_now(fault));
        links.len()
    }
}
