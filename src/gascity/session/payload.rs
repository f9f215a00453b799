//! What Gas City says of an agent that it wants started. What it says beyond this is newer, and left alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::terminal::line_ends;

/// The city's directory in every pod.
pub const WORKSPACE: &str = "/workspace";

/// The JSON of `start`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Payload {
    /// A directory on the controller.
    #[serde(deserialize_with = "or_default")]
    pub work_dir: String,
    /// For a shell in the pod.
    #[serde(deserialize_with = "or_default")]
    pub command: String,
    #[serde(deserialize_with = "variables")]
    pub env: BTreeMap<String, String>,
    /// What the agent is told first.
    #[serde(deserialize_with = "typed")]
    pub nudge: String,
    /// How the line begins on which the agent waits for that.
    #[serde(deserialize_with = "or_default")]
    pub ready_prompt_prefix: String,
    /// How long to wait for it when no line says it, in milliseconds.
    #[serde(deserialize_with = "or_default")]
    pub ready_delay_ms: u64,
    #[serde(deserialize_with = "or_default")]
    pub pre_start: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub session_setup: Vec<String>,
    /// A file on the controller.
    #[serde(deserialize_with = "or_default")]
    pub session_setup_script: String,
    #[serde(deserialize_with = "or_default")]
    pub session_live: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub pack_overlay_dirs: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub overlay_dir: String,
    #[serde(deserialize_with = "or_default")]
    pub copy_files: Vec<CopyFile>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CopyFile {
    pub src: String,
    pub rel_dst: String,
}

impl Payload {
    /// # Errors
    /// It is none, in words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // serde would take a list for the fields in their order.
        if !text.trim_ascii().starts_with(b"{") {
            return Err("the session's description makes no sense: it is no JSON object".to_owned());
        }
        serde_json::from_slice(text).map_err(|error| format!("the session's description makes no sense: {error}"))
    }

    /// The city's directory on the controller, empty without one.
    pub fn city(&self) -> &str {
        self.env.get("GC_CITY").map_or("", String::as_str)
    }

    /// The agent's directory in the pod: it lies in the workspace as it lies in the city.
    pub fn directory(&self) -> String {
        let below = self.work_dir.strip_prefix(self.city()).and_then(|rest| rest.strip_prefix('/'));
        match below {
            Some(below) if !self.city().is_empty() && !below.is_empty() => format!("{WORKSPACE}/{below}"),
            _ => WORKSPACE.to_owned(),
        }
    }
}

/// Go writes `null` for a list that nobody has made.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A text that is to be typed.
fn typed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    or_default(deserializer).map(|text: String| line_ends::unified(&text))
}

/// Values that are no strings are taken as they are written.
fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values: Option<BTreeMap<String, Value>> = Option::deserialize(deserializer)?;
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(values.unwrap_or_default().into_iter().map(|(name, value)| (name, text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_null_or_new_harms_nobody() {
        let text = br#"{"command":"claude","env":{"A":"b","N":7},"pre_start":null,"lifecycle":{"x":1},
            "copy_files":[{"src":"/a","rel_dst":"b","probed":true}]}"#;
        let payload = Payload::parse(text).unwrap();
        assert_eq!((payload.command.as_str(), payload.env["N"].as_str(), payload.pre_start.len()), ("claude", "7", 0));
        assert_eq!(payload.copy_files, [CopyFile { src: "/a".to_owned(), rel_dst: "b".to_owned() }]);
        assert_eq!(Payload::parse(b"").unwrap(), Payload::default());
        assert!(Payload::parse(b"{\"command\":7}").is_err());
    }

    #[test]
    fn what_is_typed_has_one_kind_of_line_ends() {
        let payload = Payload::parse(br#"{"nudge":"one\r\ntwo\rthree"}"#).unwrap();
        assert_eq!(payload.nudge, "one\ntwo\nthree");
    }
}
