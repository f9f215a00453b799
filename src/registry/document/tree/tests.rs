//! What is read is what serde_yaml reads, where both can.

use proptest::prelude::*;
use serde_yaml::Value as Yaml;

use super::*;

/// Whether both say the same. A number is a text to us.
fn is_alike(node: &Node<'_>, yaml: &Yaml) -> bool {
    match (&node.value, yaml) {
        (_, Yaml::Tagged(tagged)) => is_alike(node, &tagged.value),
        (Value::Nothing, Yaml::Null) | (Value::Text(_), Yaml::Bool(_) | Yaml::Number(_)) => true,
        (Value::Text(text), Yaml::String(string)) => text == string,
        (Value::List(items), Yaml::Sequence(values)) => {
            items.len() == values.len() && items.iter().zip(values).all(|(item, value)| is_alike(item, value))
        }
        (Value::Mapping(pairs), Yaml::Mapping(entries)) => {
            let mut both = pairs.iter().zip(entries);
            pairs.len() == entries.len() && both.all(|((key, item), (name, value))| is_alike(key, name) && is_alike(item, value))
        }
        _ => false,
    }
}

/// Keys and values as a registry has them, as lines of a block, or in braces.
fn entries() -> impl Strategy<Value = String> {
    let value = r#"[a-z0-9/.~-]{1,8}|'[ -&(-~]{0,12}'|"[ !#-Z^-~]{0,12}"|[a-z]{1,5}( [a-z]{1,5}){0,3}|null|~|0x1f|1e3|true|\|\n      [a-z ]{1,9}|"#;
    let key = "name|pod|local|context|tmux|view";
    let line = (key, value).prop_map(|(key, value)| format!("{key}: {value}"));
    prop::collection::vec(prop::collection::vec(line, 1..4), 0..4).prop_map(|entries| {
        let entry = |lines: &Vec<String>| format!("  - {}\n", lines.join("\n    "));
        format!("workers:\n{}# end\nactive: 5m\n", entries.iter().map(entry).collect::<String>())
    })
}

proptest! {
    #[test]
    fn a_registry_is_read_as_serde_yaml_reads_it(text in entries()) {
        // It refuses keys that are there twice, which is for a section to say.
        if let Ok(yaml) = serde_yaml::from_str::<Yaml>(&text) {
            let tree = read(&text);
            prop_assert!(tree.as_ref().is_ok_and(|tree| tree.as_ref().is_some_and(|node| is_alike(node, &yaml))), "{text}\n{tree:?}");
        }
    }

    /// Not at the root of the text, where a block scalar needs no indentation for one of the two.
    #[test]
    fn what_both_read_says_the_same_to_both(rest in "(a: |b: |- |  |\n|x|y z|'q'|\"r\"|\\{|\\}|\\[|\\]|, |&a |\\*a |~|null|# c|\\||>){0,24}") {
        let text = format!("k: {rest}");
        if let (Ok(yaml), Ok(Some(node))) = (serde_yaml::from_str::<Yaml>(&text), read(&text)) {
            prop_assert!(is_alike(&node, &yaml), "{text}\n{node:?}\n{yaml:?}");
        }
    }
}
