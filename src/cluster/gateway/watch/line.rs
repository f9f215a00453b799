//! What a line of a watch says.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cluster::gateway::{Answer, refusal};
use crate::failure::{Failure, Kind};

/// What has become of an object.
#[derive(Debug)]
pub enum Change {
    /// It is there, as it is now.
    There(Box<RawValue>),
    /// It is gone; as it was last.
    Gone(Box<RawValue>),
    /// Everything up to this version has been told.
    UpTo(String),
}

/// Why a watch is over.
#[derive(Debug)]
pub enum Over {
    /// The server ends each after some time.
    Ended,
    /// The connection was cut.
    Cut,
    /// The server has forgotten what happened since the version (410): only a list knows what there is.
    Expired,
    /// It has said something else than it may.
    Failed(Failure),
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    object: Box<RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Bookmark {
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    resource_version: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: u16,
}

/// Take a line apart, which may have its line end.
///
/// # Errors
/// It says that the watch is over, or nothing.
pub fn understood(line: &[u8]) -> Result<Change, Over> {
    let Ok(Line { kind, object }) = serde_json::from_slice(line) else { return Err(nonsense()) };
    match kind.as_str() {
        "ADDED" | "MODIFIED" => Ok(Change::There(object)),
        "DELETED" => Ok(Change::Gone(object)),
        "BOOKMARK" => match serde_json::from_str(object.get()) {
            Ok(Bookmark { metadata: Metadata { resource_version } }) if !resource_version.is_empty() => {
                Ok(Change::UpTo(resource_version))
            }
            _ => Err(nonsense()),
        },
        "ERROR" => match serde_json::from_str::<Status>(object.get()) {
            Ok(Status { code: 410 }) => Err(Over::Expired),
            Ok(Status { code }) => Err(Over::Failed(refusal(&Answer { status: code, body: object.get().as_bytes().to_vec() }))),
            Err(_) => Err(nonsense()),
        },
        _ => Err(nonsense()),
    }
}

fn nonsense() -> Over {
    Over::Failed(Failure::new(Kind::Incomplete, "the API server's answer makes no sense: a line of a watch that says nothing"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"type":"ADDED","object":{"a":1}}"#, r#"there {"a":1}"#)]
    #[case(r#"{"object":{"a": 1},"type":"MODIFIED","more":1}"#, r#"there {"a": 1}"#)]
    #[case(r#"{"type":"DELETED","object":{}}"#, "gone {}")]
    #[case(r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7","creationTimestamp":null}}}"#, "up to 7")]
    #[case(r#"{"type":"BOOKMARK","object":{"metadata":{}}}"#, "makes no sense")]
    #[case(r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#, "expired")]
    #[case(r#"{"type":"ERROR","object":{"code":500,"reason":"InternalError","message":"etcd \u001b[31m"}}"#, "etcd")]
    #[case(r#"{"type":"ERROR","object":"no"}"#, "makes no sense")]
    #[case(r#"{"type":"RENAMED","object":{}}"#, "makes no sense")]
    #[case(r#"{"type":"ADDED"}"#, "makes no sense")]
    #[case(r#"{"type":"ADDED","object":{"#, "makes no sense")]
    #[case("", "makes no sense")]
    #[case("<html>", "makes no sense")]
    fn a_line_says_what_has_become_of_an_object(#[case] line: &str, #[case] expected: &str) {
        let said = match understood(line.as_bytes()) {
            Ok(Change::There(object)) => format!("there {object}"),
            Ok(Change::Gone(object)) => format!("gone {object}"),
            Ok(Change::UpTo(version)) => format!("up to {version}"),
            Err(Over::Expired) => "expired".to_owned(),
            Err(Over::Failed(failure)) => failure.reason,
            Err(over) => panic!("{over:?}"),
        };
        assert!(said.contains(expected) && !said.contains('\u{1b}'), "{said}");
    }

    proptest! {
        #[test]
        fn a_line_cut_anywhere_says_nothing(at in 0..60usize) {
            let line = r#"{"type":"ADDED","object":{"metadata":{"name":"a","uid":"b"}}}"#;
            prop_assert!(matches!(understood(&line.as_bytes()[..at]), Err(Over::Failed(_))));
        }
    }
}
