//! Whoever reads our output.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Wait, and say whether he went away meanwhile: who prints nothing for long has no other occasion to notice.
pub fn leaves_within(time: Duration) -> bool {
    let out = io::stdout();
    // Asked for no event: only an error or a hang-up is reported.
    let mut reader = [PollFd::new(out.as_fd(), PollFlags::empty())];
    poll(&mut reader, PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO)).is_ok_and(|ready| ready > 0)
}
