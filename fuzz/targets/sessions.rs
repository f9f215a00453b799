//! The answer to a listing: sessions, panes, and the queue's JSON.
#![no_main]

use std::time::Duration;

use fuzz::registry::document;
use fuzz::registry::worker::Worker;
use fuzz::remote::list::{self, Question};
use fuzz::remote::session::Queue;
use fuzz::replay;
use libfuzzer_sys::fuzz_target;

/// It has a queue command.
fn worker() -> Worker {
    let yaml = b"workers: [{name: w, local: /nowhere}]";
    document::read("/workers.yaml".as_ref(), yaml).expect("a registry").workers.remove(0)
}

fuzz_target!(|data: &[u8]| {
    let question = Question { timeout: Duration::from_secs(600), parallel: std::num::NonZeroUsize::MIN, queue: true };
    match list::one(&replay::remote(data), &worker(), question) {
        Ok(answer) => {
            for session in &answer.sessions {
                replay::assert_sayable(session.name.as_str());
                assert!(session.id.as_ref().is_some_and(|id| id.as_str().starts_with('$')));
                session.state(Duration::from_secs(60)).word();
            }
            answer.queue.summary();
            if let Queue::Failed(reason) = &answer.queue {
                replay::assert_sayable(reason);
            }
        }
        Err(failure) => replay::assert_sayable(&failure.reason),
    }
});
