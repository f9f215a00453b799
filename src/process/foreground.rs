//! A process that may ask its operator: its standard input is our terminal, and it stays in our session and process group, so
//! that the terminal, job control and Ctrl-C treat both as one.

use std::io;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

use super::{EXIT_CHECK, End, Finished, Group, STDERR_CAP, drain, nonblocking, trace, wait_ready};

/// How many such processes there are, and the terminal's modes before the first of them: what they have changed is put back,
/// however they end.
static MODES: Mutex<(usize, Option<Termios>)> = Mutex::new((0, None));

fn modes() -> MutexGuard<'static, (usize, Option<Termios>)> {
    MODES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

struct Modes;

impl Modes {
    fn keep() -> Self {
        let mut modes = modes();
        if modes.0 == 0 {
            modes.1 = tcgetattr(io::stdin()).ok();
        }
        modes.0 += 1;
        Self
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        let is_last = {
            let mut modes = modes();
            modes.0 -= 1;
            modes.0 == 0
        };
        if is_last {
            restore();
        }
    }
}

/// Put the terminal's modes back as they were before such a process.
pub fn restore() {
    if let Some(modes) = modes().1.take() {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &modes);
    }
}

/// Run `command` on our terminal to its end. At most `cap` bytes of its standard output are taken; what it writes on standard error
/// goes to `say` as it comes, too. `watch` is told its number every now and then, and says when it has to have ended; a
/// person who is being asked has no deadline.
///
/// # Errors
/// The process could not be started, or a pipe failed.
pub fn run_on_terminal(
    mut command: Command,
    cap: usize,
    watch: &mut dyn FnMut(i32) -> Option<Instant>,
    say: &mut dyn FnMut(&[u8]),
) -> io::Result<Finished> {
    trace(&command);
    command.stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let _modes = Modes::keep();
    let mut group = Group::on_terminal(command)?;
    let mut finished = Finished { end: End::Deadline, stdout: Vec::new(), stderr: Vec::new() };
    let (mut output, mut error) = (group.child.stdout.take(), group.child.stderr.take());
    output.as_ref().map(nonblocking).transpose()?;
    error.as_ref().map(nonblocking).transpose()?;
    let mut gone_since: Option<Instant> = None;
    while output.is_some() || error.is_some() {
        let now = Instant::now();
        if watch(group.id).is_some_and(|deadline| now >= deadline) {
            group.kill();
            return Ok(finished);
        }
        if gone_since.is_none() && group.child.try_wait()?.is_some() {
            gone_since = Some(now);
        }
        if gone_since.is_some_and(|since| now - since > EXIT_CHECK * 2) {
            break;
        }
        wait_ready(&None::<ChildStdin>, &output, &error, now + EXIT_CHECK)?;
        let said = finished.stderr.len();
        if let Some(pipe) = &mut error
            && drain(pipe, &mut finished.stderr, STDERR_CAP)?
        {
            error = None;
        }
        if finished.stderr.len() > said {
            say(&finished.stderr[said..]);
        }
        if let Some(pipe) = &mut output
            && drain(pipe, &mut finished.stdout, cap + 1)?
        {
            output = None;
        }
        if finished.stdout.len() > cap {
            finished.stdout.truncate(cap);
            group.kill();
            finished.end = End::TooLarge;
            return Ok(finished);
        }
    }
    finished.end = group.wait(Instant::now() + EXIT_CHECK * 100)?;
    Ok(finished)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_is_said_is_heard_at_once_and_kept() {
        let mut heard = Vec::new();
        let done = run_on_terminal(sh("echo asks >&2; echo answer; exit 3"), 100, &mut |_| None, &mut |text| {
            heard.extend_from_slice(text);
        })
        .unwrap();
        assert_eq!(
            (done.end, done.stdout.as_slice(), done.stderr.as_slice()),
            (End::Exited(3), &b"answer\n"[..], &b"asks\n"[..])
        );
        assert_eq!(heard, b"asks\n");
    }

    #[test]
    fn a_deadline_holds_from_when_it_is_named() {
        let began = Instant::now();
        let mut deadline = |_| (began.elapsed() > Duration::from_millis(200)).then(Instant::now);
        let done = run_on_terminal(sh("exec sleep 600"), 100, &mut deadline, &mut |_| {}).unwrap();
        assert_eq!(done.end, End::Deadline);
    }

    #[test]
    fn more_than_anybody_wants_is_cut() {
        let done = run_on_terminal(sh("exec yes"), 100, &mut |_| None, &mut |_| {}).unwrap();
        assert_eq!((done.end, done.stdout.len()), (End::TooLarge, 100));
    }
}
