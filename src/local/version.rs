//! Which tmux this is.

/// A tmux version, as far as it decides what tmux can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl Version {
    /// `3.3a`, `next-3.8`, `3.4-rc`; what has no number (`master`) is newer than all of them.
    pub fn parse(text: &str) -> Self {
        const NEWEST: Version = Version { major: u32::MAX, minor: 0 };
        let text = text.trim().trim_start_matches("next-");
        let mut numbers = text.splitn(2, '.').map(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            part[..digits].parse().ok()
        });
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), minor) => Self { major, minor: minor.unwrap_or(0) },
            (None, _) => NEWEST,
        }
    }

    pub fn at_least(self, major: u32, minor: u32) -> bool {
        self >= Self { major, minor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("3.2a", false)]
    #[case("3.3", true)]
    #[case("3.3a\n", true)]
    #[case("next-3.8", true)]
    #[case("3.10", true)]
    #[case("4", true)]
    #[case("2.9", false)]
    #[case("master", true)]
    fn versions_in_the_field(#[case] text: &str, #[case] new_enough: bool) {
        assert_eq!(Version::parse(text).at_least(3, 3), new_enough);
    }
}
