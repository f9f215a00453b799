//! Messages in the operator's status line.

use anyhow::Result;
use tmux_interface::DisplayMessage;

use super::escape;
use super::tmux::Tmux;

/// Show a message on the status line of the client whose key was pressed, for five seconds or until the next key: panes
/// stand still meanwhile.
pub fn say(tmux: &Tmux, text: &str) -> Result<()> {
    let mut message = DisplayMessage::new().delay(5_000);
    if let Some(client) = &tmux.client {
        message = message.target_client(client.as_str());
    }
    let mut message = message.build();
    escape::positional(&mut message, [escape::message(text)]);
    tmux.run(&[message]).map(drop)
}
