//! What a signal does to us: end what we started, leave the terminal usable, exit 130.

use std::thread;

use nix::sys::signal::{SigSet, Signal};

use crate::exit::Code;
use crate::process;

/// From now on SIGINT, SIGTERM and SIGHUP end every process group we started, then us. Call before any thread starts.
///
/// kubectl runs in a process group of its own, so a Ctrl-C on the terminal would otherwise leave it behind.
pub fn end_children_when_interrupted() {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        set.add(signal);
    }
    if set.thread_block().is_err() {
        return;
    }
    thread::spawn(move || {
        if set.wait().is_ok() {
            process::kill_all();
            crate::terminal::restore();
            std::process::exit(Code::Interrupted as i32);
        }
    });
}
