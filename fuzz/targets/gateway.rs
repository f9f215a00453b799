//! What comes through a gateway's socket: the head of an answer, and the frames of an exec until its end.
#![no_main]

use std::io::Write;
use std::os::unix::net::UnixStream;

use fuzz::cluster::gateway::Openings;
use fuzz::cluster::gateway::handshake::{Head, Protocol};
use fuzz::cluster::gateway::session::Session;
use fuzz::process::Request;
use fuzz::replay::{assert_sayable, deadline};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(Some(head)) = Head::of(data) {
        assert!(head.length <= data.len());
        let _ = head.protocol("dGhlIHNhbXBsZSBub25jZQ==");
    }
    let (here, mut there) = UnixStream::pair().expect("a pair of sockets");
    there.write_all(data).expect("room for it");
    drop(there);
    let request = Request { argv: &[], stdin: b"", reads_to_end: false, deadline: deadline() };
    let session = Session::new(here, Protocol::V5, b"", request, Openings::one()).expect("a session");
    match session.run() {
        Ok(output) => assert!(output.stdout.len() <= data.len()),
        Err(failure) => assert_sayable(&failure.reason),
    }
});
