//! workers.yaml: whatever is in it is understood, or refused with a place and a reason on one line, each entry by itself.
#![no_main]

use fuzz::registry::document;
use fuzz::registry::worker::Place;
use fuzz::replay::assert_sayable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match document::read("/home/me/.factory/workers.yaml".as_ref(), data) {
        Ok(document) => {
            for invalid in document.invalid {
                assert_sayable(&invalid.reason);
                assert_sayable(invalid.name.as_str());
                assert!(invalid.line > 0 && invalid.column > 0);
            }
            for worker in document.workers {
                assert!(!worker.tmux.is_empty());
                match worker.place {
                    Place::Local(directory) => assert!(directory.is_absolute()),
                    Place::Pod(pod) => assert!(pod.context.is_none_or(|context| !context.starts_with('-'))),
                }
            }
        }
        Err(problem) => {
            assert!(problem.what.starts_with("/home/me/.factory/workers.yaml:"), "{}", problem.what);
            assert_sayable(&problem.what);
        }
    }
});
