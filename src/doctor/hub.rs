//! The hub: whether there is one, and whether there could be.

use std::time::Duration;

use super::Check;
use crate::hub::client::{self, NoHub};
use crate::registry::Registry;
use crate::terminal::age;

const NAME: &str = "hub";

pub fn check(registry: &Registry) -> Check {
    if !client::is_wanted(registry) {
        return Check::ok(NAME, "off: each command asks by itself");
    }
    if let Err(failure) = client::place() {
        return Check::warn(NAME, format!("there can be none: {failure}"), failure.remedy());
    }
    let standing = match client::standing() {
        Ok(standing) => standing,
        Err(NoHub::None) => return Check::ok(NAME, "none runs; pick, open, watch and wait start it"),
        Err(why) => {
            let (what, remedy) = why.told();
            return Check::warn(NAME, what, remedy);
        }
    };
    let rows = || standing.registries.iter().flat_map(|served| &served.rows);
    let (there, all) = (rows().filter(|row| row.answer.is_ok()).count(), rows().count());
    let since = age::short(Duration::from_secs(standing.runs_for));
    let found = format!("runs since {since}, {there} of {all} workers are there");
    match standing.direct.iter().next() {
        None => Check::ok(NAME, found),
        Some((why, times)) => {
            let remedy = "`factory-worker hub stop`, then use it from where kubectl is as you want it";
            Check::warn(NAME, format!("{found}; commands went by themselves {times} times: {why}"), remedy)
        }
    }
}
