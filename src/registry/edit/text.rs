//! The text of `workers.yaml`, as lines: where an entry may go, and what it consists of. Nothing here understands YAML;
//! every result is a proposal that is read again before it is used.

/// A value as YAML text: quoted when it could be anything but text.
pub fn scalar(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_' | '@');
    let first = value.chars().next().unwrap_or(' ');
    let ambiguous = !first.is_ascii_alphabetic() && first != '/';
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&value.to_lowercase().as_str());
    if value.chars().all(plain) && !ambiguous && !word { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
}

/// The text with an entry behind the last worker, in the ways that may be right.
pub fn additions(text: &str, entry: &[String]) -> Vec<String> {
    let mut ways = in_block(text, entry);
    ways.extend(in_brackets(text, entry));
    ways
}

fn in_block(text: &str, entry: &[String]) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(list) = List::find(&lines) else {
        // No list yet: at the end, or before a mark that ends the document.
        let at = lines.iter().position(|line| line.trim_end() == "...").unwrap_or(lines.len());
        let new = std::iter::once("workers:".to_owned()).chain(block(entry, 2));
        return vec![joined(&lines[..at], new, &lines[at..], line_end(text))];
    };
    let mut ways = Vec::new();
    if let Some((key, comment)) = list.empty_value(&lines) {
        // `workers: []`: the value goes, what is beside it stays.
        let new = std::iter::once(format!("{key}{comment}")).chain(block(entry, 2));
        ways.push(joined(&lines[..list.key], new, &lines[list.key + 1..], line_end(text)));
    }
    let indent = list.items.first().map_or(2, |item| item.indent);
    let at = list.items.last().map_or(list.key + 1, |item| item.end);
    ways.push(joined(&lines[..at], block(entry, indent), &lines[at..], line_end(text)));
    ways
}

/// A list in brackets: before one of the last closing ones.
fn in_brackets(text: &str, entry: &[String]) -> impl Iterator<Item = String> {
    text.rmatch_indices(']').take(8).map(move |(at, _)| {
        let before = text[..at].trim_end();
        let comma = if before.ends_with(['[', ',']) { "" } else { "," };
        format!("{before}{comma} {{{}}}{}", entry.join(", "), &text[at..])
    })
}

/// The text without the worker at this place in the list.
pub fn removal(text: &str, place: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let list = List::find(&lines)?;
    let item = list.items.get(place)?;
    Some(joined(&lines[..item.start], std::iter::empty(), &lines[item.end..], line_end(text)))
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The block list under `workers:`, by its lines.
struct List {
    /// The line of the key.
    key: usize,
    items: Vec<Item>,
}

struct Item {
    indent: usize,
    /// The line of its dash.
    start: usize,
    /// The line behind its last one that is neither empty nor a comment that stands further left.
    end: usize,
}

impl List {
    fn find(lines: &[&str]) -> Option<Self> {
        let key = lines.iter().position(|line| {
            line.strip_prefix("workers:").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        })?;
        let mut items: Vec<Item> = Vec::new();
        for (at, line) in lines.iter().enumerate().skip(key + 1) {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let content = line.trim();
            let is_item = content == "-" || content.starts_with("- ");
            let first = items.first().map(|item| item.indent);
            match first {
                _ if content.is_empty() => {}
                Some(first) if content.starts_with('#') && indent <= first => {}
                None if content.starts_with('#') => {}
                _ if is_item && first.is_none_or(|first| first == indent) => items.push(Item { indent, start: at, end: at + 1 }),
                Some(first) if indent > first => items.iter_mut().last().into_iter().for_each(|item| item.end = at + 1),
                _ => break,
            }
        }
        Some(Self { key, items })
    }

    /// What stands beside the key when that is a list without items: the key, and the comment behind it.
    fn empty_value<'a>(&self, lines: &[&'a str]) -> Option<(&'a str, &'a str)> {
        let (key, rest) = lines[self.key].split_at("workers:".len());
        let (value, comment) = rest.find(" #").map_or((rest, ""), |at| rest.split_at(at));
        let value: String = value.split_whitespace().collect();
        (self.items.is_empty() && matches!(value.as_str(), "[]" | "~" | "null" | "")).then_some((key, comment))
    }
}

/// An entry as an item of a block list.
fn block(entry: &[String], indent: usize) -> impl Iterator<Item = String> {
    let mark = |at: usize| if at == 0 { "- " } else { "  " };
    entry.iter().enumerate().map(move |(at, line)| format!("{:indent$}{}{line}", "", mark(at)))
}

fn joined(before: &[&str], new: impl Iterator<Item = String>, after: &[&str], end: &str) -> String {
    let mut text = String::new();
    for line in before.iter().map(|&line| line.to_owned()).chain(new).chain(after.iter().map(|&line| line.to_owned())) {
        text.push_str(&line);
        text.push_str(end);
    }
    text
}
