//! Text on its way to a terminal, to tmux or to a shell, and names on their way in.
#![no_main]

use fuzz::local::escape;
use fuzz::registry::names::{Address, ObjectName, Target};
use fuzz::replay::assert_sayable;
use fuzz::terminal::{neutralise, shell};
use libfuzzer_sys::fuzz_target;

/// Nothing but SGR sequences and line ends.
fn assert_only_colours(text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        let body = rest[at..].strip_prefix("\x1b[").expect("a CSI");
        let end = body.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':')).expect("an end");
        assert!(body[end..].starts_with('m'), "{text:?}");
        rest = &body[end..];
    }
    assert!(text.chars().all(|c| c == '\n' || c == '\x1b' || !c.is_control()), "{text:?}");
}

fuzz_target!(|data: &[u8]| {
    let plain = neutralise::plain(data);
    assert!(plain.chars().all(|c| c == '\n' || !c.is_control()), "{plain:?}");
    let coloured = neutralise::coloured(data);
    assert_only_colours(&coloured);
    for line in coloured.lines() {
        for width in [0, 1, 7] {
            assert_only_colours(&neutralise::cut(line, width));
        }
    }
    let text = String::from_utf8_lossy(data);
    assert_sayable(&neutralise::line(&text));
    assert_sayable(&shell::line(&[text.clone().into_owned()]));
    // What tmux expands as a format has no lone `#`, and no argument ends in a bare `;`.
    assert!(escape::format(&text).split("##").all(|part| !part.contains('#')));
    let argument = escape::argument(&text);
    assert!(!argument.ends_with(';') || argument.ends_with("\\;"));
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string(), text);
        assert_sayable(&text);
    }
    let refused = [text.parse::<Target>().err(), text.parse::<ObjectName>().err()];
    refused.iter().flatten().for_each(|error| assert_sayable(&error.to_string()));
});
