//! A short version of `make soak`: what breaks, breaks a few times, and nothing may be lost, doubled, mixed up or left. How
//! fast it is, is for `make soak` to say.

#[path = "soak/chance.rs"]
mod chance;
#[path = "soak/fleet.rs"]
mod fleet;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/sleep.rs"]
mod sleep;
#[path = "soak/storm.rs"]
mod storm;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::time::Duration;

use chance::Chance;
use storm::Weather;

#[test]
fn windows_survive_a_storm() {
    let weather = Weather {
        cuts: 3,
        freezes: 1,
        replacements: 1,
        openings: 1,
        outages: 1,
        outage: Duration::from_secs(3),
        sleeps: 1,
        sleep: Duration::from_secs(8),
    };
    let after = storm::run(weather, &mut Chance::start());
    assert!(after.faults().iter().all(|(_, count)| *count == 0), "{:?}\n{after:#?}", after.faults());
    let (seen, while_down) = after.words();
    assert!(
        seen >= 30
            && while_down >= 5
            && after.cuts >= 14
            && after.freezes == 5
            && after.opened.len() == 5
            && after.resumed.len() == 5,
        "hardly anything was tried: {after:#?}"
    );
}
