//! The answers to everything else that is asked of a worker; the first byte says what.
#![no_main]

use std::time::Duration;

use fuzz::failure::Failure;
use fuzz::registry::names::SessionName;
use fuzz::remote::{command, examine, interrupt, nudge, peek, repositories};
use fuzz::replay::{assert_sayable, deadline, remote};
use fuzz::terminal::neutralise;
use libfuzzer_sys::fuzz_target;

fn told<T>(result: Result<T, Failure>) -> Option<T> {
    result.map_err(|failure| assert_sayable(&failure.reason)).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some((question, data)) = data.split_first() else { return };
    let remote = remote(data);
    let session: SessionName = "qa".parse().expect("a name");
    let argv = ["factory".to_owned(), "status".to_owned()];
    match question {
        b'p' => {
            if let Some(pane) = told(peek::capture(&remote, &session, 3, deadline())) {
                let shown = neutralise::plain(&pane);
                assert!(shown.lines().count() <= 3, "{shown:?}");
            }
        }
        b'c' => drop(told(command::run(&remote, &argv, deadline()))),
        b'd' => {
            let directories = ["/one".to_owned(), "/two".to_owned()];
            if let Some(outputs) = told(command::ask_in(&remote, &directories, &argv, Duration::from_secs(600))) {
                assert_eq!(outputs.len(), directories.len());
            }
        }
        b'e' => {
            if let Some(found) = told(examine::examine(&remote, &["factory"], deadline())) {
                found.tmux.iter().chain(&found.charmap).chain(&found.terminals).for_each(|word| assert_sayable(word));
            }
        }
        b'n' => drop(told(nudge::nudge(&remote, &session, "say what you see", deadline()))),
        b'i' => drop(told(interrupt::interrupt(&remote, &session, deadline()))),
        b'r' => {
            if let Some(repositories) = told(repositories::list(&remote, deadline())) {
                let _ = repositories::config(&repositories, "app").map_err(|reason| assert_sayable(&reason));
            }
        }
        _ => {}
    }
});
