//! Scripts that tests write, to be executed.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Write an executable file, in place of what is there: written beside it and renamed, so that a copy that is just being executed
/// is never "busy". And by a process of its own: what this one has open for writing is open in whatever another thread starts
/// at that moment, too, and so as busy.
///
/// # Errors
/// It cannot be written.
pub fn write_executable(path: &Path, text: &str) -> io::Result<()> {
    let (source, new) = (path.with_extension("text"), path.with_extension("new"));
    fs::write(&source, text)?;
    if !Command::new("cp").arg(&source).arg(&new).status()?.success() {
        return Err(io::Error::other(format!("cannot copy to {}", new.display())));
    }
    fs::remove_file(source)?;
    fs::set_permissions(&new, Permissions::from_mode(0o755))?;
    fs::rename(&new, path)
}
