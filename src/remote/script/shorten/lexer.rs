//! How each name in a script is used. It understands as much of sh as our own scripts have: no here-documents, no backquotes.

/// A use of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// `$name`, `$((name + 1))`
    Value,
    /// `name=`, `for name in`, `read name`
    Assignment,
    /// `name() {`
    Definition,
    Call,
    /// It is a part of a word that is no name: `set-option`, `/proc/self/stat`, `#{status}`.
    None,
    /// Nobody knows: an argument, a text, a pattern.
    Other,
}

/// A name, or what may be one: where it begins, and how it is used.
pub type Found<'a> = (usize, &'a str, Use);

/// Words of the shell behind which a command begins.
const BEFORE_A_COMMAND: [&str; 13] = ["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "!", "{", "}"];

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before its first word, or behind assignments.
    Start,
    /// Behind `for`.
    For,
    /// Behind `read` or its flags.
    Read,
    /// Behind `case`.
    Case,
    /// Where `case` has its patterns.
    Pattern,
    Arguments,
}

/// Something that ends with a sign of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// The script itself, `(…)`, `$(…)`
    Commands(At),
    /// `$((…))`
    Arithmetic,
    /// `${…}`, behind the name.
    Braces,
    DoubleQuotes,
}

struct Lexer<'a> {
    script: &'a str,
    at: usize,
    /// Each with the word that goes on behind it.
    open: Vec<(Open, Option<usize>)>,
    /// Where the word began that is being read, in commands.
    word: Option<usize>,
    found: Vec<Found<'a>>,
}

