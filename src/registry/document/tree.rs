//! The text of the file as a tree: texts, lists and mappings, each with its place. Events are read once, one after the other, so that
//! time and memory follow the size of the text, whatever is in it.
//!
//! serde_yaml cannot do that: libyaml beneath it looks at every open bracket for every token (`yaml_parser_stale_simple_keys`), so
//! that 100,000 brackets take minutes; it tells the place of an error alone, and cannot go on behind one; and it does not tell `"null"`
//! from `null` where a text is read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::place::{Fault, Place};

/// Deeper is nothing that a registry has.
const DEPTH_LIMIT: usize = 32;
/// What aliases may repeat in all: see [`Node::weight`].
const REPEAT_LIMIT: usize = 4 << 20;

/// A value of the file, and where it begins.
#[derive(Debug, Clone)]
pub struct Node<'t> {
    pub place: Place,
    pub value: Value<'t>,
}

/// What is written there. Every scalar is a text, but for one that is nothing: that is for the reader of the value to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'t> {
    /// Nothing, or `null` or `~` without quotes.
    Nothing,
    Text(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Mapping(Vec<(Node<'t>, Node<'t>)>),
}

/// Two are the same wherever they stand.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Node<'_> {}

impl<'t> Node<'t> {
    /// As messages call it.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Nothing => "nothing",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, wanted: &str) -> Option<&Node<'t>> {
        let Value::Mapping(pairs) = &self.value else { return None };
        pairs.iter().find(|(key, _)| matches!(&key.value, Value::Text(text) if text == wanted)).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, wanted: &str) -> Option<&mut Node<'t>> {
        let Value::Mapping(pairs) = &mut self.value else { return None };
        pairs.iter_mut().find(|(key, _)| matches!(&key.value, Value::Text(text) if text == wanted)).map(|(_, value)| value)
    }

    /// What it takes in memory, in bytes, roughly.
    fn weight(&self) -> usize {
        64 + match &self.value {
            Value::Nothing => 0,
            Value::Text(text) => text.len(),
            Value::List(items) => items.iter().map(Node::weight).sum(),
            Value::Mapping(pairs) => pairs.iter().map(|(key, value)| key.weight() + value.weight()).sum(),
        }
    }
}

/// The tree of the only document of the text; `None` when the text says nothing.
///
/// # Errors
/// It is no YAML; or it has two documents, or more of something than a registry can need.
pub fn read(text: &str) -> Result<Option<Node<'_>>, Fault> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| refused(text, &error))?;
        tree.take(event, place(&span))?;
    }
    Ok(tree.root)
}

#[derive(Default)]
struct Tree<'t> {
    documents: usize,
    root: Option<Node<'t>>,
    open: Vec<Open<'t>>,
    /// By the parser's numbers; `None` is one that has not ended yet.
    anchors: BTreeMap<usize, Option<Node<'t>>>,
    repeated: usize,
}

/// A list or mapping of which more is to come.
struct Open<'t> {
    place: Place,
    /// 0 is none.
    anchor: usize,
    /// Of a mapping keys and values, by turns.
    items: Vec<Node<'t>>,
    is_mapping: bool,
}

impl<'t> Tree<'t> {
    fn take(&mut self, event: Event<'t>, place: Place) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Fault::new(place, "a registry is one YAML document, and a second one begins here"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let untagged = tag.is_none_or(|tag| tag.is_yaml_core_schema() && tag.suffix == "null");
                let is_nothing = style == ScalarStyle::Plain && untagged && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if is_nothing { Value::Nothing } else { Value::Text(text) };
                self.put(Node { place, value }, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(place, anchor, false)?,
            Event::MappingStart(anchor, _) => self.begin(place, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => {
                let meant = self.anchors.get(&anchor).cloned().flatten();
                let meant = meant.ok_or_else(|| Fault::new(place, "an alias may not stand in what it stands for"))?;
                self.repeat(&meant, place)?;
                self.put(Node { place, ..meant }, 0)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, place: Place, anchor: usize, is_mapping: bool) -> Result<(), Fault> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(too_deep(place));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Open { place, anchor, items: Vec::new(), is_mapping });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let Some(Open { place, anchor, items, is_mapping }) = self.open.pop() else { return Ok(()) };
        let value = if is_mapping { Value::Mapping(pairs(items)) } else { Value::List(items) };
        self.put(Node { place, value }, anchor)
    }

    fn put(&mut self, node: Node<'t>, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            self.repeat(&node, node.place)?;
            self.anchors.insert(anchor, Some(node.clone()));
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }

    /// One more copy is about to be made.
    fn repeat(&mut self, node: &Node<'t>, place: Place) -> Result<(), Fault> {
        self.repeated += node.weight();
        if self.repeated > REPEAT_LIMIT {
            return Err(Fault::new(place, "anchors and aliases repeat too much; write out what is meant"));
        }
        Ok(())
    }
}

fn pairs<'t>(items: Vec<Node<'t>>) -> Vec<(Node<'t>, Node<'t>)> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

fn too_deep(place: Place) -> Fault {
    Fault::new(place, format!("this is nested deeper than {DEPTH_LIMIT} times, which no registry is"))
}

/// The parser's error, with what is at the bottom of it where that is seen from the text.
fn refused(text: &str, error: &ScanError) -> Fault {
    let marker = error.marker();
    let place = Place { line: marker.line(), column: marker.col() + 1 };
    if error.info() == "recursion limit exceeded" {
        return too_deep(place);
    }
    if error.info().starts_with("invalid indentation") {
        let reason = "what is in brackets or quotes has to be indented further than the key that it belongs to";
        return Fault::new(place, reason);
    }
    match tab(text, place, error.info()) {
        Some(place) => {
            Fault::new(place, "here is a tab; YAML wants spaces for the indentation of a line, and behind a \"-\" or \":\"")
        }
        None => Fault::new(place, first_things_first(&error.info().replace(char::is_control, " "))),
    }
}

/// "while parsing a node, did not find …" begins with what is wrong.
fn first_things_first(info: &str) -> String {
    match info.split_once(", ").filter(|(begin, _)| begin.starts_with("while ")) {
        Some((meanwhile, wrong)) => format!("{wrong}, {meanwhile}"),
        None => info.to_owned(),
    }
}

/// A tab that indents the line in which the parser gave up, or stands right before that place; or one that indents the next line, when the
/// parser says that it has met one.
fn tab(text: &str, place: Place, info: &str) -> Option<Place> {
    let mut lines = text.split('\n').skip(place.line - 1);
    let (line, next) = (lines.next()?, lines.next().filter(|_| info.contains("tab")));
    let indenting = |line: &str| line.chars().take_while(|c| matches!(c, ' ' | '\t' | '-')).position(|c| c == '\t');
    let near = || {
        let before: Vec<char> = line.chars().take(place.column).collect();
        before.iter().rposition(|&c| c == '\t').filter(|at| at + 2 >= place.column)
    };
    let here = indenting(line).or_else(near).map(|at| Place { column: at + 1, ..place });
    here.or_else(|| next.and_then(indenting).map(|at| Place { line: place.line + 1, column: at + 1 }))
}

#[cfg(test)]
mod tests;
