//! Which session it is, whatever it is called: names are changed and given to others while somebody looks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A session as its server knows it, `$ID PID START CREATED` (`found` in `remote/find_session.sh`): its id, which tmux gives to no
/// other while it runs; the process and the start of that server, because the next one begins with `$0` again; and when the
/// session was made. The times are in seconds since the epoch, by the worker's clock.
///
/// A container that starts anew may give its server the same process number, but it would have to do so within the second in
/// which the old server began, and somebody looked at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionIdentity(String);

/// What is no [`SessionIdentity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} identifies no session")]
pub struct NoIdentity(String);

impl SessionIdentity {
    /// As tmux says it, for a format.
    pub const FORMAT: &str = "#{session_id} #{pid} #{start_time} #{session_created}";

    /// As the scripts take it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `$N`, and the process of its server.
    pub fn id_and_server(&self) -> (&str, i32) {
        let mut fields = self.0.split(' ');
        let id = fields.next().unwrap_or_default();
        (id, fields.next().and_then(|pid| pid.parse().ok()).unwrap_or_default())
    }

    /// Whether this may be the session with these whereabouts (`remote/whereabouts.sh`): one on another machine may look like it.
    pub fn may_be(&self, whereabouts: &str) -> bool {
        let ours = self.0.split(' ').take(3);
        ours.eq(whereabouts.split('/').take(3))
    }

    /// What stands in front of a line (an identity, a blank, and the rest).
    pub fn before(line: &str) -> Option<(Self, &str)> {
        let (end, _) = line.match_indices(' ').nth(3)?;
        Some((line[..end].parse().ok()?, &line[end + 1..]))
    }
}

impl FromStr for SessionIdentity {
    type Err = NoIdentity;
    fn from_str(text: &str) -> Result<Self, NoIdentity> {
        let is_number = |field: &str| !field.is_empty() && field.len() < 20 && field.bytes().all(|byte| byte.is_ascii_digit());
        let mut fields = text.strip_prefix('$').unwrap_or_default().split(' ');
        let numbers = fields.by_ref().take(4).filter(|field| is_number(field)).count();
        match (numbers, fields.next()) {
            (4, None) => Ok(Self(text.to_owned())),
            _ => Err(NoIdentity(text.to_owned())),
        }
    }
}

impl TryFrom<String> for SessionIdentity {
    type Error = NoIdentity;
    fn try_from(text: String) -> Result<Self, NoIdentity> {
        text.parse()
    }
}

impl From<SessionIdentity> for String {
    fn from(identity: SessionIdentity) -> String {
        identity.0
    }
}

impl fmt::Display for SessionIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("$3 71 1700000000 1700000009", true)]
    #[case("3 71 1700000000 1700000009", false)]
    #[case("$3 71 1700000000", false)]
    #[case("$3 71 1700000000 1700000009 ", false)]
    #[case("$3  1700000000 1700000009", false)]
    #[case("$3 71 1700000000 $(id)", false)]
    #[case("", false)]
    fn four_numbers_are_an_identity(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<SessionIdentity>().is_ok(), good);
    }

    #[test]
    fn the_rest_of_a_line_is_kept_as_it_is() {
        let (identity, name) = SessionIdentity::before("$3 71 17 18  a b ").unwrap();
        assert_eq!((identity.as_str(), identity.id_and_server(), name), ("$3 71 17 18", ("$3", 71), " a b "));
        assert_eq!(SessionIdentity::before("$3 71 17 18"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_understood_or_refused(line in "[$0-9 a]{0,30}", name in "\\PC{0,9}") {
            if let Some((identity, rest)) = SessionIdentity::before(&format!("{line} {name}")) {
                prop_assert_eq!(format!("{identity} {rest}"), format!("{line} {name}"));
            }
        }
    }
}
