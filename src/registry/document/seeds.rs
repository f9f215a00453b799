//! Reading one value of the file: text that is checked, a mapping whose keys are known, a list, or nothing at all.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::{self, Display};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::registry::unknown_key;

/// Text, made into a value by the function. The words say which key it is, for the message.
pub struct Text<F>(pub &'static str, pub F);

impl<'de, T, E: Display, F: FnOnce(&str) -> Result<T, E>> DeserializeSeed<'de> for Text<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text for {:?}", self.0)
    }

    fn visit_str<D: Error>(self, text: &str) -> Result<T, D> {
        if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            return Err(D::custom(format!("{:?} has no value; give it one or leave it out", self.0)));
        }
        if let Some(found) = text.chars().find(|&c| c.is_control() && c != '\n' && c != '\t') {
            return Err(D::custom(format!("{:?} may not contain {found:?}", self.0)));
        }
        (self.1)(text).map_err(|error| D::custom(format!("{:?}: {error}", self.0)))
    }
}

/// The same, where no value is a value too: `None`.
pub struct Maybe<F>(pub Text<F>);

impl<'de, T, E: Display, F: FnOnce(&str) -> Result<T, E>> DeserializeSeed<'de> for Maybe<F> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Maybe<F> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<D: Error>(self, text: &str) -> Result<Self::Value, D> {
        match text.trim() {
            "" | "~" | "null" => Ok(None),
            _ => self.0.visit_str(text).map(Some),
        }
    }
}

/// A mapping of the file.
pub trait Section {
    /// What it describes, for messages: "a worker".
    const WHAT: &'static str;
    const KEYS: &'static [&'static str];

    /// Read the value of `key`, which is one of [`Self::KEYS`].
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &'static str, map: &mut A) -> Result<(), A::Error>;

    /// All keys are read: say what is still wrong.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Fills a section.
pub struct Mapping<S>(pub S);

impl<'de, S: Section> DeserializeSeed<'de> for Mapping<S> {
    type Value = S;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: Section> Visitor<'de> for Mapping<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, a mapping with the keys {}", S::WHAT, S::KEYS.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<S, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key_seed(Key { section: S::WHAT, known: S::KEYS, seen: &mut seen })? {
            self.0.read(key, &mut map)?;
        }
        self.0.check().map_err(A::Error::custom)?;
        Ok(self.0)
    }
}

/// A key: one that is known, and not there already.
struct Key<'a> {
    section: &'static str,
    known: &'static [&'static str],
    seen: &'a mut BTreeSet<&'static str>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key of {}", self.section)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<&'static str, E> {
        let Some(&key) = self.known.iter().find(|known| **known == text) else {
            return Err(E::custom(format!("unknown key {text:?} in {}; {}", self.section, unknown_key::hint(text, self.known))));
        };
        match self.seen.insert(key) {
            true => Ok(key),
            false => Err(E::custom(format!("the key {key:?} is there already"))),
        }
    }
}

/// Understands nothing: its error tells the place where it was used.
pub struct Refuse;

impl Visitor<'_> for Refuse {
    type Value = Infallible;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}
