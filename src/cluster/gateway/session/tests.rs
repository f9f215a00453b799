//! Servers that do not behave: what they say is an answer, or a failure, and never takes more room or time than it may.

use std::io::{Read, Write};
use std::thread;

use rstest::rstest;

use super::*;
use crate::cluster::gateway::frames::plain as frame;
use crate::failure::Kind;

const SUCCESS: &[u8] = b"\x03{\"status\":\"Success\"}";

fn message(payload: &[u8]) -> Vec<u8> {
    frame(0x82, payload)
}

fn close(code: u16) -> Vec<u8> {
    frame(0x88, &code.to_be_bytes())
}

/// What a session makes of a server that says this, and then keeps the connection, or ends it.
fn told(said: &[Vec<u8>], ends: bool, time: Duration) -> Result<Output, Failure> {
    let (here, mut there) = UnixStream::pair().unwrap();
    let said = said.concat();
    let server = thread::spawn(move || {
        // Who has heard enough does not listen to the end.
        let _ = there.write_all(&said);
        let mut kept = Vec::new();
        if !ends {
            let _ = there.read_to_end(&mut kept);
        }
    });
    let request = Request { argv: &[], stdin: b"", reads_to_end: false, deadline: Instant::now() + time };
    let result = Session::new(here, Protocol::V5, b"", request, super::super::Openings::one()).unwrap().run();
    server.join().unwrap();
    result
}

const LONG: Duration = Duration::from_secs(60);

#[rstest]
#[case::in_one_piece(&[message(b"\x01hello"), message(b"\x02no"), message(SUCCESS), close(1000)])]
#[case::in_pieces(&[frame(0x02, b"\x01he"), frame(0x89, b"?"), frame(0x00, b"l"), frame(0x80, b"lo"), message(b"\x02no"), frame(0x02, b"\x03{\"status\":"), frame(0x80, b"\"Success\"}"), close(1000)])]
#[case::with_empty_messages_first(&[message(b"\x01"), message(b"\x02"), message(b"\x03"), message(b"\x01hello"), message(b"\x02no"), message(SUCCESS), close(1000)])]
#[case::with_the_status_too_early(&[message(SUCCESS), message(b"\x01hello"), message(b"\x02no"), close(1000)])]
#[case::without_a_farewell(&[message(b"\x01hello"), message(b"\x02no"), message(SUCCESS)])]
fn an_answer_is_an_answer_however_it_is_sent(#[case] said: &[Vec<u8>], #[values(false, true)] ends: bool) {
    let output = told(said, ends, LONG).unwrap();
    assert_eq!((output.status, output.stdout.as_slice(), output.stderr.as_slice()), (0, &b"hello"[..], &b"no"[..]));
}

#[rstest]
#[case::nothing(&[], Kind::Unreachable)]
#[case::a_good_end_too_early(&[message(b"\x01hello"), close(1000)], Kind::Incomplete)]
#[case::a_bad_end(&[message(b"\x01hello"), close(1011)], Kind::Unreachable)]
#[case::half_a_frame(&[message(b"\x01hello"), vec![0x82, 5, 3]], Kind::Unreachable)]
#[case::half_a_status(&[message(b"\x01hello"), message(b"\x03{\"status\":\"Suc")], Kind::Incomplete)]
#[case::a_status_that_says_nothing(&[message(b"\x03{\"status\":\"Perhaps\"}")], Kind::Incomplete)]
#[case::a_status_without_an_end(&[frame(0x02, b"\x03"), frame(0x00, &[b' '; 70_000])], Kind::Incomplete)]
#[case::another_stream(&[message(b"\x07hello"), message(SUCCESS)], Kind::Incomplete)]
#[case::no_frame(&[b"HTTP/1.1 200 OK\r\n\r\n".to_vec()], Kind::Incomplete)]
#[case::too_much(&[message(&[1; 3 << 20]), message(&[1; 3 << 20])], Kind::Incomplete)]
#[case::too_much_at_once(&[message(&vec![1; 5 << 20])], Kind::Incomplete)]
fn what_is_none_is_a_failure_of_which_nobody_knows(#[case] said: &[Vec<u8>], #[case] kind: Kind) {
    let failure = told(said, true, LONG).unwrap_err();
    assert_eq!((failure.kind, failure.before_start), (kind, false), "{failure:?}");
    assert!(!failure.reason.contains(char::is_control), "{failure:?}");
}

#[test]
fn a_status_is_told_without_control_characters() {
    let said = message(b"\x03{\"status\":\"Failure\",\"message\":\"\\u001b]0;pwned\\u0007\"}");
    let failure = told(&[said], true, LONG).unwrap_err();
    assert!(!failure.reason.contains(char::is_control), "{failure:?}");
}

#[test]
fn a_server_that_only_pings_is_waited_for_until_the_deadline_and_not_fed_for_ever() {
    let pings = vec![frame(0x89, &[b'?'; 125]); 50_000];
    let failure = told(&pings, false, Duration::from_millis(500)).unwrap_err();
    assert!(failure.late, "{failure:?}");
}

#[test]
fn standard_error_is_cut_and_no_failure() {
    let said = [vec![message(&[2; 32 * 1024]); 10], vec![message(SUCCESS), close(1000)]].concat();
    let output = told(&said, true, LONG).unwrap();
    assert_eq!((output.status, output.stderr.len()), (0, 64 * 1024));
}

/// It is the connection that has room for some of it, and nobody takes the rest.
#[test]
fn input_that_nobody_reads_keeps_no_answer_from_coming() {
    let (here, mut there) = UnixStream::pair().unwrap();
    let server = thread::spawn(move || {
        there.write_all(&[message(b"\x01done"), message(SUCCESS), close(1000)].concat()).unwrap();
        there
    });
    let input = vec![b'x'; 3 << 20];
    let request = Request { argv: &[], stdin: &input, reads_to_end: true, deadline: Instant::now() + LONG };
    let output = Session::new(here, Protocol::V5, b"", request, super::super::Openings::one()).unwrap().run().unwrap();
    assert_eq!((output.status, output.stdout.as_slice()), (0, &b"done"[..]));
    drop(server.join().unwrap());
}
