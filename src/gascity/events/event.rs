//! An event: `seq`, `type`, `ts`, `actor`, and whatever else Gas City says of it, kept as it was said.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::json;
use crate::gascity::time;

/// Gas City reads lines with Go's `bufio.Scanner`, which gives up at this many bytes, and with it the whole watch.
const LINE_LIMIT: usize = 64 * 1024;
/// The fields that Gas City knows, in its order.
const ORDER: [&str; 7] = ["seq", "type", "ts", "actor", "subject", "message", "payload"];

/// One event. Each field keeps the text that it had.
#[derive(Debug, Clone)]
pub struct Event {
    fields: BTreeMap<String, Box<RawValue>>,
    seq: u64,
}

impl Event {
    /// Read what Gas City wants to be recorded.
    ///
    /// # Errors
    /// It is no event, in words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(text).map_err(|error| format!("the event is no JSON object: {error}"))?;
        let mut event = Self { fields, seq: 0 };
        for field in ["type", "actor", "ts"] {
            if event.fields.contains_key(field) && event.text(field).is_none() {
                return Err(format!("the event's {field} is no string"));
            }
        }
        if let Some(ts) = event.text("ts").filter(|ts| !ts.is_empty() && time::parse(ts).is_none()) {
            return Err(format!("the event's ts {ts:?} is no time (RFC 3339)"));
        }
        event.seq = event.fields.get("seq").and_then(|seq| seq.get().parse().ok()).unwrap_or(0);
        Ok(event)
    }

    /// Read an event out of the store, from the ConfigMap of this name.
    ///
    /// # Errors
    /// Also when it has no number.
    pub fn stored(text: &str, name: &str) -> Result<Self, String> {
        let mut event = Self::parse(text.as_bytes())?;
        if event.seq == 0 {
            let number = name.rsplit('-').next().and_then(|digits| digits.parse().ok());
            event.seq = number.filter(|&seq| seq > 0).ok_or("the event has no number")?;
            event.set("seq", &event.seq.to_string());
        }
        Ok(event)
    }

    /// The same event with this number, and a time unless it has one.
    pub fn numbered(&self, seq: u64) -> Self {
        let mut event = self.clone();
        event.seq = seq;
        event.set("seq", &seq.to_string());
        if event.text("ts").and_then(|ts| time::parse_set(&ts)).is_none() {
            event.set("ts", &format!("{:?}", time::now()));
        }
        event
    }

    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// A field that is a string.
    pub fn text(&self, field: &str) -> Option<String> {
        serde_json::from_str(self.fields.get(field)?.get()).ok()
    }

    /// When it happened.
    pub fn moment(&self) -> Option<time::Moment> {
        time::parse_set(&self.text("ts")?)
    }

    /// It on one line, without the line's end.
    pub fn line(&self) -> String {
        let known = ORDER.iter().filter_map(|&name| self.fields.get_key_value(name));
        let others = self.fields.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
        let fields = known.chain(others).map(|(name, value)| {
            let name = serde_json::Value::from(name.as_str());
            format!("{name}:{}", json::compact(value.get()))
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    /// Whether Gas City can read it as a line of a watch, whatever its number becomes.
    ///
    /// # Errors
    /// How long its line is.
    pub fn check_length(&self) -> Result<(), String> {
        match self.numbered(u64::MAX).line().len() + 1 {
            fits if fits < LINE_LIMIT => Ok(()),
            bytes => Err(format!("the event is a line of {bytes} bytes; Gas City's watchers read less than 64 KiB")),
        }
    }

    /// The same without what makes it too long to be read: first its payload goes, then the other fields but the first four.
    pub fn shortened(&self) -> Self {
        let mut event = self.clone();
        event.fields.remove("payload");
        if event.check_length().is_err() {
            event.fields.retain(|name, value| ORDER[..4].contains(&name.as_str()) && value.get().len() < 4096);
        }
        event
    }

    fn set(&mut self, field: &str, json: &str) {
        if let Ok(value) = RawValue::from_string(json.to_owned()) {
            self.fields.insert(field.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn event(text: &str) -> Event {
        Event::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn everything_stays_as_it_was_said() {
        let said = "{\"type\":\"a\",\n \"ts\":\"2026-04-01T12:00:00.123456789+02:00\", \"payload\": {\"n\": 1e400, \"b\": 12345678901234567890},\
                    \"new\":[1, 2],\"actor\":\"x\",\"seq\":0}";
        let line = event(said).numbered(7).line();
        let expected = "{\"seq\":7,\"type\":\"a\",\"ts\":\"2026-04-01T12:00:00.123456789+02:00\",\"actor\":\"x\",\
                        \"payload\":{\"n\":1e400,\"b\":12345678901234567890},\"new\":[1,2]}";
        assert_eq!(line, expected);
    }

    #[rstest]
    #[case(r#"{"type":"a","ts":"0001-01-01T00:00:00Z"}"#)]
    #[case(r#"{"type":"a","ts":""}"#)]
    #[case(r#"{"type":"a"}"#)]
    fn an_event_without_a_time_gets_one(#[case] said: &str) {
        assert!(event(said).numbered(1).moment().is_some());
    }

    #[rstest]
    #[case("[]", "no JSON object")]
    #[case("", "no JSON object")]
    #[case(r#"{"type":7}"#, "type is no string")]
    #[case(r#"{"ts":"now"}"#, "is no time")]
    fn what_is_no_event_is_refused(#[case] said: &str, #[case] why: &str) {
        assert!(Event::parse(said.as_bytes()).unwrap_err().contains(why));
    }

    #[test]
    fn a_line_that_scanners_give_up_on_is_too_long() {
        let long = |bytes: usize| event(&format!(r#"{{"type":"a","message":"{}"}}"#, "x".repeat(bytes)));
        let overhead = long(0).numbered(u64::MAX).line().len() + 1;
        assert!(long(LINE_LIMIT - 1 - overhead).check_length().is_ok());
        let too_long = long(LINE_LIMIT - overhead);
        assert!(too_long.check_length().is_err());
        assert!(too_long.numbered(3).shortened().check_length().is_ok());
        assert_eq!(too_long.numbered(3).shortened().seq(), 3);
    }

    #[test]
    fn a_number_may_stand_in_the_name_alone() {
        assert_eq!(Event::stored(r#"{"type":"a"}"#, "gc-evt-0000000012").unwrap().seq(), 12);
        assert!(Event::stored(r#"{"type":"a"}"#, "gc-evt-x").is_err());
    }
}
