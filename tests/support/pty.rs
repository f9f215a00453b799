//! A program on a terminal of its own, outside of any tmux: real keys in, every byte that it writes out.

#![allow(dead_code)] // every test binary uses its own part

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use kubesim::{PATIENCE, Process, Resizer};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

#[derive(Default)]
struct Output {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Output {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A program that runs on a terminal; it ends with this value.
pub struct Pty {
    keyboard: File,
    resizer: Resizer,
    output: Arc<Output>,
    group: Pid,
}

impl Pty {
    /// On a terminal of 100 columns by 30 rows.
    pub fn run(command: Command) -> Self {
        let mut process = Process::on_terminal(command, Some((100, 30))).unwrap();
        let keyboard = process.stdin.take().unwrap();
        let resizer = process.resizer().unwrap();
        let mut screen = process.stdout.take().unwrap();
        let group = Pid::from_raw(process.id() as i32);
        let output = Arc::new(Output::default());
        let seen = Arc::clone(&output);
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                seen.bytes().extend_from_slice(&buffer[..count]);
                seen.more.notify_all();
            }
        });
        thread::spawn(move || process.wait());
        Self { keyboard, resizer, output, group }
    }

    pub fn type_bytes(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.resizer.resize(columns, rows);
    }

    /// How many bytes it has written so far.
    pub fn mark(&self) -> usize {
        self.output.bytes().len()
    }

    /// Everything that it has written so far.
    pub fn written(&self) -> Vec<u8> {
        self.output.bytes().clone()
    }

    /// Wait until this is among what was written behind the mark, and give the mark behind it.
    #[track_caller]
    pub fn wait_behind(&self, mark: usize, text: &[u8]) -> usize {
        let end = Instant::now() + PATIENCE;
        let mut bytes = self.output.bytes();
        loop {
            let found = bytes.get(mark..).and_then(|new| new.windows(text.len()).position(|window| window == text));
            if let Some(at) = found {
                return mark + at + text.len();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited in vain for {:?}; written:\n{:?}",
                String::from_utf8_lossy(text),
                String::from_utf8_lossy(&bytes)
            );
            bytes = self.output.more.wait_timeout(bytes, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    #[track_caller]
    pub fn wait(&self, text: &str) -> usize {
        self.wait_behind(0, text.as_bytes())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A terminal that goes away does the same.
        let _ = killpg(self.group, Signal::SIGHUP);
        let _ = killpg(self.group, Signal::SIGCONT);
    }
}

/// What a program has left a terminal in: only what is not as in a terminal that nobody has written to. It knows every
/// sequence that switches something on and off; a sequence that it does not know it shows as `unknown`.
pub fn left_on(written: &[u8]) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    let mut at = 0;
    while at < written.len() {
        at += match written[at] {
            0x1b => escape(&written[at..], &mut state),
            0x0e => set(&mut state, "charset", "G1", 1),
            0x0f => reset(&mut state, "charset", 1),
            _ => 1,
        };
    }
    state
}

type State = BTreeMap<String, String>;

fn set(state: &mut State, what: &str, how: &str, length: usize) -> usize {
    state.insert(what.to_owned(), how.to_owned());
    length
}

fn reset(state: &mut State, what: &str, length: usize) -> usize {
    state.remove(what);
    length
}

fn escape(text: &[u8], state: &mut State) -> usize {
    match text.get(1) {
        Some(b'[') => control(text, state),
        Some(b']') => command(text, state),
        Some(b'P' | b'X' | b'^' | b'_') => string_end(text),
        Some(b'=') => set(state, "keypad", "application", 2),
        Some(b'>') => reset(state, "keypad", 2),
        Some(b'(') if text.get(2) == Some(&b'B') => reset(state, "G0", 3),
        Some(b'(') => set(state, "G0", &String::from_utf8_lossy(&text[2..3.min(text.len())]), 3),
        Some(b')' | b'*' | b'+') => 3,
        Some(b'c') => {
            state.clear();
            2
        }
        _ => 2,
    }
}

/// CSI: parameters, then the letter that says what it is.
fn control(text: &[u8], state: &mut State) -> usize {
    let Some(end) = text.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 2) else {
        return text.len();
    };
    let body = String::from_utf8_lossy(&text[2..end]).into_owned();
    let numbers = |body: &str| body.split(';').map(str::to_owned).collect::<Vec<_>>();
    match (text[end], body.chars().next()) {
        (letter @ (b'h' | b'l'), Some('?')) => {
            for number in numbers(&body[1..]) {
                mode(state, &number, letter == b'h');
            }
        }
        (b'h', _) => drop(set(state, &format!("ansi {body}"), "on", 0)),
        (b'l', _) => drop(reset(state, &format!("ansi {body}"), 0)),
        (b'm', Some('>')) if matches!(body.as_str(), ">4" | ">4;0" | ">") => drop(reset(state, "modifyOtherKeys", 0)),
        (b'm', Some('>')) => drop(set(state, "modifyOtherKeys", &body, 0)),
        (b'm', _) if matches!(body.as_str(), "" | "0") => drop(reset(state, "colours", 0)),
        (b'm', _) => drop(set(state, "colours", &body, 0)),
        (b'r', _) if body.is_empty() => drop(reset(state, "region", 0)),
        (b'r', _) => drop(set(state, "region", &body, 0)),
        (b'q', _) if matches!(body.as_str(), " " | "0 ") => drop(reset(state, "cursor shape", 0)),
        (b'q', _) if body.ends_with(' ') => drop(set(state, "cursor shape", &body, 0)),
        // The title that was pushed first is the terminal's own.
        (b't', _) if body.starts_with("23") => drop(reset(state, "title", 0)),
        (b'u', Some('>')) => drop(set(state, "keyboard protocol", &body, 0)),
        (b'u', Some('<' | '=')) => drop(reset(state, "keyboard protocol", 0)),
        _ => {}
    }
    end + 1
}

fn mode(state: &mut State, number: &str, on: bool) {
    // Wrapping and the cursor are on in a terminal that nobody has written to; blinking is a matter of taste.
    let normal = matches!(number, "7" | "25");
    match number {
        "12" => {}
        _ if on == normal => drop(reset(state, &format!("mode {number}"), 0)),
        _ => drop(set(state, &format!("mode {number}"), if on { "on" } else { "off" }, 0)),
    }
}

/// OSC: a number, and what it is set to.
fn command(text: &[u8], state: &mut State) -> usize {
    let length = string_end(text);
    let body = String::from_utf8_lossy(&text[2..length]).trim_end_matches(['\x07', '\\', '\x1b']).to_owned();
    match body.split_once(';').map_or((body.as_str(), ""), |(number, rest)| (number, rest)) {
        ("0" | "1" | "2", title) => set(state, "title", title, length),
        ("12", colour) => set(state, "cursor colour", colour, length),
        ("112", _) => reset(state, "cursor colour", length),
        ("10" | "11" | "52", _) => length, // questions, and the clipboard
        ("7", "") => reset(state, "directory", length),
        ("7", directory) => set(state, "directory", directory, length),
        (other, _) => set(state, "unknown", &format!("OSC {other}"), length),
    }
}

fn string_end(text: &[u8]) -> usize {
    let bell = text.iter().position(|&byte| byte == 7).map(|at| at + 1);
    let terminator = text.windows(2).skip(1).position(|pair| pair == b"\x1b\\").map(|at| at + 3);
    bell.into_iter().chain(terminator).min().unwrap_or(text.len())
}
