//! What a worker's queue holds, in a few characters.
//!
//! The items are whatever the worker's own queue command printed as JSON. Two spellings are known: the published
//! binary's (`Namespace`, `Issue`, `Status`) and the original design's (`project`, `issue`, `status`), so keys are
//! compared without case.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_json::value::RawValue;

/// A list of items. It stays the text that it was: a hostile one takes a hundred times its size once it is values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Items {
    json: String,
    summary: String,
}

impl Items {
    /// Understand what the queue command printed.
    ///
    /// # Errors
    /// It is no JSON list; the reason is one line.
    pub fn parse(printed: &[u8]) -> Result<Self, String> {
        let no_json = |error: &dyn fmt::Display| format!("the queue command printed no JSON: {error}");
        let json = String::from_utf8(printed.to_vec()).map_err(|error| no_json(&error.utf8_error()))?;
        let Tally { list, summary } = serde_json::from_str(&json).map_err(|error| no_json(&error))?;
        match list {
            true => Ok(Self { json, summary }),
            false => Err("the queue command printed no JSON list".to_owned()),
        }
    }

    /// What is being worked on, else what is next: `NAMESPACE#ISSUE`, and ` +N` when N more wait or run. `-` when nothing
    /// does.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The list itself, `null` for none.
    pub fn json(&self) -> Option<&RawValue> {
        serde_json::from_str(&self.json).ok()
    }
}

/// What is known of a list when its end is reached.
#[derive(Debug, Default)]
struct Tally {
    /// Whether it is a list, or `null`, as some write an empty one.
    list: bool,
    summary: String,
}

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut count = Count::default();
        let thing = from.deserialize_any(Things { each: |item: Thing| count.add(&item) })?;
        Ok(Self { list: thing.list || thing.null, summary: count.summary() })
    }
}

/// The items that wait or run.
#[derive(Debug, Default)]
struct Count {
    open: usize,
    active: Option<String>,
    pending: Option<String>,
}

impl Count {
    fn add(&mut self, item: &Thing) {
        let first = match item.state() {
            State::Active => &mut self.active,
            State::Pending => &mut self.pending,
            State::Over => return,
        };
        self.open += 1;
        first.get_or_insert_with(|| item.title());
    }

    fn summary(self) -> String {
        match self.active.or(self.pending) {
            None => "-".to_owned(),
            Some(first) if self.open == 1 => first,
            Some(first) => format!("{first} +{}", self.open - 1),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Pending,
    Over,
}

/// The keys that say something, the more telling first.
const STATE: [&str; 2] = ["status", "state"];
const NAMESPACE: [&str; 3] = ["namespace", "project", "repo"];
const ISSUE: [&str; 3] = ["issue", "number", "id"];

/// As much of a JSON value as an item of a queue is made of.
#[derive(Debug, Default)]
struct Thing {
    list: bool,
    null: bool,
    /// A text that is not empty, or a number.
    text: Option<String>,
    state: [Option<String>; 2],
    namespace: [Option<String>; 3],
    issue: [Option<String>; 3],
}

impl Thing {
    fn text(text: impl fmt::Display) -> Self {
        Self { text: Some(text.to_string()).filter(|text| !text.is_empty()), ..Self::default() }
    }

    /// An item that does not say is taken to wait.
    fn state(&self) -> State {
        match self.state.iter().flatten().next().map(|word| word.to_lowercase()).as_deref() {
            Some("active" | "running" | "in_progress") => State::Active,
            None | Some("pending" | "queued" | "waiting" | "blocked") => State::Pending,
            Some(_) => State::Over,
        }
    }

    fn title(&self) -> String {
        let namespace = self.namespace.iter().flatten().next().map_or("", String::as_str);
        match self.issue.iter().flatten().next() {
            Some(issue) => format!("{namespace}#{issue}"),
            None => "?".to_owned(),
        }
    }

    /// Where the value of a key is kept. Keys are compared without case.
    fn place(&mut self, key: &str) -> Option<&mut Option<String>> {
        let at = |keys: &[&str]| keys.iter().position(|known| known.eq_ignore_ascii_case(key));
        if let Some(at) = at(&STATE) {
            self.state.get_mut(at)
        } else if let Some(at) = at(&NAMESPACE) {
            self.namespace.get_mut(at)
        } else {
            self.issue.get_mut(at(&ISSUE)?)
        }
    }
}

impl<'de> Deserialize<'de> for Thing {
    /// By way of `deserialize_any`, for which serde_json has a limit of depth.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Things { each: drop })
    }
}

/// Reads any value; what is in a list is shown to `each` and forgotten.
struct Things<F> {
    each: F,
}

impl<'de, F: FnMut(Thing)> Visitor<'de> for Things<F> {
    type Value = Thing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Thing, E> {
        Ok(Thing::default())
    }

