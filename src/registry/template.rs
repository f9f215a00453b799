//! Command templates: `factory queue add --issue {issue} [--intent {intent}]`.
//!
//! A template is split into words once, by the rules of shell quoting and nothing else of a shell; `{placeholder}`s are
//! filled afterwards, so no value can become two arguments or an option's end. A `[ … ]` group of words disappears when
//! a placeholder in it is empty. `{{`, `}}`, and `[[`, `]]` at the ends of a word, stand for the character itself.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A command line for a worker. Thousands of workers have the same one, so that a clone takes no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// As it was written.
    source: Arc<str>,
    items: Arc<[Item]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Word(Word),
    Group(Vec<Word>),
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Word(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    Placeholder(String),
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    #[error("a quote is not closed")]
    Quote,
    #[error("it has no words")]
    Empty,
    #[error("a '[' group is not closed; write '[[' for a bracket that is meant")]
    UnclosedGroup,
    #[error("a '[' group begins inside another one")]
    NestedGroup,
    #[error("a ']' closes no group; write ']]' for a bracket that is meant")]
    StrayBracket,
    #[error("a '[' group has no placeholder, so nothing decides about it; write '[[' for a bracket that is meant")]
    IdleGroup,
    #[error("the '{{' in {0:?} is not closed; write '{{{{' for a brace that is meant")]
    UnclosedBrace(String),
    #[error("the '}}' in {0:?} closes nothing; write '}}}}' for a brace that is meant")]
    StrayBrace(String),
    #[error("unknown placeholder {{{name}}}; {hint}")]
    Placeholder { name: String, hint: String },
}

impl Template {
    /// Take `text` apart; `known` are the placeholders it may use.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, TemplateError> {
        let words = shell_words::split(text).map_err(|_| TemplateError::Quote)?;
        let mut items = Vec::new();
        let mut group: Option<Vec<Word>> = None;
        for word in &words {
            let (opens, rest) = opening(word);
            let (closes, rest) = closing(&rest);
            let Some(mut members) = begin(group.take(), opens)? else {
                if closes {
                    return Err(TemplateError::StrayBracket);
                }
                items.push(Item::Word(Word::parse(&rest, known)?));
                continue;
            };
            if !rest.is_empty() || !(opens || closes) {
                members.push(Word::parse(&rest, known)?);
            }
            if !closes {
                group = Some(members);
            } else if members.iter().any(Word::has_placeholder) {
                items.push(Item::Group(members));
            } else {
                return Err(TemplateError::IdleGroup);
            }
        }
        if group.is_some() {
            return Err(TemplateError::UnclosedGroup);
        }
        if !matches!(items.first(), Some(Item::Word(_))) {
            return Err(TemplateError::Empty);
        }
        Ok(Self { source: text.into(), items: items.into() })
    }

    /// The arguments, with each `{placeholder}` replaced by its value; a placeholder without a value is empty.
    pub fn fill(&self, values: &[(&str, &str)]) -> Vec<String> {
        let mut filled = Vec::with_capacity(self.items.len());
        for item in self.items.iter() {
            match item {
                Item::Word(word) => filled.push(word.fill(values)),
                Item::Group(words) if words.iter().any(|word| word.is_empty(values)) => {}
                Item::Group(words) => filled.extend(words.iter().map(|word| word.fill(values))),
            }
        }
        filled
    }

    /// Whether `{name}` is in it.
    pub fn uses(&self, name: &str) -> bool {
        self.words().any(|word| word.placeholders().any(|used| used == name))
    }

    /// The program's name, when no placeholder is in it.
    pub fn program(&self) -> Option<&str> {
        match self.words().next()?.0.as_slice() {
            [Segment::Text(text)] => Some(text),
            _ => None,
        }
    }

    fn words(&self) -> impl Iterator<Item = &Word> {
        self.items.iter().flat_map(|item| match item {
            Item::Word(word) => std::slice::from_ref(word),
            Item::Group(words) => words.as_slice(),
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// The group that a word belongs to, if any: the one that is open, or the one that it opens.
fn begin(open: Option<Vec<Word>>, opens: bool) -> Result<Option<Vec<Word>>, TemplateError> {
    match (open, opens) {
        (Some(_), true) => Err(TemplateError::NestedGroup),
        (None, true) => Ok(Some(Vec::new())),
        (open, false) => Ok(open),
    }
}

/// Whether the word opens a group, and the word without that bracket and with `[[` undone.
fn opening(word: &str) -> (bool, String) {
    let rest = word.trim_start_matches('[');
    let brackets = word.len() - rest.len();
    (brackets % 2 == 1, "[".repeat(brackets / 2) + rest)
}

/// The same at the end of a word: whether it closes a group.
fn closing(word: &str) -> (bool, String) {
    let rest = word.trim_end_matches(']');
    let brackets = word.len() - rest.len();
    (brackets % 2 == 1, rest.to_owned() + &"]".repeat(brackets / 2))
}

impl Word {
    fn parse(text: &str, known: &[&str]) -> Result<Self, TemplateError> {
        let mut word = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            word.push_text(&rest[..at]);
            let brace = &rest[at..=at];
            let behind = &rest[at + 1..];
            if let Some(behind) = behind.strip_prefix(brace) {
                word.push_text(brace);
                rest = behind;
            } else if brace == "}" {
                return Err(TemplateError::StrayBrace(text.to_owned()));
            } else {
                let (name, behind) = behind.split_once('}').ok_or_else(|| TemplateError::UnclosedBrace(text.to_owned()))?;
                if !known.contains(&name) {
                    let hint = match known {
                        [] => "this command has none".to_owned(),
                        _ => super::unknown_key::hint(name, known),
                    };
                    return Err(TemplateError::Placeholder { name: name.to_owned(), hint });
                }
                word.0.push(Segment::Placeholder(name.to_owned()));
                rest = behind;
            }
        }
        word.push_text(rest);
        Ok(word)
    }

    fn push_text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Segment::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Segment::Text(text.to_owned())),
        }
    }

    fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Placeholder(name) => Some(name.as_str()),
            Segment::Text(_) => None,
        })
    }

    fn has_placeholder(&self) -> bool {
        self.placeholders().next().is_some()
    }

    /// Whether a placeholder in it has an empty value.
    fn is_empty(&self, values: &[(&str, &str)]) -> bool {
        self.placeholders().any(|name| value(values, name).is_empty())
    }

    fn fill(&self, values: &[(&str, &str)]) -> String {
        let segment = |segment| match segment {
            Segment::Text(text) => text.clone(),
            Segment::Placeholder(name) => value(values, &name).to_owned(),
        };
        self.0.iter().cloned().map(segment).collect()
    }
}

