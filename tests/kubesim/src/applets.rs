//! busybox's programs, as Alpine has them: links to one file.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::container::{SYSTEM_PATH, executable};

/// Make a directory of links to all that busybox is but a few, and to tmux.
///
/// # Errors
/// It cannot be written, or this machine has no busybox or no tmux.
pub fn link_applets(directory: &Path, missing: &[String]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let busybox = on_this_machine("busybox")?;
    let applets = Command::new(&busybox).arg("--list").output()?.stdout;
    for applet in String::from_utf8_lossy(&applets).lines().filter(|applet| !missing.iter().any(|name| name == applet)) {
        symlink(&busybox, directory.join(applet))?;
    }
    symlink(on_this_machine("tmux")?, directory.join("tmux"))
}

fn on_this_machine(program: &str) -> io::Result<PathBuf> {
    let found = SYSTEM_PATH.split(':').map(|place| Path::new(place).join(program)).find(|path| executable(path));
    found.ok_or_else(|| io::Error::other(format!("there is no {program} on this machine")))
}
