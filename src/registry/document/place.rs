//! Where a fault is, and in which words it is told.

use serde_yaml::Error;

/// What is wrong, and where; lines and columns count from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub column: usize,
    pub reason: String,
}

impl Fault {
    /// What the parser or one of our seeds has found. The parser's text has the place in it, and the path to the value
    /// (`workers[0].pod: `); the line and column say it better.
    pub fn of(error: &Error) -> Self {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let text = error.to_string().replacen(&format!(" at line {line} column {column}"), "", 1);
        let reason = match text.split_once(": ") {
            Some((path, reason)) if is_path(path) => reason.to_owned(),
            _ => text,
        };
        Self { line, column, reason }
    }
}

/// `active`, `defaults.commands`, `workers[3].pod`: only our own keys, since an unknown one ends the reading.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".[]".contains(c))
}

/// The bytes as text that YAML may consist of.
///
/// # Errors
/// They are no UTF-8, or have a character that YAML 1.2 (5.1) does not allow; libyaml would give no line for these.
pub fn readable(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        fault_behind(&String::from_utf8_lossy(valid), "the file is no UTF-8 text from here on".to_owned())
    })?;
    // A byte order mark is allowed in the first place only, and the parser does not bear it before a block.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bad = text.char_indices().find(|&(_, c)| !allowed(c));
    match bad {
        Some((at, c)) => Err(fault_behind(&text[..at], format!("YAML does not allow the character {c:?}"))),
        None => Ok(text),
    }
}

fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

fn fault_behind(text: &str, reason: String) -> Fault {
    let last = text.rsplit('\n').next().unwrap_or_default();
    Fault { line: text.matches('\n').count() + 1, column: last.chars().count() + 1, reason }
}
