//! What a program wrote, byte for byte, and what it cost.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::Ran;

/// Fails when there is anything in it but text, line ends and colours (SGR).
#[track_caller]
pub fn assert_harmless(written: &[u8]) {
    let text = std::str::from_utf8(written).unwrap_or_else(|error| panic!("no UTF-8: {error}"));
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        let sequence: String = rest[at..].chars().take(20).collect();
        let body = rest[at..].strip_prefix("\x1b[").unwrap_or_else(|| panic!("{sequence:?}"));
        let end = body.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':')).unwrap_or_else(|| panic!("{sequence:?}"));
        assert!(body[end..].starts_with('m'), "{sequence:?}");
        rest = &body[end..];
    }
    assert_no_deception(text);
    let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\x1b'));
    assert_eq!(control, None, "{}", shown(text));
}

/// The same for what a program wrote that draws on the screen: its own sequences move the cursor and change modes, but
/// they set no title and no clipboard, carry nothing of the pod's, and ask the terminal for nothing that it would type.
#[track_caller]
pub fn assert_harmless_screen(written: &[u8]) {
    let text = String::from_utf8_lossy(written);
    let text: &str = &text;
    assert_no_deception(text);
    assert!(!text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c)), "C1: {}", shown(text));
    for introducer in ["\x1b]", "\x1bP", "\x1bX", "\x1b^", "\x1b_", "\x1bk", "\x1bc", "\x1b#", "\x1bZ", "\x05", "\0"] {
        let at = text.find(introducer);
        assert_eq!(at, None, "{introducer:?} in {}", shown(&text[at.unwrap_or(0)..]));
    }
    for sequence in ["\x1b[21t", "\x1b[20t", "\x1b[18t", "\x1b[=c", "\x1b[5n", "\x1b[?6n", "\x1b[x", "\x1b[?1$p", "\x1b[999A"] {
        assert!(!text.contains(sequence), "{sequence:?}");
    }
}

/// No bidirectional controls, nor what else makes a reader see another text than there is.
#[track_caller]
fn assert_no_deception(text: &str) {
    let deceives = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    assert_eq!(text.chars().find(|&c| deceives(c)), None, "{}", shown(text));
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(400).collect::<String>())
}

/// Run to its end, and give the most memory (bytes) that it had at a time; its children's is not counted.
pub fn peak_memory(mut command: Command) -> (Ran, u64) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut pipe = child.stderr.take().unwrap();
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).map(|_| text)
    });
    let mut pipe = child.stdout.take().unwrap();
    let output = thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).map(|_| text)
    });
    let mut peak = 0;
    let ended = loop {
        peak = peak.max(high_water_mark(&status));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        // The mark only grows, so that looking now and then misses nothing but the very end.
        thread::sleep(Duration::from_millis(1));
    };
    assert!(peak > 0, "no process ran");
    let output =
        std::process::Output { status: ended, stdout: output.join().unwrap().unwrap(), stderr: errors.join().unwrap().unwrap() };
    (Ran::from(output), peak)
}

fn high_water_mark(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}
