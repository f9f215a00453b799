//! A tmux server that is asked from the side.

use std::path::Path;
use std::process::Command;

use kubesim::Ran;

#[track_caller]
pub(super) fn tmux(mut command: Command, socket: &Path, configuration: &Path, arguments: &[&str]) -> String {
    command.arg("-u").arg("-S").arg(socket).arg("-f").arg(configuration).args(arguments);
    let output = command.output().unwrap();
    let ran = Ran::from(output);
    assert_eq!(ran.code, 0, "tmux {arguments:?}: {}", ran.stderr);
    ran.stdout
}

pub(super) fn kill_server(socket: &Path) {
    let _ = Command::new("tmux").arg("-S").arg(socket).arg("kill-server").env_remove("TMUX").output();
}
