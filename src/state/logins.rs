//! Logins on this machine: which user of a kubeconfig somebody is just logging in as, and who was answered.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::process_id::is_stopped;
use super::{Kept, made};

/// What has become of the logins of one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How often somebody who went alone got in.
    pub passed: u64,
    /// How often somebody who went alone was refused, or not answered by the person.
    pub refused: u64,
    /// When the cluster answered this user last, milliseconds since the epoch; 0 when it has refused the user since.
    answered: u64,
}

/// The logins of one user.
#[derive(Debug)]
pub struct Logins {
    kept: Kept<Seen>,
    turn: PathBuf,
}

impl Logins {
    /// Of the user that has this name: files, context and user in one text.
    ///
    /// # Errors
    /// There is no place for state.
    pub fn of(user: &str) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        user.hash(&mut hasher);
        let name = format!("login-{:016x}", hasher.finish());
        Ok(Self { kept: Kept::open(&name)?, turn: made()?.join(name).with_extension("turn") })
    }

    pub fn seen(&self) -> Seen {
        self.kept.read()
    }

    /// The right to go alone, which is given back when the value is dropped, or the process ends; `None` while another
    /// process has it.
    ///
    /// # Errors
    /// There can be no such right: the file cannot be written, or not be locked.
    pub fn try_turn(&self) -> Result<Option<Flock<File>>> {
        // What is in it is the holder's: nobody else cuts it.
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&self.turn)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(turn) => {
                // Who cannot say who he is may still go.
                let _ = turn.set_len(0).and_then(|()| (&*turn).write_all(process::id().to_string().as_bytes()));
                Ok(Some(turn))
            }
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(error.into()),
        }
    }

    /// Take the right from a process that was stopped while it had it: it would keep all others waiting until somebody lets it
    /// go on. They agree on another file then.
    pub fn take_from_stopped(&self) {
        let holder = fs::read_to_string(&self.turn).ok().and_then(|pid| pid.parse().ok());
        if holder.is_some_and(is_stopped) {
            let _ = fs::remove_file(&self.turn);
        }
    }

    /// Who went alone got in.
    pub fn note_passed(&self) {
        self.change(|seen| seen.passed += 1);
    }

    /// Who went alone did not, or the cluster refused somebody later.
    pub fn note_refused(&self) {
        self.change(|seen| {
            seen.refused += 1;
            seen.answered = 0;
        });
    }

    /// The cluster has answered.
    pub fn note_answered(&self) {
        self.change(|seen| seen.answered = now());
    }

    /// Whether the cluster has answered so recently. A time in the future (the clock was set back) is not recent.
    pub fn was_answered_within(&self, time: Duration) -> bool {
        now().checked_sub(self.seen().answered).is_some_and(|age| Duration::from_millis(age) < time)
    }

    /// What cannot be noted is no reason to fail.
    fn change(&self, edit: impl FnOnce(&mut Seen)) {
        let _ = self.kept.update(edit);
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
