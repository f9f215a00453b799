//! From the text of `workers.yaml` to validated workers, with the place of whatever is wrong.
//!
//! Every value is checked while it is being deserialized, by a seed of its own: that is when the parser still knows the
//! line and column, and attaches them to the error.

mod place;
mod sections;
mod seeds;
mod settings;
mod sources;
mod values;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny};

use super::file;
use super::source::Source;
use super::worker::Worker;
use crate::exit::{Code, Problem};
use place::Fault;
use values::Base;

/// What the file says.
#[derive(Debug)]
pub struct Document {
    pub workers: Vec<Worker>,
    pub sources: Vec<Source>,
    /// A source of polecats that says nothing but what the defaults say.
    pub town: Source,
    pub active: Option<Duration>,
    pub session_wait: Option<Duration>,
}

impl Document {
    /// All that it says beside its workers.
    pub fn settings(&self) -> (&[Source], Option<Duration>, Option<Duration>) {
        (&self.sources, self.active, self.session_wait)
    }
}

/// Understand the text of the file at `path`.
///
/// # Errors
/// It is malformed: `FILE:LINE:COLUMN: reason`.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Document, Problem> {
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    understand(bytes, &Base { directory, home: file::home() }).map_err(|fault| {
        let what = format!("{}:{}:{}: {}", path.display(), fault.line, fault.column, fault.reason);
        Problem::new(Code::Failed, what, "")
    })
}

fn understand(bytes: &[u8], base: &Base) -> Result<Document, Fault> {
    let text = place::readable(bytes)?;
    // Bad YAML first: what stands before it would otherwise be judged as if the file ended there.
    for document in serde_yaml::Deserializer::from_str(text) {
        IgnoredAny::deserialize(document).map_err(|error| Fault::of(&error))?;
    }
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(first) = documents.next() else {
        return Ok(sections::Top::new(base).document());
    };
    let top = seeds::Mapping(sections::Top::new(base)).deserialize(first).map_err(|error| Fault::of(&error))?;
    match documents.next() {
        None => Ok(top.document()),
        Some(second) => {
            let Err(error) = second.deserialize_any(seeds::Refuse);
            Err(Fault { reason: "a registry is one YAML document, and a second one begins here".into(), ..Fault::of(&error) })
        }
    }
}

#[cfg(test)]
mod tests;
