//! What an API server says to a watch, from the first byte of its answer to the end.
#![no_main]

use std::cell::RefCell;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use fuzz::cluster::gateway::arriving::{Arriving, Way};
use fuzz::cluster::gateway::watch::{Following, Over, Told, Which};
use fuzz::failure::Failure;
use fuzz::replay::{assert_sayable, deadline};
use libfuzzer_sys::fuzz_target;

/// Answers this, and keeps its end of each connection.
struct Served<'a>(&'a [u8], RefCell<Vec<UnixStream>>);

impl Way for Served<'_> {
    fn begin(&self, path: &str, accept: &str, _: Instant) -> Result<Arriving, Failure> {
        let (here, mut there) = UnixStream::pair().expect("a pair of sockets");
        there.write_all(self.0).expect("room for it");
        there.shutdown(Shutdown::Write).expect("an end");
        self.1.borrow_mut().push(there);
        Ok(Arriving::of(here, path, accept, None).expect("a connection"))
    }

    fn explained(&self, failure: Failure) -> Failure {
        failure
    }
}

fuzz_target!(|data: &[u8]| {
    let way = Served(data, RefCell::default());
    let which = Which { path: "/api/v1/namespaces/n/pods", selector: "", version: "1", lasts: 600 };
    let mut following = Following::begin(&way, which, deadline()).expect("a watch");
    loop {
        match following.next(&way, deadline()) {
            Ok(Told::Change(_)) => {}
            Ok(Told::Over(Over::Failed(failure))) | Err(failure) => return assert_sayable(&failure.reason),
            Ok(Told::Over(_)) => return,
            Ok(Told::Nothing) => panic!("it ends"),
        }
    }
});
