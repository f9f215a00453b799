//! A worker that is a directory on this machine: commands run there, its tmux server listens on `DIR/tmux.sock`.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::exec::{Exec, Greeting, Interactive};
use crate::failure::{Failure, Kind};
use crate::process::{self, ANSWER_CAP, End, Exchanged, Held, Limits, Output, Request, Said};
use crate::terminal::neutralise;

/// The socket's name inside a local worker's directory.
pub const SOCKET: &str = "tmux.sock";

const BUSY: &str = "it may be busy: give it longer with --timeout";
const NO_TMUX: &str = "install tmux, or set tmux: in workers.yaml to where it is";
const NO_SHELL: &str = "is /bin missing on PATH?";

/// A local worker's directory.
pub struct Local {
    pub directory: PathBuf,
}

impl Local {
    fn command(&self, argv: &[String]) -> Result<Command, Failure> {
        let (program, arguments) =
            argv.split_first().ok_or_else(|| Failure::new(Kind::Failed, "nothing to run").before_start())?;
        self.make_directory().map_err(|error| {
            Failure::new(Kind::Unreachable, format!("cannot make the directory {}: {error}", self.directory.display()))
                .before_start()
                .with_remedy("choose another directory for local: in workers.yaml")
        })?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.directory);
        // The operator's own tmux must not be mistaken for the worker's.
        command.env_remove("TMUX").env_remove("TMUX_PANE");
        Ok(command)
    }

    /// Made on first use, for its owner only.
    fn make_directory(&self) -> io::Result<()> {
        if fs::metadata(&self.directory).is_ok_and(|there| there.is_dir()) {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)
    }
}

impl Exec for Local {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        let command = self.command(request.argv)?;
        let limits = Limits { deadline: request.deadline, cap: ANSWER_CAP };
        let done = process::run(command, request.stdin, limits).map_err(|error| cannot_start(&request.argv[0], &error))?;
        match done.end {
            End::Exited(status) => Ok(Output { status, stdout: done.stdout, stderr: done.stderr }),
            End::Signalled(signal) => Err(Failure::new(Kind::Incomplete, format!("the command was killed by signal {signal}"))),
            End::Deadline => Err(Failure::no_answer("").with_remedy(BUSY)),
            End::TooLarge => Err(Failure::too_large(ANSWER_CAP)),
        }
    }

    fn hold(&self, argv: &[String], greeting: Greeting<'_>, deadline: Instant) -> Result<Held, Failure> {
        let mut held = Held::start(self.command(argv)?).map_err(|error| cannot_start(&argv[0], &error))?;
        let limits = Limits { deadline, cap: ANSWER_CAP };
        match held.exchange(greeting.request, &mut Said::default(), greeting.is_whole, limits, &mut |_| {}) {
            Ok(Exchanged::Answered) => Ok(held),
            Ok(Exchanged::Over(over)) => Err(over.failure(|done| {
                let said = neutralise::plain(&done.stderr);
                let said = said.lines().map(str::trim).rfind(|line| !line.is_empty());
                let said = said.map(|said| format!(": {said}")).unwrap_or_default();
                Failure::new(Kind::Incomplete, format!("{} ended ({}){said}", argv[0], done.end))
            })),
            Ok(Exchanged::Given(_)) => Err(Failure::no_answer("").with_remedy(BUSY)),
            Err(error) => Err(cannot_start(&argv[0], &error)),
        }
    }

    fn interactive(&self, argv: &[String], _deadline: Instant) -> Result<Interactive, Failure> {
        Ok(Interactive { command: self.command(argv)?, pod: None })
    }

    fn pod(&self) -> Option<String> {
        None
    }

    /// Neither a network nor an image is between.
    fn explained(&self, failure: Failure) -> Failure {
        match failure.kind {
            Kind::Unreachable => failure.or_remedy(BUSY),
            Kind::NoTmux => failure.or_remedy(NO_TMUX),
            Kind::NoShell => failure.or_remedy(NO_SHELL),
            _ => failure,
        }
    }

    fn place(&self) -> Option<String> {
        Some(self.directory.to_string_lossy().into_owned())
    }
}

fn cannot_start(program: &str, error: &io::Error) -> Failure {
    let failed = |kind| Failure::new(kind, format!("cannot run {program}: {error}")).before_start();
    match (error.kind(), program.rsplit('/').next()) {
        (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Some("sh")) => failed(Kind::NoShell).with_remedy(NO_SHELL),
        (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Some("tmux")) => failed(Kind::NoTmux).with_remedy(NO_TMUX),
        _ => failed(Kind::Failed),
    }
}

/// The contents of a directory of this machine as an archive on standard output. Symbolic links stay what they are.
pub fn tar(directory: &Path, options: &[String]) -> Command {
    let mut tar = Command::new("tar");
    // Without the copies of extended attributes that macOS would put beside every file.
    tar.env("COPYFILE_DISABLE", "1").args(["-c", "-f", "-"]).args(options).arg("-C").arg(directory).arg(".");
    tar
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Kind::Unreachable)]
    #[case(Kind::NoTmux)]
    #[case(Kind::NoShell)]
    fn what_is_on_this_machine_has_no_network_and_no_image(#[case] kind: Kind) {
        let local = Local { directory: PathBuf::from("/x") };
        let usual = Failure::new(kind, "why").remedy();
        let told = local.explained(Failure::new(kind, "why")).remedy();
        for word in ["VPN", "kubectl", "image"] {
            assert!(!told.contains(word), "{told}");
        }
        assert_ne!(told, usual);
        assert_eq!(local.explained(Failure::new(kind, "why").with_remedy("its own")).remedy(), "its own");
    }
}
