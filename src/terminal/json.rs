//! JSON for programs, on one line, that a person may well read on a terminal.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::neutralise;

/// The value on a line of its own. Characters that a terminal or a reader could be deceived by are escaped, so that a
/// program gets them as they are and a terminal does not.
///
/// # Errors
/// It could not be written.
pub fn write_line(mut out: impl io::Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut out, Harmless))?;
    out.write_all(b"\n")
}

struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(neutralise::deceives) {
            out.write_all(&rest.as_bytes()[..at])?;
            let mut behind = rest[at..].chars();
            for unit in behind.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = behind.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    /// JSON that is passed on as it is: what deceives is in its strings, and a line end is between its values.
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for line in fragment.split(['\n', '\r', '\t']) {
            self.write_string_fragment(out, line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;

    fn line(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write_line(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_deceives_is_escaped() {
        let hostile = json!({ "a\u{9b}": "x\u{202e}\u{7f}\u{e0041}ü\u{1b}" });
        assert_eq!(line(&hostile), "{\"a\\u009b\":\"x\\u202e\\u007f\\udb40\\udc41ü\\u001b\"}\n");
    }

    #[test]
    fn foreign_json_is_put_on_one_line() {
        let raw = RawValue::from_string("[ 1,\n\t\"\u{9b}\"\n]".to_owned()).unwrap();
        assert_eq!(line(&raw), "[ 1,\"\\u009b\"]\n");
    }

    proptest! {
        #[test]
        fn a_program_reads_what_was_written(text in any::<String>()) {
            let line = line(&json!([text]));
            prop_assert!(!line.trim_end_matches('\n').contains(neutralise::deceives));
            prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), json!([text]));
        }
    }
}
