//! The terminal after a view: its modes as they were before, whatever the view died of.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{
    _POSIX_VDISABLE, FlushArg, LocalFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcflush, tcgetattr, tcsetattr,
};
use nix::unistd::ttyname;

use crate::view::client::features;

/// Who had the terminal last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Nobody, or somebody who went by himself and has left the other screen.
    Tidy,
    /// Somebody who was cut off: the terminal may be in any state.
    CutOff,
}

/// What marks a raw terminal as made so by us. It means nothing to a terminal that hands on keys one by one (termios(3): to
/// echo newlines where lines are edited), and whoever makes one raw for himself clears it, as cfmakeraw does: Go's
/// `term.MakeRaw`, and tmux.
const OURS: LocalFlags = LocalFlags::ECHONL;

/// Leaves the other screen. What is switched off before that moves the cursor home; leaving brings it back to where it was
/// when the other screen was entered. Where nobody is on the other screen any more, that is not where it is now.
const LEAVE_SCREEN: &str = "\x1b[?6l\x1b[?69l\x1b[r\x1b[?1049l";

/// Undoes what a tmux client (or an application that shone through) may have switched on. When kubectl is killed, every one
/// of these stays on; when a pod goes away, all but the line discipline's own.
///
/// The scroll region's reset moves the cursor home, hence the save and restore around it.
const RESET: &str = concat!(
    "\x1b7\x1b[r\x1b8", // scroll the whole screen, stay where we are
    "\x1b[?7h\x1b[4l",  // wrap, no insert
    "\x1b(B\x0f\x1b[m", // ASCII, no colours
    "\x1b[?1l\x1b>",    // normal cursor keys and keypad
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1004l", // no mouse, no focus reports
    "\x1b[?2004l\x1b[?2031l\x1b[?2026l\x1b[>4m\x1b[<u\x1b[=0u", // no bracketed paste, themes, held screen, extended keys
    "\x1b[0 q\x1b]112\x1b\\\x1b[?25h", // the cursor's own shape and colour, shown
    "\x1b[23;0t",       // the title that was there before
);

/// What may not stay on while the view is down: reports that would be taken for keys, and what would garble a line of ours.
/// The screen itself stays: the operator reads on.
const QUIET: &str = concat!(
    "\x1b7\x1b[r\x1b8\x1b[?6l\x1b[?69l\x1b[4l",
    "\x1b(B\x0f\x1b[m",
    "\x1b[?1l\x1b>",
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1004l",
    "\x1b[?2004l\x1b[?2031l\x1b[?2026l\x1b[>4m\x1b[<u\x1b[=0u",
    // A client has the terminal keep its title too, where terminfo says how; one that is cut off does not take it back.
    "\x1b[23;0t\x1b[22;0t",
);

/// The terminal's modes, to be put back.
pub struct Terminal(Termios);

impl Terminal {
    /// # Errors
    /// Standard input or output is no terminal.
    pub fn remember() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(nix::errno::Errno::ENOTTY.into());
        }
        Ok(Self(tcgetattr(io::stdin())?))
    }

    /// The terminal's device.
    pub fn name(&self) -> Option<PathBuf> {
        ttyname(io::stdout()).ok()
    }

    /// Show no key by itself. kubectl puts back what it has found, so a key that comes when it has just ended would look as
    /// if the session had taken it.
    pub fn hide_keys(&self) {
        self.set(|modes| modes.local_flags.remove(LocalFlags::ECHO));
    }

    /// Have it as the operator has it: a login plugin shows and hides what is typed as it needs it. `in_window`: but no key
    /// ends or stops us, other than Ctrl-C, which we survive.
    pub fn lend(&self, in_window: bool) {
        self.set(|modes| {
            if in_window {
                for key in [SpecialCharacterIndices::VQUIT, SpecialCharacterIndices::VSUSP] {
                    modes.control_chars[key as usize] = _POSIX_VDISABLE;
                }
            }
        });
    }

    /// Hand on keys one by one, and none as a signal. What was typed is still there to be read.
    pub fn hold(&self) {
        self.set(cfmakeraw);
    }

    /// Whether somebody has made it raw since we had it last: kubectl does so right before it asks a worker to let us in, a
    /// tmux on this machine when it has let us in.
    pub fn is_taken(&self) -> bool {
        let raw = |modes: Termios| !modes.local_flags.intersects(LocalFlags::ICANON | OURS);
        tcgetattr(io::stdin()).is_ok_and(raw)
    }

    /// Whether it takes no output just now: somebody waits to write to it, or it has enough to show.
    pub fn is_full(&self) -> bool {
        let out = io::stdout();
        let mut fds = [PollFd::new(out.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready == 0)
    }

    /// Whether keys lie there that nobody has read.
    pub fn has_unread(&self) -> bool {
        let input = io::stdin();
        let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    fn set(&self, change: impl FnOnce(&mut Termios)) {
        let mut modes = self.0.clone();
        change(&mut modes);
        if !modes.local_flags.contains(LocalFlags::ICANON) {
            modes.local_flags.insert(OURS);
        }
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &modes);
    }

    /// Have it keep its title for later (xterm's window operations; tmux has them too).
    pub fn keep_title(&self) {
        write("\x1b[22;0t");
    }

    /// Put everything back. What the remote terminal's replies left unread is thrown away, so that nobody types it by accident.
    /// A terminal that is gone is no error.
    pub fn restore(&self, last: Last) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.0);
        let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
        let leave = if last == Last::CutOff { LEAVE_SCREEN } else { "" };
        write(&format!("{leave}{RESET}{}", features::nothing_shown()));
    }

    /// Make the terminal one on which nothing comes but keys, one by one, and none of those that were typed before.
    pub fn quiet(&self) {
        self.hold();
        write(&format!("{QUIET}{}", features::nothing_shown()));
        self.forget_keys();
    }

    /// Throw away what was typed and not read by anybody.
    pub fn forget_keys(&self) {
        let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
    }
}

/// Write to the terminal; one that is gone is no error.
pub fn write(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
