//! From the text of `workers.yaml` to validated workers, with the place of whatever is wrong.
//!
//! An entry of a list that is wrong costs itself alone. What is wrong elsewhere costs all: whatever is no YAML, and what every entry
//! rests on. A worker whose `defaults:` are not understood could be another one than is meant.

mod place;
mod section;
mod sections;
mod settings;
mod sources;
pub mod tree;
mod values;

use std::path::Path;
use std::time::Duration;

use super::file;
use super::invalid::Invalid;
use super::source::Source;
use super::worker::Worker;
use crate::exit::{Code, Problem};
use place::Fault;
use settings::Settings;
use tree::Node;
use values::Base;

/// What the file says.
#[derive(Debug)]
pub struct Document {
    pub workers: Vec<Worker>,
    pub sources: Vec<Source>,
    /// Entries that are neither, in the file's order: of workers first, then of sources.
    pub invalid: Vec<Invalid>,
    /// A source of polecats that says nothing but what the defaults say.
    pub town: Source,
    pub active: Option<Duration>,
    pub session_wait: Option<Duration>,
    pub live: Option<bool>,
}

/// Understand the text of the file at `path`.
///
/// # Errors
/// It is malformed: `FILE:LINE:COLUMN: reason`.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Document, Problem> {
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    understand(bytes, &Base { directory, home: file::home() }).map_err(|fault| told(path, &fault))
}

/// What is written in the file at `path`, whatever it means.
///
/// # Errors
/// It is no YAML: `FILE:LINE:COLUMN: reason`.
pub fn written<'t>(path: &Path, bytes: &'t [u8]) -> Result<Option<Node<'t>>, Problem> {
    place::readable(bytes).and_then(tree::read).map_err(|fault| told(path, &fault))
}

fn told(path: &Path, fault: &Fault) -> Problem {
    let what = format!("{}:{}:{}: {}", path.display(), fault.place.line, fault.place.column, fault.reason);
    Problem::new(Code::Failed, what, "")
}

fn understand(bytes: &[u8], base: &Base) -> Result<Document, Fault> {
    let Some(root) = tree::read(place::readable(bytes)?)? else {
        return Ok(sections::Top::new(base, Settings::default()).document());
    };
    // Wherever they stand in the file, everything else rests on them.
    let defaults = root.get("defaults").map_or_else(|| Ok(Settings::default()), |node| sections::defaults(base, node))?;
    Ok(section::fill(sections::Top::new(base, defaults), &root)?.document())
}

#[cfg(test)]
mod tests;
