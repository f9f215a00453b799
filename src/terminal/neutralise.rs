//! Text from a worker is an attack until it has been through here. Nothing that leaves these functions can move a
//! cursor, set a title or a clipboard, ask the terminal anything, or reorder what a person reads.
//!
//! What stays: printable characters, line ends where they are wanted, and from [`coloured`] SGR sequences, which only
//! change how the following text looks.

use unicode_width::UnicodeWidthChar;

/// One line of plain text: every control character is replaced, line ends too.
pub fn line(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { visible(c) }).collect()
}

/// Plain text of several lines: `\n` stays, every other control character is replaced.
pub fn lines(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '\n' {
                c
            } else if c == '\t' {
                ' '
            } else {
                visible(c)
            }
        })
        .collect()
}

/// The output of a program: escape sequences are taken out, lines stay, bytes that are no UTF-8 become U+FFFD.
pub fn plain(bytes: &[u8]) -> String {
    filter(bytes, false)
}

/// The output of a program, with its colours (SGR) and nothing else of its escape sequences.
/// A line that is coloured at its end is reset there.
pub fn coloured(bytes: &[u8]) -> String {
    filter(bytes, true)
}

/// A line from [`coloured`] or [`plain`] in at most `width` terminal columns; its colours end with it.
pub fn cut(line: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            out.push(c);
            for c in chars.by_ref() {
                out.push(c);
                if c == 'm' {
                    break;
                }
            }
            continue;
        }
        used += c.width().unwrap_or(0);
        if used > width {
            out.push_str("\x1b[0m");
            break;
        }
        out.push(c);
    }
    out
}

/// The character itself, or U+FFFD for one that a terminal or a reader could be deceived by.
fn visible(c: char) -> char {
    if deceives(c) { '\u{FFFD}' } else { c }
}

/// Whether a terminal or a reader could be deceived by it: C0, DEL, C1, the bidirectional controls (CVE-2021-42574), line
/// and paragraph separators, invisible tags.
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
        || matches!(c, '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A longer SGR sequence than this is no colour but an attack on the reader's memory.
const SGR_LIMIT: usize = 128;

fn filter(bytes: &[u8], colours: bool) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut styled = false;
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => {
                    if let Some(sgr) = control_sequence(&mut chars)
                        && colours
                    {
                        styled = !matches!(sgr.as_str(), "" | "0");
                        out.push_str("\x1b[");
                        out.push_str(&sgr);
                        out.push('m');
                    }
                }
                Some(']' | 'P' | 'X' | '^' | '_' | 'k') => skip_string(&mut chars),
                // Character set designations carry one more character.
                Some('(' | ')' | '*' | '+' | '-' | '.' | '/' | '#' | '%' | ' ') => {
                    chars.next_if(|c| !c.is_control());
                }
                _ => {}
            },
            '\u{9b}' => drop(control_sequence(&mut chars)),
            '\u{9d}' | '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\n' => {
                if styled {
                    out.push_str("\x1b[0m");
                    styled = false;
                }
                out.push('\n');
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\t' => out.push_str("    "),
            // SO and SI, which tmux writes around line drawing, say nothing once escapes are gone.
            '\x0e' | '\x0f' => {}
            c => out.push(visible(c)),
        }
    }
    if styled {
        out.push_str("\x1b[0m");
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Behind a CSI: the parameters when it is an SGR, `None` for anything else, which is then consumed to its end.
fn control_sequence(chars: &mut Chars<'_>) -> Option<String> {
    let mut parameters = String::new();
    loop {
        let c = chars.next_if(|c| !c.is_control())?;
        match c {
            '0'..='9' | ';' | ':' if parameters.len() < SGR_LIMIT => parameters.push(c),
            'm' => return (parameters.len() < SGR_LIMIT).then_some(parameters),
            '@'..='~' => return None,
            // An intermediate or private character: not an SGR, whatever its final is.
            _ => parameters.push_str(&" ".repeat(SGR_LIMIT.saturating_sub(parameters.len()))),
        }
    }
}

/// Behind the introducer of a string (OSC, DCS, SOS, PM, APC, a tmux title): consume to its terminator.
/// A string that never ends takes its line only, so that one stray byte does not hide the rest.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(&c) = chars.peek() {
        match c {
            '\n' => return,
            '\x07' | '\u{9c}' => {
                chars.next();
                return;
            }
            '\x1b' => {
                chars.next();
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {
                chars.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("\x1b]0;title\x07x", "x")]
    #[case("\x1b]52;c;aGk=\x1b\\x", "x")]
    #[case("\x1bP$q q\x1b\\x", "x")]
    #[case("\x1b[2J\x1b[Hx", "x")]
    #[case("\x1b[6nx", "x")]
    #[case("\u{9b}31mx", "x")]
    #[case("\x1b(Bx", "x")]
    #[case("a\r\nb", "a\nb")]
    #[case("a\rb", "a\u{fffd}b")]
    #[case("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link")]
    #[case("\x1b]0;never ends\nnext", "\nnext")]
    fn sequences_are_taken_out(#[case] hostile: &str, #[case] safe: &str) {
        assert_eq!(plain(hostile.as_bytes()), safe);
    }

    #[rstest]
    #[case("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m")]
    #[case("\x1b[38;2;1;2;3mx", "\x1b[38;2;1;2;3mx\x1b[0m")]
    #[case("\x1b[4:3mx\x1b[m", "\x1b[4:3mx\x1b[m")]
    #[case("\x1b[31mred\nnext", "\x1b[31mred\x1b[0m\nnext")]
    #[case("\x1b[>4;2mx", "x")]
    #[case("\x1b[?1049hx", "x")]
    fn colours_stay_and_end_with_their_line(#[case] hostile: &str, #[case] safe: &str) {
        assert_eq!(coloured(hostile.as_bytes()), safe);
    }

    #[rstest]
    #[case("abcdef", 3, "abc\x1b[0m")]
    #[case("abc", 3, "abc")]
    #[case("\x1b[31mab\x1b[0mc", 2, "\x1b[31mab\x1b[0m\x1b[0m")]
    #[case("日本", 3, "日\x1b[0m")]
    fn a_cut_line_keeps_its_colours_to_itself(#[case] line: &str, #[case] width: usize, #[case] kept: &str) {
        assert_eq!(cut(line, width), kept);
    }

    #[test]
    fn bidirectional_overrides_are_shown_for_what_they_are() {
        assert_eq!(line("a\u{202e}b"), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn plain_text_has_no_control_character_but_line_ends(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(plain(&bytes).chars().all(|c| c == '\n' || !c.is_control()));
        }

        #[test]
        fn coloured_text_has_escapes_only_in_sgr(bytes in "[\x1b\\[\\]0-9;m:?>a-zP\\\\\x07\n\u{9b}\u{9d}]{0,60}") {
            let text = coloured(bytes.as_bytes());
            let mut rest = text.as_str();
            while let Some(at) = rest.find('\x1b') {
                let body = rest[at..].strip_prefix("\x1b[").unwrap();
                let end = body.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':')).unwrap();
                prop_assert_eq!(&body[end..=end], "m");
                rest = &body[end..];
            }
        }

        #[test]
        fn a_line_is_one_line(text in any::<String>()) {
            prop_assert!(line(&text).chars().all(|c| !c.is_control()));
        }
    }
}
