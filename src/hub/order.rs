//! What a worker tells by itself and what it answers when it is asked come in different ways, and it tells only what has changed since
//! it told last. So an answer that is older than what was told meanwhile must not take its place; and of what was only in an answer,
//! the worker does not know that it has to say it is over.

use std::sync::{Mutex, MutexGuard};

use super::lock::lock;

/// The order in which things of one worker are taken in.
#[derive(Debug, Default)]
pub struct Order(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How often it has told something.
    told: u64,
    /// How many answers were taken in.
    answers: u64,
    /// So many of them it has come after, or agreed to.
    settled: u64,
    /// It has said that all is as it told last, and by then there were so many answers. It may have looked before the last of them.
    same: Option<u64>,
}

impl Order {
    /// This moment, for a question that is asked now.
    pub fn now(&self) -> u64 {
        self.lock().told
    }

    /// Take in what it tells by itself.
    pub fn told<T>(&self, take: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        *state = State { told: state.told + 1, settled: state.answers, same: None, ..*state };
        take()
    }

    /// Take in the answer to a question of that moment; false, and it is not taken, when something was told since then.
    pub fn answered(&self, asked: u64, take: impl FnOnce()) -> bool {
        let mut state = self.lock();
        let is_newest = state.told == asked;
        if is_newest {
            state.answers += 1;
            take();
        }
        is_newest
    }

    /// It says that all is as it told last; whether that is not what an answer made of it, and has to be taken in once more.
    pub fn is_otherwise(&self) -> bool {
        let mut state = self.lock();
        let answers = state.answers;
        if state.settled == answers {
            return false;
        }
        let is_sure = state.same.replace(answers) == Some(answers);
        if is_sure {
            state.settled = answers;
        }
        is_sure
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_answer_takes_no_place_of_what_was_told_after_the_question() {
        let (order, known) = (Order::default(), Cell::new("nothing"));
        let asked = order.now();
        order.told(|| known.set("told"));
        assert!(!order.answered(asked, || known.set("answered")));
        assert_eq!(known.get(), "told");
        assert!(order.answered(order.now(), || known.set("answered")));
        assert_eq!(known.get(), "answered");
    }

    #[test]
    fn what_was_only_in_an_answer_is_over_when_the_worker_has_looked_after_it() {
        let order = Order::default();
        order.told(|| {});
        assert!(!order.is_otherwise());
        order.answered(order.now(), || {});
        // It may have looked before that.
        assert!(!order.is_otherwise());
        order.answered(order.now(), || {});
        assert!(!order.is_otherwise());
        assert!(order.is_otherwise());
        assert!(!order.is_otherwise() && !order.is_otherwise());
        // What it tells comes after all answers.
        order.answered(order.now(), || {});
        order.told(|| {});
        assert!(!order.is_otherwise() && !order.is_otherwise());
    }
}
