//! A worker that is asked through the hub, and by itself where the hub does not lead there.

use std::sync::{Arc, Mutex, MutexGuard};

use super::client::{Hub, NoHub};
use super::lock::lock;
use crate::failure::Failure;
use crate::process::{Output, Request};
use crate::registry::names::WorkerName;
use crate::registry::worker::Worker;
use crate::remote::exec::Exec;
use crate::remote::list_all::Via;

/// Its way.
pub struct Hubbed {
    hub: Arc<Hub>,
    worker: WorkerName,
    exec: Box<dyn Exec>,
    /// What the hub ran last was run in this pod, where there are pods; `None` when it has not run what was run last.
    ran: Mutex<Option<Option<String>>>,
}

impl Hubbed {
    pub fn new(hub: Arc<Hub>, worker: &Worker, exec: Box<dyn Exec>) -> Self {
        Self { hub, worker: worker.name.clone(), exec, ran: Mutex::default() }
    }

    fn ran(&self) -> MutexGuard<'_, Option<Option<String>>> {
        lock(&self.ran)
    }
}

impl Exec for Hubbed {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        match self.hub.run(&self.worker, self.exec.place(), request) {
            // It has tried, and nothing has run either.
            Ok(Err(failure)) if failure.before_start => {
                *self.ran() = None;
                self.exec.run(request)
            }
            Ok(answer) => {
                *self.ran() = Some(answer.as_ref().ok().and_then(|(_, pod)| pod.clone()));
                answer.map(|(output, _)| output)
            }
            // It has not taken it, so nothing has run.
            Err(why) => {
                *self.ran() = None;
                let answer = self.exec.run(request);
                if answer.is_ok() && matches!(why, NoHub::Direct(_)) {
                    self.hub.tell_answer(&self.worker, self.exec.place());
                }
                answer
            }
        }
    }

    fn via(&self) -> Via {
        if self.ran().is_some() { Via::Hub } else { Via::Direct }
    }

    fn beneath(&self) -> Option<&dyn Exec> {
        Some(self.exec.as_ref())
    }

    fn pod(&self) -> Option<String> {
        let ran = self.ran().clone();
        ran.flatten().or_else(|| self.exec.pod())
    }
}
