//! Files of variables: `NAME=VALUE` lines, as `docker --env-file` and shells take them.

/// The variables of a file, in its order.
///
/// A line is `NAME=VALUE`, with `export` before it or not. A value in single quotes is taken as it is, one in double quotes
/// may have `\n`, `\"` and `\\` in it, and one without quotes ends before ` #`.
///
/// # Errors
/// A line is none of this; the text names its number and never its value.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut variables = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = |what: &str| format!("line {}: {what}", number + 1);
        let assignment = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = assignment.split_once('=').ok_or_else(|| at("it is no NAME=VALUE"))?;
        if !is_name(name) {
            return Err(at("a name has letters, digits and _, and begins with no digit"));
        }
        variables.push((name.to_owned(), unquoted(value).map_err(at)?));
    }
    Ok(variables)
}

fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(word) && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn unquoted(text: &str) -> Result<String, &'static str> {
    let open = "a quote is not closed, or something follows it";
    match text.chars().next() {
        Some('\'') => text[1..].strip_suffix('\'').filter(|inner| !inner.contains('\'')).map(str::to_owned).ok_or(open),
        Some('"') => escaped(&text[1..]).ok_or(open),
        _ => Ok(text.split(" #").next().unwrap_or_default().trim_end().to_owned()),
    }
}

/// What stands before a closing double quote, which has to be the last character.
fn escaped(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(value),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn variables_are_read_as_shells_would() {
        let text = "# tokens\n\nA=plain # remark\nexport B='single # $x'\nC=\"two\\nlines \\\"quoted\\\"\"\n  D=a=b\nE=\nF=x#y\n";
        let expected =
            [("A", "plain"), ("B", "single # $x"), ("C", "two\nlines \"quoted\""), ("D", "a=b"), ("E", ""), ("F", "x#y")];
        let expected: Vec<_> = expected.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(parse(text), Ok(expected));
    }

    proptest! {
        #[test]
        fn quoted_values_come_back_as_they_were(variables in prop::collection::vec(("[A-Za-z_][A-Za-z0-9_]{0,6}", "[^\r\0]{0,12}"), 0..5)) {
            let double = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
            let written: String = variables.iter().map(|(name, value)| format!("export {name}={}\n", double(value))).collect();
            // What ends a line for `lines` but is no line feed stays in its value.
            prop_assert_eq!(parse(&written), Ok(variables.clone()));
            let plain: Vec<_> = variables.into_iter().filter(|(_, value)| !value.contains(['\'', '\n'])).collect();
            let written: String = plain.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect();
            prop_assert_eq!(parse(&written), Ok(plain));
        }

        #[test]
        fn any_text_is_variables_or_the_number_of_a_line(text in "([A-Z=\"' #\\\\]|\\PC|\n){0,40}") {
            match parse(&text) {
                Ok(variables) => prop_assert!(variables.len() <= text.lines().count()),
                Err(reason) => prop_assert!(reason.starts_with("line ") && reason.lines().count() == 1, "{}", reason),
            }
        }
    }

    #[rstest]
    #[case("A=1\nsecret-token", "line 2: it is no NAME=VALUE")]
    #[case("A B=secret-token", "line 1: a name has letters")]
    #[case("1A=secret-token", "line 1: a name has letters")]
    #[case("A='secret-token", "line 1: a quote is not closed")]
    #[case("A=\"secret-token\" x", "line 1: a quote is not closed")]
    fn what_is_wrong_is_said_by_its_line_and_never_with_its_value(#[case] text: &str, #[case] said: &str) {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with(said) && !error.contains("secret-token"), "{error}");
    }
}
