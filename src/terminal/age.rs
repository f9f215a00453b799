//! Ages as people say them.

use std::time::Duration;

/// The largest whole unit: `30s`, `5m`, `3h`, `2d`.
pub fn short(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0s")]
    #[case(59, "59s")]
    #[case(60, "1m")]
    #[case(3_599, "59m")]
    #[case(7_200, "2h")]
    #[case(90_000, "1d")]
    fn the_largest_whole_unit(#[case] seconds: u64, #[case] text: &str) {
        assert_eq!(short(Duration::from_secs(seconds)), text);
    }
}
