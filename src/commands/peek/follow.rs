//! `peek --follow`: the last lines again every second on a terminal, only the new ones when piped.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;

use super::Source;
use crate::exit::Code;
use crate::failure::{Failure, Kind};
use crate::terminal::block::Block;
use crate::terminal::{neutralise, pane, reader};

const EVERY: Duration = Duration::from_secs(1);

/// Follow until the session is gone, or the reader.
pub fn run(source: &Source<'_>) -> Result<Code> {
    let mut output = if io::stdout().is_terminal() { Output::screen() } else { Output::stream() };
    // The first look decides whether there is anything to follow.
    let mut look = Ok(source.capture().map_err(|failure| source.failed(failure))?);
    loop {
        match look {
            Ok(pane) => output.show(&pane)?,
            Err(failure) if passes(&failure) => output.trouble(&failure)?,
            Err(failure) => return Err(source.failed(failure)),
        }
        if reader::leaves_within(EVERY) {
            return Ok(Code::Done);
        }
        look = source.capture();
    }
}

/// Whether looking again may work; everything else ends the following.
fn passes(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::Unreachable | Kind::Incomplete | Kind::Pending | Kind::Starting | Kind::Terminating)
}

enum Output {
    Screen { block: Block, last: String },
    Stream { last: String, in_trouble: bool },
}

impl Output {
    fn screen() -> Self {
        Self::Screen { block: Block::default(), last: String::new() }
    }

    fn stream() -> Self {
        Self::Stream { last: String::new(), in_trouble: false }
    }

    fn show(&mut self, pane: &[u8]) -> io::Result<()> {
        let text = pane::raw(pane);
        match self {
            Self::Screen { block, last } => {
                block.draw(&bottom(&text, ""))?;
                *last = text;
                Ok(())
            }
            Self::Stream { last, in_trouble } => {
                *in_trouble = false;
                let mut out = io::stdout().lock();
                out.write_all(new_lines(last, &text).as_bytes())?;
                out.flush()?;
                *last = text;
                Ok(())
            }
        }
    }

    fn trouble(&mut self, failure: &Failure) -> io::Result<()> {
        let said = neutralise::line(&failure.reason);
        match self {
            Self::Screen { block, last } => block.draw(&bottom(last, &format!("({said}; looking again)"))),
            Self::Stream { in_trouble: true, .. } => Ok(()),
            Self::Stream { in_trouble, .. } => {
                *in_trouble = true;
                writeln!(io::stderr(), "factory-worker: {said}; looking again")
            }
        }
    }
}

/// The last lines that fit the terminal without wrapping off it, and a note below them.
fn bottom(text: &str, note: &str) -> Vec<String> {
    let (columns, rows) = Block::terminal_size().unwrap_or((80, 24));
    let note = (!note.is_empty()).then(|| note.to_owned());
    let room = rows.saturating_sub(1 + note.iter().len());
    let mut lines: Vec<String> = text.lines().map(|line| neutralise::cut(line, columns)).collect();
    lines.drain(..lines.len().saturating_sub(room));
    lines.extend(note);
    lines
}

/// What `new` has behind the last place where it continues `old`: both are windows on one growing text.
fn new_lines<'a>(old: &str, new: &'a str) -> &'a str {
    let old_lines: Vec<&str> = old.lines().collect();
    let new_lines: Vec<&str> = new.lines().collect();
    let overlap =
        (0..=old_lines.len().min(new_lines.len())).rev().find(|&count| old_lines.ends_with(&new_lines[..count])).unwrap_or(0);
    let skipped: usize = new.split_inclusive('\n').take(overlap).map(str::len).sum();
    &new[skipped..]
}

#[cfg(test)]
mod tests {
    use crate::commands::peek::follow::new_lines;
    use rstest::rstest;

    #[rstest]
    #[case("", "a\nb\n", "a\nb\n")]
    #[case("a\nb\n", "a\nb\n", "")]
    #[case("a\nb\n", "b\nc\n", "c\n")]
    #[case("a\nb\n", "x\ny\n", "x\ny\n")]
    #[case("a\nb\n", "a\nb\nc\n", "c\n")]
    fn only_what_is_new(#[case] old: &str, #[case] new: &str, #[case] printed: &str) {
        assert_eq!(new_lines(old, new), printed);
    }
}
