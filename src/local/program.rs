//! Programs that are neither kubectl nor tmux: started here, so that it is one place that says with what they go.

use std::io;
use std::process::{Command, Stdio};

use crate::process;

/// Start a program that goes on without us: in a session of its own, without our terminal, our directory or the tmux that we are in.
///
/// # Errors
/// It cannot be started.
pub fn in_background(mut command: Command) -> io::Result<()> {
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for variable in ["TMUX", "TMUX_PANE", super::tmux::CLIENT_VARIABLE] {
        command.env_remove(variable);
    }
    process::detach(&mut command)?;
    process::trace(&command);
    // It is not ours to wait for: whoever ends before it leaves it to init.
    command.spawn().map(drop)
}
