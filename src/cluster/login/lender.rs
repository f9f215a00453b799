//! Whose the terminal is on which a login plugin may ask: of somebody who uses it as long as nothing is asked. A view that is
//! down hears its operator's keys, and draws.

use std::cell::RefCell;

/// Somebody who has a terminal, and lends it.
pub trait Lender {
    /// Let go of it, before a kubectl starts that may ask; false when nobody waits for the answer any more.
    fn lend(&mut self) -> bool;
    /// Show what is said on the way to an answer, as it comes.
    fn say(&mut self, text: &[u8]);
    /// Nobody asks any more.
    fn take_back(&mut self);
}

thread_local! {
    static LENDER: RefCell<Option<Box<dyn Lender>>> = const { RefCell::new(None) };
}

/// Whatever this thread asks from now on borrows the terminal there.
pub fn borrow_from(lender: impl Lender + 'static) {
    LENDER.set(Some(Box::new(lender)));
}

/// Do something with this thread's lender; `None` where the terminal is nobody's.
pub fn with<T>(act: impl FnOnce(&mut (dyn Lender + 'static)) -> T) -> Option<T> {
    LENDER.with_borrow_mut(|lender| lender.as_deref_mut().map(act))
}

pub fn is_there() -> bool {
    LENDER.with_borrow(Option::is_some)
}
