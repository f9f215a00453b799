//! What was typed into a form and is not known to have arrived: kept for a day, offered again when the form opens.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Kept;

const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
const FILE: &str = "drafts";

/// Which form, and for what: `nudge worker-1/qa`, `dispatch worker-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    pub fn new(form: &str, subject: &str) -> Self {
        Self(format!("{form} {subject}"))
    }
}

/// The fields of a form as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub values: Vec<String>,
    /// What became of it, e.g. `not sent`.
    pub fate: String,
    /// Seconds since the epoch.
    pub time: u64,
}

impl Draft {
    fn is_fresh(&self, now: u64) -> bool {
        now.saturating_sub(self.time) < KEPT_FOR.as_secs()
    }

    pub fn age(&self) -> Duration {
        Duration::from_secs(now().saturating_sub(self.time))
    }
}

type Drafts = BTreeMap<String, Draft>;

/// The draft for this form; `None` when there is none, or it is too old.
pub fn find(key: &Key) -> Option<Draft> {
    read()?.remove(&key.0)
}

/// The newest draft of any subject of this form.
pub fn newest(form: &str) -> Option<Draft> {
    let prefix = format!("{form} ");
    read()?.into_iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(_, draft)| draft).max_by_key(|draft| draft.time)
}

fn read() -> Option<Drafts> {
    let mut drafts = Kept::<Drafts>::open(FILE).ok()?.read();
    let now = now();
    drafts.retain(|_, draft| draft.is_fresh(now));
    Some(drafts)
}

/// Keep a form's fields. Old drafts go.
///
/// # Errors
/// The state directory cannot be written.
pub fn keep(key: &Key, values: &[String], fate: &str) -> Result<()> {
    let now = now();
    let draft = Draft { values: values.to_vec(), fate: fate.to_owned(), time: now };
    Kept::<Drafts>::open(FILE)?.update(|drafts| {
        drafts.retain(|_, draft| draft.is_fresh(now));
        drafts.insert(key.0.clone(), draft);
    })
}

/// It has arrived, or nothing is left of it.
///
/// # Errors
/// The state directory cannot be written.
pub fn forget(key: &Key) -> Result<()> {
    let kept = Kept::<Drafts>::open(FILE)?;
    if !kept.read().contains_key(&key.0) {
        return Ok(());
    }
    kept.update(|drafts| drop(drafts.remove(&key.0)))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    proptest! {
        /// A file that somebody else wrote, or half of one.
        #[test]
        fn any_file_is_drafts_or_nothing(bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "\\{\"nudge a/b\":\\{\"values\":\\[(\"x\")?\\],\"fate\":\"not sent\",\"time\":[0-9]{1,20}\\}?\\}".prop_map(String::into_bytes),
        ], now in any::<u64>()) {
            for draft in crate::state::understand::<Drafts>(&bytes).values() {
                prop_assert_eq!(draft.is_fresh(now), draft.time > now || now - draft.time < 24 * 60 * 60);
                let _ = draft.age();
            }
        }

        #[test]
        fn what_is_kept_is_what_was_typed(values in prop::collection::vec(any::<String>(), 0..4), time in any::<u64>()) {
            let drafts = Drafts::from([("nudge a/b".to_owned(), Draft { values, fate: "not sent".to_owned(), time })]);
            prop_assert_eq!(crate::state::understand::<Drafts>(&serde_json::to_vec(&drafts).unwrap()), drafts);
        }
    }

    #[rstest]
    #[case(0, true)]
    #[case(24 * 60 * 60 - 1, true)]
    #[case(24 * 60 * 60, false)]
    fn a_draft_is_kept_for_a_day(#[case] age: u64, #[case] fresh: bool) {
        let draft = Draft { values: Vec::new(), fate: String::new(), time: 1_000_000 };
        assert_eq!(draft.is_fresh(1_000_000 + age), fresh);
    }
}
