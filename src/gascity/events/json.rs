//! JSON on one line, byte for byte as it was otherwise.

/// Valid JSON without the white space between its tokens. Numbers keep their digits, and strings their spelling.
pub fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let kept = json.chars().filter(|&c| {
        let keep = quoted || !c.is_ascii_whitespace();
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        keep
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn only_the_space_between_tokens_goes() {
        let json = "{ \"a b\" :\n[ 1e400, \"x\\\" y\\\\\" ,\t123456789012345678901234567890 ] }";
        assert_eq!(compact(json), "{\"a b\":[1e400,\"x\\\" y\\\\\",123456789012345678901234567890]}");
    }

    proptest! {
        #[test]
        fn the_value_stays(texts in prop::collection::vec(".{0,20}", 0..6)) {
            let value = Value::from(texts);
            let spread = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&spread), value.to_string());
        }
    }
}
