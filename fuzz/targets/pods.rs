//! The list of Deployments, StatefulSets and pods, and the pod that is chosen from it.
#![no_main]

use fuzz::cluster::pod::choose;
use fuzz::cluster::pod::listing::Listing;
use fuzz::registry::names::ObjectName;
use fuzz::registry::worker::PodRef;
use fuzz::replay::assert_sayable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let listing = match Listing::parse(data) {
        Ok(listing) => listing,
        Err(failure) => return assert_sayable(&failure.reason),
    };
    let name = |text: &str| text.parse::<ObjectName>().expect("a name");
    let container = name("worker");
    for wanted in [PodRef::Any, PodRef::Pod, PodRef::Deployment, PodRef::StatefulSet].map(|kind| kind(name("w"))) {
        for container in [None, Some(&container)] {
            if let Err(failure) = choose::pod(&listing, &wanted, container, Some("factory")) {
                assert_sayable(&failure.reason);
            }
        }
    }
});
