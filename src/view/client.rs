//! Our client on the worker: the command that becomes it, and what is asked when it has ended.

use std::env;
use std::time::Instant;

use crate::registry::names::SessionName;
use crate::remote::Remote;
use crate::remote::failure::Failure;
use crate::remote::script::{self, Input, Script};

const ATTACH: &str = concat!(include_str!("../remote/terminfo.sh"), include_str!("attach.sh"));
const AFTER: &str = include_str!("after.sh");

/// The exit status with which `attach.sh` says that it never came to attach.
pub const NEVER_ATTACHED: i32 = 94;

/// A client of one session, by a tag that nobody else has.
pub struct Client<'a> {
    remote: &'a Remote,
    session: &'a SessionName,
    tag: String,
}

/// What was found when the client had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The client was still attached: nobody left, the connection did.
    pub client_left: bool,
}

impl<'a> Client<'a> {
    pub fn new(remote: &'a Remote, session: &'a SessionName) -> Self {
        Self { remote, session, tag: script::nonce() }
    }

    /// The argv that becomes the client, for an interactive exec.
    pub fn argv(&self, read_only: bool) -> Vec<String> {
        let mut arguments = vec![self.session.as_str().to_owned(), self.tag.clone(), terminal_types()];
        if read_only {
            arguments.extend(["-r", "-f", "read-only,ignore-size"].map(str::to_owned));
        }
        Script { text: ATTACH, tmux: &self.remote.tmux, arguments: &arguments, stdin: b"" }.argv(&script::nonce())
    }

    /// End the client when a broken connection has left it attached, and ask whether the session is still there.
    ///
    /// # Errors
    /// `no session` when it is proven that there is none, anything else when the worker did not say.
    pub fn after(&self, deadline: Instant) -> Result<Found, Failure> {
        let input = Input { arguments: &[&self.tag], stdin: b"" };
        let parts = script::on_session(self.remote, AFTER, self.session, input, deadline)?;
        Ok(Found { client_left: parts.get("client-left").is_some() })
    }
}

/// What the session's client may call our terminal, best first. Inside tmux that is tmux's own types.
fn terminal_types() -> String {
    const TMUX: &str = "tmux-256color screen-256color xterm-256color";
    match env::var("TERM") {
        // It travels as one word that a script splits, so nothing but a plain name may pass.
        Ok(own) if env::var_os("TMUX").is_none() && is_plain(&own) => format!("{own} xterm-256color screen-256color"),
        _ => TMUX.to_owned(),
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte))
}
