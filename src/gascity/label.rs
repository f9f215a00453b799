//! Values of labels, as Gas City's scripts make them of names.

/// The most characters of a label's value, and of a pod's name.
pub const LIMIT: usize = 63;
/// The value that stands for none.
pub const UNKNOWN: &str = "unknown";

/// A value that the API server takes: what is no letter, digit, `.`, `_` or `-` becomes `other`, and it begins and ends with
/// a letter or digit.
pub fn value(text: &str, other: char) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { other };
    let edge = |c: char| !c.is_ascii_alphanumeric();
    let all: String = text.chars().map(plain).collect();
    let begun: String = all.trim_matches(edge).chars().take(LIMIT).collect();
    match begun.trim_end_matches(edge) {
        "" => UNKNOWN.to_owned(),
        value => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_the_scripts_where_the_server_takes_those() {
        assert_eq!(value("session.woke", '_'), "session.woke");
        assert_eq!(value("rig/worker one", '_'), "rig_worker_one");
        assert_eq!(value("trailing_", '_'), "trailing");
        assert_eq!(value("", '_'), UNKNOWN);
        assert_eq!(value("日本", '_'), UNKNOWN);
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_value_that_the_server_takes(text in ".{0,100}") {
            let value = value(&text, '_');
            let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            prop_assert!(value.len() <= LIMIT && edge(value.chars().next()) && edge(value.chars().last()), "{value}");
        }
    }
}
