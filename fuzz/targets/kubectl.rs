//! What kubectl and a login plugin write to standard error.
#![no_main]

use fuzz::cluster::kubectl_error;
use fuzz::replay::assert_sayable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for stdout in [&b""[..], b"something", b"Please enter Username: "] {
        let failure = kubectl_error::classify(data, stdout);
        assert_sayable(&failure.reason);
        assert!(!failure.reason.is_empty() && failure.reason.chars().count() < 1000);
        assert!(!failure.before_start || stdout != b"something");
    }
    kubectl_error::last_words(data).iter().for_each(|words| assert_sayable(words));
    let said = fuzz::terminal::neutralise::plain(data);
    kubectl_error::not_started(&said).iter().for_each(|failure| assert_sayable(&failure.reason));
});
