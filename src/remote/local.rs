//! A worker that is a directory on this machine: commands run there, its tmux server listens on `DIR/tmux.sock`.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::exec::{Exec, Interactive};
use crate::failure::{Failure, Kind};
use crate::process::{self, ANSWER_CAP, End, Limits, Output, Request};

/// The socket's name inside a local worker's directory.
pub const SOCKET: &str = "tmux.sock";

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
            End::Deadline => Err(Failure::no_answer("").with_remedy("it may be busy: give it longer with --timeout")),
            End::TooLarge => Err(Failure::too_large(ANSWER_CAP)),
        }
    }

    fn interactive(&self, argv: &[String], _deadline: Instant) -> Result<Interactive, Failure> {
        Ok(Interactive { command: self.command(argv)?, pod: None })
    }

    fn pod(&self) -> Option<String> {
        None
    }

    fn place(&self) -> Option<String> {
        Some(self.directory.to_string_lossy().into_owned())
    }
}

fn cannot_start(program: &str, error: &io::Error) -> Failure {
    let failed = |kind| Failure::new(kind, format!("cannot run {program}: {error}")).before_start();
    match (error.kind(), program.rsplit('/').next()) {
        (io::ErrorKind::NotFound, Some("sh")) => failed(Kind::NoShell).with_remedy("is /bin missing on PATH?"),
        (io::ErrorKind::NotFound, Some("tmux")) => {
            failed(Kind::NoTmux).with_remedy("install tmux, or set tmux: in workers.yaml to where it is")
        }
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
