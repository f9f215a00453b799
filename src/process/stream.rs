//! A process whose output is wanted as it comes.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{EXIT_CHECK, End, Finished, Group, STDERR_CAP, Watch, drain, fd, nonblocking, trace, wait_ready};

/// A longer line is handed on in pieces.
const LINE_CAP: usize = 1 << 20;

/// Run `command` and hand on its standard output line by line, as it comes, each with its line end. `patience` is how long
/// it may say nothing; while it says nothing `take` gets an empty line now and then, so that it can notice that nobody
/// wants to hear any more.
///
/// # Errors
/// The process could not be started, a pipe failed, or `take` did; the process is ended then.
pub fn stream(
    mut command: Command,
    patience: Option<Duration>,
    watch: Watch<'_>,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Finished> {
    trace(&command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command)?;
    let mut finished = Finished { end: End::Deadline, stdout: Vec::new(), stderr: Vec::new() };
    let (mut output, mut error) = (group.child.stdout.take(), group.child.stderr.take());
    output.as_ref().map(nonblocking).transpose()?;
    error.as_ref().map(nonblocking).transpose()?;
    let mut begun = Vec::new();
    let mut last_word = Instant::now();
    while output.is_some() || error.is_some() {
        let now = Instant::now();
        watch(group.id);
        if patience.is_some_and(|patience| now >= last_word + patience) {
            group.kill();
            return Ok(finished);
        }
        wait_ready(None, [fd(&output), fd(&error)].into_iter().flatten(), now + EXIT_CHECK * 10)?;
        let before = begun.len();
        if let Some(pipe) = &mut output
            && read_once(pipe, &mut begun)?
        {
            output = None;
        }
        if let Some(pipe) = &mut error
            && drain(pipe, &mut finished.stderr, STDERR_CAP)?
        {
            error = None;
        }
        if begun.len() > before {
            last_word = now;
        } else {
            take(b"")?;
        }
        // Whole lines; also one that is too long, and the last one of all.
        let whole = begun.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let ready = if output.is_none() || begun.len() - whole >= LINE_CAP { begun.len() } else { whole };
        for line in begun[..ready].split_inclusive(|&byte| byte == b'\n') {
            take(line)?;
        }
        begun.drain(..ready);
    }
    finished.end = group.wait(Instant::now() + EXIT_CHECK * 100)?;
    Ok(finished)
}

/// Read what is there once; true at the end of the stream.
fn read_once(pipe: &mut impl Read, kept: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    match pipe.read(&mut buffer) {
        Ok(count) => {
            kept.extend_from_slice(&buffer[..count]);
            Ok(count == 0)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_stream_is_handed_on_line_by_line() {
        let mut lines = Vec::new();
        let take = |line: &[u8]| {
            lines.extend((!line.is_empty()).then(|| String::from_utf8(line.to_vec()).unwrap()));
            Ok(())
        };
        let done =
            stream(sh("printf 'one\\ntw'; sleep 0.1; printf 'o\\nlast'; echo no >&2; exit 3"), None, &mut |_| {}, take).unwrap();
        assert_eq!((done.end, done.stderr.as_slice()), (End::Exited(3), &b"no\n"[..]));
        assert_eq!(lines, ["one\n", "two\n", "last"]);
    }

    #[test]
    fn nothing_of_a_large_stream_is_lost() {
        let mut count = 0;
        let take = |line: &[u8]| {
            count += line.len();
            Ok(())
        };
        let done = stream(sh("head -c 3000000 /dev/zero"), None, &mut |_| {}, take).unwrap();
        assert_eq!((done.end, count), (End::Exited(0), 3_000_000));
    }

    #[test]
    fn a_silent_stream_is_ended_when_patience_is_over() {
        let done = stream(sh("echo word; sleep 600"), Some(Duration::from_millis(300)), &mut |_| {}, |_| Ok(())).unwrap();
        assert_eq!(done.end, End::Deadline);
    }

    #[test]
    fn a_stream_ends_when_nobody_wants_it() {
        let error = stream(sh("yes"), None, &mut |_| {}, |_| Err(io::ErrorKind::BrokenPipe.into())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
