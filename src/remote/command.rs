//! Running one of the worker's own commands, with proof of how it ended.
//!
//! The exit status that the connection reports proves nothing (kubernetes#73056), so the status is written into the
//! answer by a script on the worker, in front of the answer's end.

use std::time::{Duration, Instant};

use super::Remote;
use super::script::{self, Part, Script};
use crate::failure::{Failure, Kind};
use crate::process::Output;

const ONE: &str = include_str!("command.sh");
const EACH: &str = concat!(include_str!("bounded.sh"), include_str!("command_each.sh"));

/// Run a command that changes something on the worker.
///
/// # Errors
/// A failure that is proven to have come before the command started is what it is. After any other nobody knows whether
/// the command ran: `unproven`. A command that ran and failed is an [`Output`].
pub fn run(remote: &Remote, argv: &[String], deadline: Instant) -> Result<Output, Failure> {
    ask(remote, argv, deadline)
        .map_err(|failure| if failure.sent_nothing() { failure } else { Failure::new(Kind::Unproven, failure.reason) })
}

/// Run a command that only answers something, so that it does not matter whether it ran when the answer is lost.
///
/// # Errors
/// The worker could not be asked, or its answer is not whole.
pub fn ask(remote: &Remote, argv: &[String], deadline: Instant) -> Result<Output, Failure> {
    let script = Script { text: ONE, tmux: &remote.tmux, arguments: argv, stdin: b"" };
    let parts = script::run(remote.exec.as_ref(), &script, deadline)?;
    let run = parts.all("output").zip(parts.all("status")).next();
    run.and_then(|(output, status)| ended(output, status, &parts.stderr)).ok_or_else(no_status)
}

/// Run a command that only answers something in each of these directories on the worker, in one exec. The outputs are in
/// the directories' order, each with both streams of the command in `stdout`.
///
/// # Errors
/// The worker could not be asked, or its answer is not whole.
pub fn ask_in(remote: &Remote, directories: &[String], argv: &[String], timeout: Duration) -> Result<Vec<Output>, Failure> {
    let deadline = Instant::now() + timeout;
    // Each run ends in time for the others, so that a slow one costs only itself.
    let seconds = timeout.as_secs() * 4 / 5 / (directories.len().max(1) as u64);
    let mut arguments = vec![seconds.max(1).to_string(), directories.len().to_string()];
    arguments.extend_from_slice(directories);
    arguments.extend_from_slice(argv);
    let script = Script { text: EACH, tmux: &remote.tmux, arguments: &arguments, stdin: b"" };
    let parts = script::run(remote.exec.as_ref(), &script, deadline)?;
    let runs: Option<Vec<_>> =
        parts.all("output").zip(parts.all("status")).map(|(output, status)| ended(output, status, b"")).collect();
    runs.filter(|runs| runs.len() == directories.len()).ok_or_else(no_status)
}

fn ended(output: &Part, status: &Part, stderr: &[u8]) -> Option<Output> {
    Some(Output { status: status.detail.parse().ok()?, stdout: output.body.clone(), stderr: stderr.to_vec() })
}

fn no_status() -> Failure {
    Failure::new(Kind::Incomplete, "the answer does not say how the command ended")
}

/// Why a command that exited with `status` did not do its work, in one line without its own words.
pub fn verdict(argv: &[String], status: i32) -> String {
    let program = argv.first().map_or("", String::as_str);
    match status {
        // What a shell exits with when it finds no such program, or cannot execute it (POSIX, 2.8.2).
        127 => format!("there is no command {program:?} on it (exit 127)"),
        126 => format!("the command {program:?} cannot be executed there (exit 126)"),
        124 => format!("{program:?} took too long (exit 124)"),
        status if status > 128 => format!("{program:?} was ended by signal {} (exit {status})", status - 128),
        status => format!("{program:?} failed (exit {status})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Request;
    use crate::remote::exec::{Exec, Interactive};
    use crate::remote::local::Local;

    fn here() -> (tempfile::TempDir, Remote) {
        let directory = tempfile::tempdir().unwrap();
        let exec = Box::new(Local { directory: directory.path().to_owned() });
        (directory, Remote { exec, tmux: vec!["tmux".to_owned()], log: None, meant: None })
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn status_and_streams_are_proven_and_kept_apart() {
        let (_directory, remote) = here();
        let output = run(&remote, &words(&["sh", "-c", "printf 'a\\nb'; echo no >&2; exit 7"]), soon()).unwrap();
        assert_eq!(output, Output { status: 7, stdout: b"a\nb".to_vec(), stderr: b"no\n".to_vec() });
    }

    #[test]
    fn words_arrive_as_they_are() {
        let (_directory, remote) = here();
        let hostile = ["a b", "$HOME", "`id`", "#{x}", "it's", "\"q\"", "two\nlines", "", "-n", ";"];
        let argv = [words(&["printf", "%s\\0"]), words(&hostile)].concat();
        let output = run(&remote, &argv, soon()).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), hostile.map(|word| format!("{word}\0")).concat());
    }

    #[test]
    fn a_missing_program_is_127() {
        let (_directory, remote) = here();
        assert_eq!(run(&remote, &words(&["no-such-program"]), soon()).unwrap().status, 127);
    }

    #[test]
    fn a_command_that_may_still_run_is_unproven() {
        let (_directory, remote) = here();
        let deadline = Instant::now() + Duration::from_millis(200);
        let failure = run(&remote, &words(&["sleep", "600"]), deadline).unwrap_err();
        assert_eq!(failure.kind, Kind::Unproven, "{failure}");
    }

    #[test]
    fn each_directory_has_its_own_answer() {
        let (directory, remote) = here();
        std::fs::create_dir(directory.path().join("-a b")).unwrap();
        let directories = words(&["-a b", "/nowhere/at all", "."]);
        let outputs = ask_in(&remote, &directories, &words(&["sh", "-c", "pwd; exit 3"]), Duration::from_secs(60)).unwrap();
        let text = |at: usize| String::from_utf8_lossy(&outputs[at].stdout).into_owned();
        assert!(outputs[0].status == 3 && text(0).ends_with("/-a b\n"), "{}", text(0));
        assert!(outputs[1].status != 0 && text(1).contains("/nowhere/at all"), "{}", text(1));
        assert_eq!(outputs[2].status, 3);
    }

    /// A connection that breaks in the way it is told to.
    struct Broken(Failure);

    impl Exec for Broken {
        fn run(&self, _: Request<'_>) -> Result<Output, Failure> {
            Err(self.0.clone())
        }
        fn interactive(&self, _: &[String], _: Instant) -> Result<Interactive, Failure> {
            Err(self.0.clone())
        }
        fn pod(&self) -> Option<String> {
            None
        }
    }

    #[test]
    fn only_a_failure_before_the_start_keeps_its_kind() {
        let through = |failure: Failure| {
            let remote = Remote { exec: Box::new(Broken(failure)), tmux: words(&["tmux"]), log: None, meant: None };
            run(&remote, &words(&["true"]), soon()).unwrap_err().kind
        };
        assert_eq!(through(Failure::new(Kind::Unreachable, "refused").before_start()), Kind::Unreachable);
        assert_eq!(through(Failure::new(Kind::Missing, "no such pod").before_start()), Kind::Missing);
        assert_eq!(through(Failure::new(Kind::NoShell, "no sh")), Kind::NoShell);
        assert_eq!(through(Failure::new(Kind::Unreachable, "connection reset")), Kind::Unproven);
        assert_eq!(through(Failure::new(Kind::Incomplete, "cut")), Kind::Unproven);
    }
}
