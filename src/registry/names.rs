//! Names as types: what comes from a command line, a file or a worker is checked here, once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a name was refused; the text names the offending character.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    #[error("{kind} is empty")]
    Empty { kind: &'static str },
    #[error("{kind} {name:?} has {length} characters; at most {limit} are allowed")]
    TooLong { kind: &'static str, name: String, length: usize, limit: usize },
    #[error("{kind} {name:?} may not contain {found:?}; {allowed}")]
    Character { kind: &'static str, name: String, found: char, allowed: &'static str },
    #[error("{kind} {name:?} may not {place} with {found:?}; {allowed}")]
    Edge { kind: &'static str, name: String, place: &'static str, found: char, allowed: &'static str },
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        /// As the text in quotes: it stands like this in messages.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }
    };
}

text_type! {
    /// The name of a worker: `[a-z0-9]([a-z0-9.-]*[a-z0-9])?`, at most 63 characters.
    WorkerName
}
text_type! {
    /// The name of a tmux session on a worker: any text without control characters.
    ///
    /// tmux itself writes control characters in names as `\ooo` (`session_check_name`, tmux 3.2 to 3.6),
    /// so nothing that a tmux server can list is excluded.
    SessionName
}
text_type! {
    /// A Kubernetes object name as kubectl takes it behind a `TYPE/`: lower-case letters, digits, `-` and `.`.
    ObjectName
}

const DNS: &str = "allowed are lower-case letters, digits, '-' and '.'";

fn dns_name(kind: &'static str, text: &str, limit: usize) -> Result<String, NameError> {
    let name = || text.to_owned();
    let length = text.chars().count();
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
        return Err(NameError::Empty { kind });
    };
    if length > limit {
        return Err(NameError::TooLong { kind, name: name(), length, limit });
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if let Some(found) = text.chars().find(|&c| !plain(c) && c != '-' && c != '.') {
        return Err(NameError::Character { kind, name: name(), found, allowed: DNS });
    }
    for (place, found) in [("begin", first), ("end", last)] {
        if !plain(found) {
            return Err(NameError::Edge { kind, name: name(), place, found, allowed: "a letter or digit is needed there" });
        }
    }
    Ok(name())
}

impl WorkerName {
    /// What stands in a worker's place where workers are listed: nothing that a worker could be called.
    pub(super) fn reserved(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for WorkerName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        dns_name("worker name", text, 63).map(Self)
    }
}

impl FromStr for ObjectName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        dns_name("name", text, 253).map(Self)
    }
}

impl FromStr for SessionName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let kind = "session name";
        if text.is_empty() {
            return Err(NameError::Empty { kind });
        }
        if let Some(found) = text.chars().find(|c| c.is_control()) {
            return Err(NameError::Character {
                kind,
                name: text.to_owned(),
                found,
                allowed: "control characters are not in any tmux session name",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

/// `WORKER/SESSION`, split at the first `/`: worker names have none, session names may.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    pub worker: WorkerName,
    pub session: SessionName,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.worker, self.session)
    }
}

impl FromStr for Address {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let target: Target = text.parse()?;
        let session = target.session.ok_or_else(|| anyhow::anyhow!("{text:?} names no session; write WORKER/SESSION"))?;
        Ok(Self { worker: target.worker, session })
    }
}

/// What an ADDRESS argument says: a worker, and a session when one is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub worker: WorkerName,
    pub session: Option<SessionName>,
}

impl FromStr for Target {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((worker, session)) => Ok(Self { worker: worker.parse()?, session: Some(session.parse()?) }),
            None => Ok(Self { worker: text.parse()?, session: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("worker-1", true)]
    #[case("a.b", true)]
    #[case("", false)]
    #[case("-a", false)]
    #[case("a-", false)]
    #[case("A", false)]
    #[case("a/b", false)]
    #[case("a b", false)]
    fn worker_names(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<WorkerName>().is_ok(), good, "{text:?}");
    }

    #[test]
    fn a_worker_name_has_at_most_63_characters() {
        assert!("a".repeat(63).parse::<WorkerName>().is_ok());
        let error = "a".repeat(64).parse::<WorkerName>().unwrap_err();
        assert!(error.to_string().contains("64 characters"), "{error}");
    }

    #[test]
    fn an_error_names_the_offending_character() {
        let error = "wor_ker".parse::<WorkerName>().unwrap_err();
        assert!(error.to_string().contains("'_'"), "{error}");
    }

    #[rstest]
    #[case("w/s", "s")]
    #[case("w/a/b", "a/b")]
    #[case("w/ x ", " x ")]
    #[case("w/#(touch x)", "#(touch x)")]
    #[case("w/$0", "$0")]
    fn an_address_is_split_at_the_first_slash(#[case] text: &str, #[case] session: &str) {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.worker.as_str(), address.session.as_str()), ("w", session));
        assert_eq!(address.to_string(), text);
    }

    #[test]
    fn control_characters_are_refused() {
        assert!("w/a\x1b[31m".parse::<Target>().is_err());
        assert!("w/a\nb".parse::<Target>().is_err());
        assert!("w/".parse::<Target>().is_err());
    }

    proptest! {
        #[test]
        fn an_address_is_read_back_as_it_was_written(worker in "[a-z0-9]([a-z0-9.-]{0,9}[a-z0-9])?", session in "\\PC{1,30}") {
            let text = format!("{worker}/{session}");
            match text.parse::<Address>() {
                Ok(address) => {
                    prop_assert_eq!((address.worker.as_str(), address.session.as_str()), (worker.as_str(), session.as_str()));
                    prop_assert_eq!(address.to_string(), text);
                }
                Err(error) => prop_assert!(session.contains(char::is_control), "{error}"),
            }
        }

        #[test]
        fn any_text_is_a_name_or_refused_on_one_line(text in any::<String>()) {
            let refused = [text.parse::<Target>().err(), text.parse::<ObjectName>().err(), text.parse::<SessionName>().err()];
            for error in refused.into_iter().flatten() {
                prop_assert!(!error.to_string().contains(char::is_control), "{error:?}");
            }
            if let Ok(name) = text.parse::<ObjectName>() {
                prop_assert!(!name.as_str().starts_with('-') && name.as_str().is_ascii());
            }
        }
    }
}
