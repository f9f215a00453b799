//! Objects as YAML that every reader understands alike. kubectl reads YAML 1.1, in which `on` and `012` are no text.

use serde_json::{Map, Value};

/// Words that are something else than text to one reader or another.
const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

/// The objects as one text, `---` between them.
pub fn documents(objects: &[Value]) -> String {
    let texts = objects.iter().map(|object| {
        let mut text = String::new();
        block(object, 0, &mut text);
        text
    });
    texts.collect::<Vec<_>>().join("---\n")
}

/// A value on lines of its own, indented by `indent`.
fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => mapping(fields, indent, out),
        Value::Array(items) if !items.is_empty() => items.iter().for_each(|item| list_item(item, indent, out)),
        flat => line(&inline(flat), indent, out),
    }
}

fn mapping(fields: &Map<String, Value>, indent: usize, out: &mut String) {
    for (key, value) in fields {
        let key = text(key);
        if is_nested(value) {
            line(&format!("{key}:"), indent, out);
            // A list stands as far left as its key, as kubectl writes it.
            block(value, if value.is_array() { indent } else { indent + 2 }, out);
        } else {
            line(&format!("{key}: {}", inline(value)), indent, out);
        }
    }
}

fn list_item(item: &Value, indent: usize, out: &mut String) {
    if !is_nested(item) {
        return line(&format!("- {}", inline(item)), indent, out);
    }
    let mut inner = String::new();
    block(item, indent + 2, &mut inner);
    // The dash takes the place of the first line's indentation.
    out.push_str(&" ".repeat(indent));
    out.push_str("- ");
    out.push_str(&inner[indent + 2..]);
}

fn line(words: &str, indent: usize, out: &mut String) {
    out.push_str(&" ".repeat(indent));
    out.push_str(words);
    out.push('\n');
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// A scalar, `{}` or `[]`.
fn inline(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// Text, in JSON's quotes unless it cannot be taken for anything else.
fn text(string: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_');
    let begins = string.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let word = WORDS.contains(&string.to_lowercase().as_str());
    if begins && string.chars().all(plain) && !word { string.to_owned() } else { Value::from(string).to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn it_looks_as_kubectl_writes_it() {
        let object =
            json!({"kind": "X", "a": {"b": ["c", {"d": 1, "e": {"f": []}}, ["g"]]}, "on": "on", "n": null, "t": "a b\n"});
        let expected =
            "a:\n  b:\n  - c\n  - d: 1\n    e:\n      f: []\n  - - g\nkind: X\n\"n\": null\n\"on\": \"on\"\nt: \"a b\\n\"\n";
        assert_eq!(documents(&[object]), expected);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec![
            "on",
            "No",
            "~",
            "012",
            "0x1f",
            "1e3",
            "2025-01-01",
            "1_000",
            ".5",
            "- a",
            "a: b",
            "#",
            "=",
            "<<",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            words.prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z:# ~]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_read_back_as_it_was(value in any_value()) {
            let read: Value = serde_yaml::from_str(&documents(std::slice::from_ref(&value))).unwrap();
            prop_assert_eq!(read, value);
        }
    }
}
