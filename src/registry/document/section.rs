//! Reading one value of the file: a text that is checked, a mapping whose keys are known, or a list.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::place::Fault;
use super::tree::{Node, Value};
use crate::registry::unknown_key;

/// The value of `key`, a text, made into something by `make`.
///
/// # Errors
/// It is no text, or `make` says what is wrong with it.
pub fn text<T, E: Display>(key: &str, node: &Node<'_>, make: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Fault> {
    let fault = |reason: String| Fault::new(node.place, reason);
    let text = match &node.value {
        Value::Text(text) if !text.is_empty() => text,
        Value::Text(_) | Value::Nothing => return Err(fault(format!("{key:?} has no value; give it one or leave it out"))),
        Value::List(_) | Value::Mapping(_) => return Err(fault(format!("{key:?} is a text, and this is {}", node.kind()))),
    };
    if let Some(found) = text.chars().find(|&c| c.is_control() && c != '\n' && c != '\t') {
        return Err(fault(format!("{key:?} may not contain {found:?}")));
    }
    make(text).map_err(|error| fault(format!("{key:?}: {error}")))
}

/// The same, where no value is a value too: `None`.
///
/// # Errors
/// As [`text`].
pub fn maybe<T, E: Display>(key: &str, node: &Node<'_>, make: impl FnOnce(&str) -> Result<T, E>) -> Result<Option<T>, Fault> {
    match &node.value {
        Value::Nothing => Ok(None),
        Value::Text(given) if given.trim().is_empty() => Ok(None),
        _ => text(key, node, make).map(Some),
    }
}

/// A list of `what`; nothing is an empty one.
///
/// # Errors
/// It is no list.
pub fn list<'n, 't>(what: &str, node: &'n Node<'t>) -> Result<&'n [Node<'t>], Fault> {
    match &node.value {
        Value::Nothing => Ok(&[]),
        Value::List(items) => Ok(items),
        _ => Err(Fault::new(node.place, format!("a list of {what} is wanted here, and this is {}", node.kind()))),
    }
}

/// A mapping of the file.
pub trait Section {
    /// What it describes, for messages: "a worker".
    const WHAT: &'static str;
    const KEYS: &'static [&'static str];

    /// Read the value of `key`, which is one of [`Self::KEYS`].
    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault>;

    /// All keys are read: say what is still wrong.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Fill a section with what a mapping says; nothing is an empty one.
///
/// # Errors
/// The first thing that is wrong.
pub fn fill<S: Section>(mut section: S, node: &Node<'_>) -> Result<S, Fault> {
    let pairs = match &node.value {
        Value::Nothing => &[][..],
        Value::Mapping(pairs) => pairs,
        _ => {
            let (what, keys) = (S::WHAT, S::KEYS.join(", "));
            let reason = format!("{what} is a mapping with the keys {keys}, and this is {}", node.kind());
            return Err(Fault::new(node.place, reason));
        }
    };
    let mut seen = BTreeSet::new();
    for (key, value) in pairs {
        let known = known::<S>(key)?;
        if !seen.insert(known) {
            return Err(Fault::new(key.place, format!("the key {known:?} is there already")));
        }
        section.read(known, value)?;
    }
    section.check().map_err(|reason| Fault::new(node.place, reason))?;
    Ok(section)
}

fn known<S: Section>(key: &Node<'_>) -> Result<&'static str, Fault> {
    let reason = match &key.value {
        Value::Text(text) => match S::KEYS.iter().find(|known| *known == text) {
            Some(known) => return Ok(known),
            None => format!("unknown key {text:?} in {}; {}", S::WHAT, unknown_key::hint(text, S::KEYS)),
        },
        _ => format!("a key of {} is a text, and this is {}", S::WHAT, key.kind()),
    };
    Err(Fault::new(key.place, reason))
}
