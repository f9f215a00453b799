//! Where a fault is, and in which words it is told.

/// Where something stands; both count from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// The longest reason, in characters: what it quotes may be a whole file.
const REASON_LIMIT: usize = 400;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub reason: String,
}

impl Fault {
    pub fn new(place: Place, reason: impl Into<String>) -> Self {
        Self { place, reason: shortened(reason.into()) }
    }
}

/// Its beginning and its end: there stands what is quoted, and what is wrong with it.
fn shortened(reason: String) -> String {
    let length = reason.chars().count();
    if length <= REASON_LIMIT {
        return reason;
    }
    let part = REASON_LIMIT / 2;
    let begin: String = reason.chars().take(part).collect();
    let end: String = reason.chars().skip(length - part).collect();
    format!("{begin}…{end}")
}

/// The bytes as text that YAML may consist of.
///
/// # Errors
/// They are no UTF-8, or have a character that YAML 1.2 (5.1) does not allow.
pub fn readable(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        fault_behind(&String::from_utf8_lossy(valid), "the file is no UTF-8 text from here on".to_owned())
    })?;
    // A byte order mark is allowed in the first place only.
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
    let place = Place { line: text.matches('\n').count() + 1, column: last.chars().count() + 1 };
    Fault::new(place, reason)
}
