//! Which events are wanted.

use serde::Deserialize;

use super::event::Event;
use super::store::{ACTOR, COMPONENT, TYPE};

use crate::gascity::{label, time};

/// Gas City's filter, with the field names of its Go type. What is empty or zero does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    #[serde(rename = "Type", alias = "type")]
    kind: String,
    #[serde(rename = "Actor", alias = "actor")]
    actor: String,
    #[serde(rename = "Since", alias = "since")]
    since: String,
    #[serde(rename = "AfterSeq", alias = "after_seq")]
    after: u64,
}

impl Filter {
    /// Read a filter; nothing at all wants everything.
    ///
    /// # Errors
    /// It is no filter, in words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // serde would take a list for the fields in their order.
        if !text.trim_ascii().starts_with(b"{") {
            return Err("the filter is no JSON object".to_owned());
        }
        let filter: Self = serde_json::from_slice(text).map_err(|error| format!("the filter makes no sense: {error}"))?;
        match filter.since.is_empty() || time::parse(&filter.since).is_some() {
            true => Ok(filter),
            false => Err(format!("the filter's Since {:?} is no time (RFC 3339)", filter.since)),
        }
    }

    /// The label selector that lets all of these pass. Labels are cut and cleaned, so it may let others pass too.
    pub fn selector(&self) -> String {
        let mut selector = COMPONENT.to_owned();
        for (name, wanted) in [(TYPE, &self.kind), (ACTOR, &self.actor)] {
            if !wanted.is_empty() {
                selector.push_str(&format!(",{name}={}", label::value(wanted, '_')));
            }
        }
        selector
    }

    /// Whether an event is wanted.
    pub fn passes(&self, event: &Event) -> bool {
        let is = |field: &str, wanted: &str| wanted.is_empty() || event.text(field).is_some_and(|text| text == wanted);
        let since = time::parse_set(&self.since);
        is("type", &self.kind)
            && is("actor", &self.actor)
            && event.seq() > self.after
            && since.is_none_or(|since| event.moment().is_some_and(|moment| moment >= since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", true)]
    #[case(r#"{"Type":"","Actor":"","Since":"0001-01-01T00:00:00Z","AfterSeq":0}"#, true)]
    #[case(r#"{"Type":"a"}"#, true)]
    #[case(r#"{"Type":"a_"}"#, false)]
    #[case(r#"{"Actor":"x/y"}"#, true)]
    #[case(r#"{"Actor":"x_y"}"#, false)]
    #[case(r#"{"AfterSeq":4}"#, true)]
    #[case(r#"{"AfterSeq":5}"#, false)]
    #[case(r#"{"Since":"2026-04-01T12:00:00.5+02:00"}"#, true)]
    #[case(r#"{"Since":"2026-04-01T10:00:00.500000001Z"}"#, false)]
    #[case(r#"{"Since":"2026-04-01T09:00:00Z"}"#, true)]
    fn filters_are_exact(#[case] filter: &str, #[case] passes: bool) {
        let event = Event::parse(br#"{"seq":5,"type":"a","actor":"x/y","ts":"2026-04-01T10:00:00.5Z"}"#).unwrap();
        assert_eq!(Filter::parse(filter.as_bytes()).unwrap().passes(&event), passes);
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_refused() {
        assert!(Filter::parse(b"{\"Since\":\"soon\"}").is_err());
        assert!(Filter::parse(b"[]").is_err());
    }

    #[test]
    fn the_selector_is_one_that_the_server_takes() {
        let filter = Filter::parse(br#"{"Type":"a b_","Actor":"x/y"}"#).unwrap();
        assert_eq!(filter.selector(), "gc/component=event,gc/type=a_b,gc/actor=x_y");
    }
}
