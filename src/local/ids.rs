//! What names things in the operator's tmux, checked once where it comes in.

use std::fmt;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $sign:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// `None` unless the text is the sign and digits.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($sign)?;
                (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type! {
    /// A window, `@N`.
    WindowId, '@'
}
id_type! {
    /// A pane, `%N`.
    PaneId, '%'
}

/// A client as tmux names it: its terminal's path, or `client-PID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName(String);

impl ClientName {
    /// `None` for what cannot be one: nothing, control characters, or something that reads as a flag.
    pub fn parse(text: &str) -> Option<Self> {
        let good = !text.is_empty() && !text.starts_with('-') && !text.chars().any(char::is_control);
        good.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("%12", true)]
    #[case("%", false)]
    #[case("@1", false)]
    #[case("%1;kill-server", false)]
    #[case("", false)]
    fn a_pane_is_a_sign_and_digits(#[case] text: &str, #[case] good: bool) {
        assert_eq!(PaneId::parse(text).is_some(), good);
    }
}