fn value<'a>(values: &[(&str, &'a str)], name: &str) -> &'a str {
    values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const KNOWN: &[&str] = &["project", "issue", "intent"];

    fn filled(template: &str, values: &[(&str, &str)]) -> Vec<String> {
        Template::parse(template, KNOWN).unwrap().fill(values)
    }

    #[rstest]
    #[case("add --issue {issue} [--intent {intent}]", &["add", "--issue", "7", "--intent", "a b"])]
    #[case("add {issue} [ --intent {intent} ] end", &["add", "7", "--intent", "a b", "end"])]
    #[case("add [--intent={intent}]", &["add", "--intent=a b"])]
    #[case("add /data/{project}/p.yaml", &["add", "/data/app/p.yaml"])]
    #[case("add '{intent} x'", &["add", "a b x"])]
    #[case("add {{issue}} [[x]] ''", &["add", "{issue}", "[x]", ""])]
    #[case("add [{intent}]]]", &["add", "a b]"])]
    fn placeholders_are_filled_after_the_split(#[case] template: &str, #[case] words: &[&str]) {
        assert_eq!(filled(template, &[("project", "app"), ("issue", "7"), ("intent", "a b")]), words);
    }

    #[rstest]
    #[case("add [--intent {intent}]", &["add"])]
    #[case("add [--x {issue} {intent}] end", &["add", "end"])]
    #[case("add {intent} {issue}", &["add", "", "7"])]
    fn a_group_goes_when_a_placeholder_in_it_is_empty(#[case] template: &str, #[case] words: &[&str]) {
        assert_eq!(filled(template, &[("issue", "7"), ("intent", "")]), words);
    }

    #[rstest]
    #[case("", TemplateError::Empty)]
    #[case("[{issue}]", TemplateError::Empty)]
    #[case("a 'b", TemplateError::Quote)]
    #[case("a [b {issue}", TemplateError::UnclosedGroup)]
    #[case("a [b [c {issue}]]", TemplateError::NestedGroup)]
    #[case("a b]", TemplateError::StrayBracket)]
    #[case("a [b]", TemplateError::IdleGroup)]
    #[case("a {issue", TemplateError::UnclosedBrace("{issue".to_owned()))]
    #[case("a issue}", TemplateError::StrayBrace("issue}".to_owned()))]
    fn what_is_wrong_is_told(#[case] template: &str, #[case] error: TemplateError) {
        assert_eq!(Template::parse(template, KNOWN), Err(error));
    }

    #[test]
    fn a_template_knows_its_program_and_what_it_uses() {
        let template = Template::parse("factory add {issue} [{intent}]", KNOWN).unwrap();
        assert_eq!(template.program(), Some("factory"));
        assert!(template.uses("issue") && template.uses("intent") && !template.uses("project"));
        assert_eq!(Template::parse("{project} x", KNOWN).unwrap().program(), None);
    }

    proptest! {
        #[test]
        fn no_value_becomes_two_arguments_or_none(project in "\\PC{1,40}", issue in "[\\[\\]{}'\" $;\n-]{1,20}", intent in ".{0,40}") {
            let values = [("project", project.as_str()), ("issue", issue.as_str()), ("intent", intent.as_str())];
            let words = filled("add --project {project} --issue={issue} [--intent {intent}]", &values);
            let mut expected = vec!["add".to_owned(), "--project".to_owned(), project.clone(), format!("--issue={issue}")];
            if !intent.is_empty() {
                expected.extend(["--intent".to_owned(), intent.clone()]);
            }
            prop_assert_eq!(words, expected);
        }

        #[test]
        fn any_text_is_refused_or_filled_without_a_panic(text in "[a-z\\[\\]{}'\"\\\\ ]{0,40}") {
            if let Ok(template) = Template::parse(&text, &["a", "b"]) {
                let most = template.fill(&[("a", "x"), ("b", "x")]).len();
                prop_assert!(template.fill(&[]).len() <= most && most > 0);
                prop_assert_eq!(Template::parse(&template.to_string(), &["a", "b"]), Ok(template));
            }
        }

        #[test]
        fn quoted_words_come_back_as_they_were(words in prop::collection::vec("[^\0{}\\[\\]]{0,12}", 1..6)) {
            let template = Template::parse(&shell_words::join(&words), &[]).unwrap();
            prop_assert_eq!(template.fill(&[]), words);
        }
    }
}
