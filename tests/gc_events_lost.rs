//! Gas City's events behind connections that lose answers, or say nothing any more: no event twice, none lost, no gap.

#[path = "gascity/city.rs"]
mod city;
#[path = "gascity/events.rs"]
mod events;
mod support;

use std::thread;
use std::time::Duration;

use city::City;
use events::{EVERYTHING, PROVIDER, seqs, seqs_of};
use kubesim::{Fault, requests_for, watches};
use rstest::rstest;
use serde_json::json;
use support::{Ran, eventually};

/// The connection breaks when the request has been done.
fn done_and_cut() -> Fault {
    Fault::cut_after(Duration::ZERO)
}

/// The connection stays when the request has been done, and nothing comes back.
fn done_and_frozen() -> Fault {
    Fault::freeze_after(Duration::ZERO)
}

/// Which request of a record: it reads the counter, sets it, and writes the event.
const SETS_THE_COUNTER: u32 = 1;
const WRITES_THE_EVENT: u32 = 2;

#[rstest]
fn an_answer_that_is_lost_makes_no_gap_and_no_second_event(
    #[values(SETS_THE_COUNTER, WRITES_THE_EVENT)] which: u32,
    #[values(done_and_cut(), done_and_frozen(), Fault::HangUp, Fault::Silence)] fault: Fault,
) {
    let city = City::new();
    city.record("a", "first");
    city.cluster.when(requests_for("configmaps").passing(which).once()).then(fault);
    city.record("a", "lost");
    city.record("a", "last");
    let events = city.list(EVERYTHING);
    let actors: Vec<_> = events.iter().map(|event| event["actor"].as_str().unwrap()).collect();
    assert_eq!((seqs(&events), actors, city.latest()), (vec![1, 2, 3], vec!["first", "lost", "last"], 3));
    city.assert_nothing_left();
}

#[test]
fn a_number_whose_answer_is_lost_stays_ours_while_others_count() {
    let city = City::new();
    city.record("a", "first");
    city.cluster.forget_calls();
    city.cluster.when(requests_for("configmaps").passing(SETS_THE_COUNTER).once()).then(done_and_frozen());
    thread::scope(|scope| {
        scope.spawn(|| city.record("a", "lost"));
        eventually("the counter to be set", || (city.cluster.calls().about_objects().len() == 2).then_some(()));
        city.record("a", "binary");
        city.script_records("a", "script");
        city.record("a", "binary");
    });
    let events = city.list(EVERYTHING);
    let actors: Vec<_> = events.iter().map(|event| event["actor"].as_str().unwrap()).collect();
    assert_eq!((seqs(&events), actors), ((1..=5).collect(), vec!["first", "lost", "binary", "script", "binary"]));
}

#[rstest]
fn a_store_that_says_nothing_is_an_error_in_time(#[values(Fault::Silence, Fault::freeze_after_bytes(20))] fault: Fault) {
    let city = City::new();
    city.record("a", "b");
    city.cluster.when(requests_for("configmaps")).then(fault);
    let event = json!({"type": "a", "actor": "b"}).to_string();
    let operations: [&[&str]; 5] = [&["ensure-running"], &["record"], &["list"], &["latest-seq"], &["watch", "0"]];
    thread::scope(|scope| {
        for words in operations {
            let (command, input) = (city.command(PROVIDER, words), if words[0] == "record" { &event } else { "" });
            scope.spawn(move || {
                // Nobody but us ends it: neither the server nor kubectl ever would.
                let ran = Ran::with_input(command, input.as_bytes()).expect(1);
                assert_eq!(ran.stdout, "", "{words:?}");
                assert!(ran.stderr.contains("no answer within the deadline"), "{words:?}: {}", ran.stderr);
            });
        }
    });
    city.cluster.lift_all_faults();
    assert_eq!((seqs(&city.list("")), city.latest()), (vec![1], 1), "nothing was half done");
    city.assert_nothing_left();
}

#[rstest]
#[case::before_its_answer_begins(done_and_frozen())]
#[case::before_the_first_event(Fault::freeze_after_bytes(0))]
fn a_watch_that_nothing_comes_through_any_more_is_made_again(#[case] fault: Fault) {
    let city = City::new();
    city.record("before", "me");
    city.cluster.when(watches().once()).then(fault);
    let watch = city.watch(0);
    eventually("what is there", || (seqs_of(&watch) == [1]).then_some(()));
    eventually("the watch", || (!city.cluster.calls().matching(&watches()).is_empty()).then_some(()));
    (0..2).for_each(|_| city.record("unseen", "me"));
    eventually("what came meanwhile", || (seqs_of(&watch) == [1, 2, 3]).then_some(()));
    city.record("after", "me");
    eventually("the rest", || (seqs_of(&watch) == [1, 2, 3, 4]).then_some(()));
    drop(watch);
    city.assert_nothing_left();
}
