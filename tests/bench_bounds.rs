//! A claim that does not hold makes `make bench` fail.

#[path = "../benches/table.rs"]
mod table;
#[allow(dead_code)] // nothing is measured here
#[path = "../benches/timing.rs"]
mod timing;

use std::time::Duration;

use rstest::rstest;
use table::{Bound, Row};
use timing::Pair;

/// Ours and the raw command's median, in milliseconds.
fn pair(ours: u64, raw: u64) -> Pair {
    let milliseconds = Duration::from_millis;
    Pair { ours: milliseconds(ours), raw: milliseconds(raw), ratio: ours as f64 / raw as f64 }
}

fn time(ours: u64, raw: u64, bound: Bound) -> Row {
    Row::time("claim", pair(ours, raw), "beside", bound)
}

const FIVE: Duration = Duration::from_millis(5);

#[rstest]
#[case::at_the_bound(time(5, 1, Bound::Time(FIVE)), true)]
#[case::slower(time(6, 1, Bound::Time(FIVE)), false)]
#[case::as_much_over_the_raw_command_as_it_may_be(time(15, 10, Bound::Over(FIVE)), true)]
#[case::more(time(16, 10, Bound::Over(FIVE)), false)]
#[case::as_many_times_as_it_may_be(time(110, 100, Bound::Times(1.10)), true)]
#[case::more_often(time(111, 100, Bound::Times(1.10)), false)]
#[case::as_large_as_it_may_be(Row::size("claim", 30_000_000, 30_000_000), true)]
#[case::larger(Row::size("claim", 30_000_001, 30_000_000), false)]
fn a_bound_is_missed_by_the_least_bit_more(#[case] row: Row, #[case] holds: bool) {
    assert_eq!(table::all_hold(&[row]), holds);
}

#[test]
fn one_missed_bound_among_many_is_enough() {
    let rows = |third: u64| [1, 2, third, 4].map(|ours| time(ours, 1, Bound::Time(FIVE)));
    assert!(table::all_hold(&rows(3)));
    assert!(!table::all_hold(&rows(6)));
    table::print(&rows(6));
}

/// A machine that becomes busy half-way is slow for both.
#[test]
fn the_ratio_is_the_median_of_the_rounds_own() {
    let mut ours = [10, 10, 10, 20, 200, 200].map(Duration::from_millis).into_iter();
    let mut raw = [10, 10, 10, 10, 100, 100].map(Duration::from_millis).into_iter();
    let measured = timing::measure(5, || ours.next().unwrap(), || raw.next().unwrap());
    assert_eq!((measured.ratio, measured.ours, measured.raw), (2.0, Duration::from_millis(20), Duration::from_millis(10)));
}
