//! Which tmux this is.

use std::env;

/// A tmux version, as far as it decides what tmux can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl Version {
    /// The version in what `tmux -V` says, e.g. `3.3a`: its program's name, which need not be `tmux`, and that. `None` for what
    /// no tmux says.
    pub fn reported(said: &str) -> Option<&str> {
        let (_, version) = said.trim_end().rsplit_once(' ')?;
        (said.trim_end().lines().count() == 1 && is_version(version)).then_some(version)
    }

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

/// The version of the tmux in whose pane or popup we run, as it tells there; `None` outside, and when somebody has taken that away.
pub fn of_pane() -> Option<String> {
    let is_tmux = env::var("TERM_PROGRAM").is_ok_and(|program| program == "tmux");
    env::var("TERM_PROGRAM_VERSION").ok().filter(|version| is_tmux && is_version(version))
}

/// Whether a text is what tmux calls one of its versions.
fn is_version(text: &str) -> bool {
    let numbered = text.trim_start_matches("next-").starts_with(|first: char| first.is_ascii_digit());
    numbered || text == "master" || text.starts_with("openbsd-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("tmux 3.3a\n", Some("3.3a"))]
    #[case("tmux-3.4 3.4\n", Some("3.4"))]
    #[case("my tmux next-3.8\n", Some("next-3.8"))]
    #[case("tmux master\n", Some("master"))]
    #[case("tmux openbsd-7.8\n", Some("openbsd-7.8"))]
    #[case("sh: 1: tmux: not found\n", None)]
    #[case("usage: something 1\n\nor else 2\n", None)]
    #[case("tmux", None)]
    #[case("", None)]
    fn the_version_is_what_stands_behind_the_program_s_name(#[case] said: &str, #[case] version: Option<&str>) {
        assert_eq!(Version::reported(said), version);
    }

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
