//! Moments as Gas City writes them (Go's `time.Time` in JSON: RFC 3339 with an offset and up to nine digits of a second).

use std::time::SystemTime;

/// A moment: seconds since 1970 in UTC (before it negative), and nanoseconds.
pub type Moment = (i64, u32);

/// Go's zero time: nobody has set it.
const ZERO: Moment = (-62_135_596_800, 0);

/// What this text says; `None` when it is no RFC 3339.
pub fn parse(text: &str) -> Option<Moment> {
    let (date, clock) = text.split_once(['T', 't', ' '])?;
    let zone = clock.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = clock.split_at(zone);
    let [year, month, day] = numbers(date, '-')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    let sensible = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !sensible || !digits {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}")[..9].parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some((seconds - offset(zone)?, nanoseconds))
}

/// The same, but for the time that nobody has set.
pub fn parse_set(text: &str) -> Option<Moment> {
    parse(text).filter(|&moment| moment != ZERO)
}

/// Now, in UTC.
pub fn now() -> String {
    humantime::format_rfc3339_nanos(SystemTime::now()).to_string()
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<u32>().ok().map(i64::from) } else { None }
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

/// `Z`, `+02:00`, in seconds.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'-' => -1,
        _ => 1,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    let [hours, minutes, _] = numbers(&format!("{hours}:{minutes}:0"), ':')?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March: the leap day is their last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("1970-01-01T00:00:00Z", Some((0, 0)))]
    #[case("0001-01-01T00:00:00Z", Some(ZERO))]
    #[case("2026-04-01T12:00:00.5+02:00", Some((1_775_037_600, 500_000_000)))]
    #[case("2026-04-01T05:30:00.000000001-04:30", Some((1_775_037_600, 1)))]
    #[case("2026-04-01T10:00:00", None)]
    #[case("2026-13-01T10:00:00Z", None)]
    #[case("2026-04-01T10:00:00.Z", None)]
    #[case("2026-04-01T10:00:00+2", None)]
    #[case("+1-04-01T10:00:00Z", None)]
    #[case("yesterday", None)]
    #[case("", None)]
    fn moments(#[case] text: &str, #[case] moment: Option<Moment>) {
        assert_eq!(parse(text), moment);
    }

    #[test]
    fn gos_zero_time_is_not_set() {
        assert_eq!(parse_set("0001-01-01T00:00:00Z"), None);
        assert!(parse_set(&now()).is_some());
    }

    proptest! {
        #[test]
        fn every_second_is_read_as_it_is_written(seconds in 0..253_402_300_799u64, nanoseconds in 0..1_000_000_000u32) {
            let written = humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::new(seconds, nanoseconds)).to_string();
            prop_assert_eq!(parse(&written), Some((seconds as i64, nanoseconds)));
        }

        #[test]
        fn any_text_is_a_moment_or_none(text in "[0-9TZ:+. -]{0,30}") {
            let _ = parse(&text);
        }
    }
}