/// Every name in the script, in order. It has no comments.
pub fn names(script: &str) -> Vec<Found<'_>> {
    let mut lexer = Lexer { script, at: 0, open: vec![(Open::Commands(At::Start), None)], word: None, found: Vec::new() };
    while lexer.at < script.len() {
        lexer.step();
    }
    lexer.found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.script[self.at..]
    }

    fn step(&mut self) {
        let (rest, open) = (self.rest(), self.open.last().map_or(Open::Commands(At::Start), |(open, _)| *open));
        let first = rest.as_bytes()[0];
        match (first, open) {
            _ if rest.starts_with("\\\n") => self.at += 2,
            (b'\\', _) => self.part_of_word(rest.chars().nth(1).map_or(1, |next| 1 + next.len_utf8())),
            (b'\'', Open::Commands(_) | Open::Braces) => self.single_quotes(),
            (b'"', Open::DoubleQuotes) => self.close(1),
            (b'"', _) => self.begin(Open::DoubleQuotes, 1),
            _ if rest.starts_with("$((") => self.begin(Open::Arithmetic, 3),
            _ if rest.starts_with("$(") => self.begin(Open::Commands(At::Start), 2),
            _ if rest.starts_with("${") => self.parameter(),
            (b'$', _) => self.value(1),
            (b'}', Open::Braces) => self.close(1),
            (b')', Open::Arithmetic) if rest.starts_with("))") => self.close(2),
            _ if is_name(first) => self.name(open),
            (_, Open::Commands(at)) => self.sign(first, at),
            _ => self.at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }

    fn part_of_word(&mut self, length: usize) {
        self.word.get_or_insert(self.at);
        self.at += length;
    }

    fn begin(&mut self, open: Open, length: usize) {
        self.part_of_word(length);
        self.open.push((open, self.word));
        if matches!(open, Open::Commands(_)) {
            self.word = None;
        }
    }

    fn close(&mut self, length: usize) {
        if let Some((_, word)) = self.open.pop() {
            self.word = word;
        }
        self.at += length;
    }

    /// Another shell may be what this is for, so that any name in it is one whose use nobody knows.
    fn single_quotes(&mut self) {
        self.part_of_word(1);
        let end = self.rest().find('\'').map_or(self.script.len(), |length| self.at + length);
        while self.at < end {
            let length = self.rest().bytes().take_while(|&byte| is_name(byte)).count();
            if length > 0 {
                self.find(length, self.text_use(length));
            } else {
                self.at += self.rest().chars().next().map_or(1, char::len_utf8);
            }
        }
        self.at = (end + 1).min(self.script.len());
    }

    /// `${name`, `${#name`; what follows stays open.
    fn parameter(&mut self) {
        self.begin(Open::Braces, 2);
        let is_length = self.rest().starts_with('#') && self.rest().as_bytes().get(1).is_some_and(|&byte| is_name(byte));
        self.value(usize::from(is_length));
    }

    /// A name behind so many signs.
    fn value(&mut self, signs: usize) {
        self.part_of_word(signs);
        let length = self.rest().bytes().take_while(|&byte| is_name(byte)).count();
        if length > 0 {
            self.find(length, Use::Value);
        }
    }

    fn find(&mut self, length: usize, usage: Use) {
        self.found.push((self.at, &self.rest()[..length], usage));
        self.at += length;
    }

    fn name(&mut self, open: Open) {
        let length = self.rest().bytes().take_while(|&byte| is_name(byte)).count();
        let usage = match open {
            Open::Arithmetic => Use::Value,
            Open::Braces | Open::DoubleQuotes => self.text_use(length),
            Open::Commands(at) => self.use_in_command(length, at),
        };
        self.word.get_or_insert(self.at);
        self.find(length, usage);
    }

    /// In a text: only what is a part of a longer word is known to be no name.
    fn text_use(&self, length: usize) -> Use {
        let (before, after) = (&self.script[..self.at], &self.rest()[length..]);
        let is_part = before.ends_with(['-', '/']) || after.starts_with(['-', '/']) || before.ends_with("#{");
        if is_part { Use::None } else { Use::Other }
    }

    fn use_in_command(&mut self, length: usize, at: At) -> Use {
        let (word, after) = (&self.rest()[..length], &self.rest()[length..]);
        let ends = after.is_empty() || after.starts_with([' ', '\t', '\n', ';', '|', '&', ')', '<', '>']);
        if self.word.is_some() {
            return self.text_use(length);
        }
        match at {
            At::Start if after.starts_with('=') => Use::Assignment,
            At::Start if after.starts_with("() {") => Use::Definition,
            At::Start if ends && !BEFORE_A_COMMAND.contains(&word) => Use::Call,
            At::For | At::Read if ends => Use::Assignment,
            _ => self.text_use(length),
        }
    }

    /// A sign between words, or the beginning of one.
    fn sign(&mut self, sign: u8, at: At) {
        let rest = self.rest();
        match sign {
            b' ' | b'\t' => drop(self.end_word(at, at)),
            b'\n' | b';' | b'|' | b'&' if !(sign == b'&' && self.script[..self.at].ends_with('>')) => {
                let is_next_case = rest.starts_with(";;");
                // `case WORD in` ends its line, and patterns are told apart by `|`.
                let is_pattern = self.end_word(at, at) == At::Pattern;
                self.set(if is_next_case || is_pattern { At::Pattern } else { At::Start });
                self.at += usize::from(is_next_case);
            }
            b'<' | b'>' => drop(self.end_word(at, if at == At::Read { At::Arguments } else { at })),
            // `name()`, which is no word of ours to care for.
            b'(' if rest.starts_with("()") => {
                (self.word, self.at) = (None, self.at + 1);
            }
            b'(' => self.open.push((Open::Commands(At::Start), self.word.take())),
            b')' if at == At::Pattern && self.word.is_none_or(|begin| self.script[begin..self.at] != *"esac") => {
                self.word = None;
                self.set(At::Start);
            }
            b')' => self.close(0),
            _ => {
                self.word.get_or_insert(self.at);
            }
        };
        self.at += rest.chars().next().map_or(1, char::len_utf8);
    }

    fn set(&mut self, at: At) {
        if let Some(last) = self.open.last_mut() {
            last.0 = Open::Commands(at);
        }
    }

    /// The word that was being read is over; `at` is where it was, `otherwise` where the command is when there was none.
    fn end_word(&mut self, at: At, otherwise: At) -> At {
        let Some(begin) = self.word.take() else {
            self.set(otherwise);
            return otherwise;
        };
        let word = &self.script[begin..self.at];
        let is_assignment = word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(is_name));
        let next = match (at, word) {
            (At::Start, word) if BEFORE_A_COMMAND.contains(&word) || is_assignment => At::Start,
            (At::Start, "for") => At::For,
            (At::Start, "read") => At::Read,
            (At::Start, "case") => At::Case,
            (At::Read, _) => At::Read,
            (At::Case, "in") => At::Pattern,
            (At::Case, _) => At::Case,
            (At::Pattern, "esac") => At::Arguments,
            (At::Pattern, _) => At::Pattern,
            _ => At::Arguments,
        };
        self.set(next);
        next
    }
}