    fn visit_unit<E>(self) -> Result<Thing, E> {
        Ok(Thing { null: true, ..Thing::default() })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Thing, E> {
        Ok(Thing::text(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Thing, E> {
        Ok(Thing::text(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Thing, E> {
        Ok(Number::from_f64(number).map_or_else(Thing::default, Thing::text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Thing, E> {
        Ok(Thing::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Thing, A::Error> {
        while let Some(item) = list.next_element()? {
            (self.each)(item);
        }
        Ok(Thing { list: true, ..Thing::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Thing, A::Error> {
        let mut thing = Thing::default();
        while let Some((key, value)) = map.next_entry::<String, Thing>()? {
            if let Some(place) = thing.place(&key)
                && place.is_none()
            {
                *place = value.text;
            }
        }
        Ok(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case(json!([]), "-")]
    #[case(json!([{"Namespace": "acme/app", "Issue": 7, "Status": "pending"}]), "acme/app#7")]
    #[case(json!([{"Namespace": "a", "Issue": 1, "Status": "pending"}, {"Namespace": "a", "Issue": 2, "Status": "active"}]), "a#2 +1")]
    #[case(json!([{"project": "app", "issue": "42", "status": "pending"}]), "app#42")]
    #[case(json!([{"Namespace": "a", "Issue": 1, "Status": "completed"}, {"Namespace": "a", "Issue": 2, "Status": "failed"}]), "-")]
    #[case(json!([{"Namespace": "a", "Issue": 1, "Status": "completed"}, {"Namespace": "a", "Issue": 2, "Status": "pending"}]), "a#2")]
    #[case(json!([{"Issue": 1}, {"Issue": 2}, {"Issue": 3}]), "#1 +2")]
    #[case(json!([{"Namespace": "", "Issue": 1}]), "#1")]
    #[case(json!([17, "x"]), "? +1")]
    #[case(json!(null), "-")]
    #[case(json!([{"state": "done", "status": "", "id": 1}, {"ID": [2], "number": 3, "status": {"status": "done"}}]), "#3")]
    fn the_active_item_else_the_first_pending_one(#[case] items: Value, #[case] cell: &str) {
        assert_eq!(Items::parse(items.to_string().as_bytes()).unwrap().summary(), cell);
    }

    #[rstest]
    #[case("{}", "no JSON list")]
    #[case("7", "no JSON list")]
    #[case("[1", "no JSON: ")]
    #[case("[] x", "no JSON: ")]
    fn anything_else_is_told(#[case] printed: &str, #[case] told: &str) {
        assert!(Items::parse(printed.as_bytes()).unwrap_err().contains(told));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_or_a_reason_in_one_line(printed in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "(\\[(\\{\"(issue|Status|project)\": ?(\"[a-z]{0,8}\"|[0-9]{1,3}|null|\\[\\])\\},?){0,3}\\]?|null)".prop_map(String::into_bytes),
        ]) {
            let is_list = serde_json::from_slice::<Value>(&printed).is_ok_and(|value| value.is_array() || value.is_null());
            match Items::parse(&printed) {
                Ok(items) => {
                    prop_assert!(is_list);
                    // What is passed on is what was printed.
                    let passed_on = items.json().map(|json| serde_json::from_str::<Value>(json.get()).unwrap());
                    prop_assert_eq!(passed_on, serde_json::from_slice::<Value>(&printed).ok());
                }
                Err(reason) => prop_assert!(!is_list && reason.lines().count() == 1, "{}", reason),
            }
        }

        #[test]
        fn the_summary_counts_what_is_not_over(states in prop::collection::vec(
            prop::sample::select(vec!["active", "running", "pending", "queued", "blocked", "done", "failed", "cancelled"]), 0..8)
        ) {
            let items: Vec<Value> =
                states.iter().enumerate().map(|(issue, state)| json!({ "project": "p", "issue": issue, "status": state })).collect();
            let open: Vec<usize> = (0..states.len()).filter(|&at| !["done", "failed", "cancelled"].contains(&states[at])).collect();
            let active = open.iter().find(|&&at| ["active", "running"].contains(&states[at]));
            let expected = match (active.or(open.first()), open.len()) {
                (None, _) => "-".to_owned(),
                (Some(first), 1) => format!("p#{first}"),
                (Some(first), count) => format!("p#{first} +{}", count - 1),
            };
            let items = Items::parse(json!(items).to_string().as_bytes()).unwrap();
            prop_assert_eq!(items.summary(), expected);
        }
    }

    #[test]
    fn a_list_that_is_too_deep_is_refused() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = |depth: usize| format!("[{}1{}]", open.repeat(depth), close.repeat(depth));
            assert!(Items::parse(deep(100).as_bytes()).is_ok());
            assert!(Items::parse(deep(10_000).as_bytes()).unwrap_err().contains("recursion"));
        }
    }
}
