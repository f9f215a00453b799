//! Messages in the operator's status line.

use anyhow::Result;
use tmux_interface::DisplayMessage;

use super::escape;
use super::ids::ClientName;
use super::tmux::Tmux;

/// Show a message on the status line of the client whose key was pressed, for five seconds or until the next key: panes
/// stand still meanwhile. Gives whether it shows; what it tells of is done either way, so that nobody may fail for it.
pub fn say(tmux: &Tmux, text: &str) -> bool {
    // tmux 3.2 takes no client here: `-c` is a flag by mistake, and its value one word too many. It takes the one that was used last.
    (tmux.client.is_some() && show(tmux, tmux.client.as_ref(), text).is_ok()) || show(tmux, None, text).is_ok()
}

fn show(tmux: &Tmux, client: Option<&ClientName>, text: &str) -> Result<()> {
    let mut message = DisplayMessage::new().delay(5_000);
    if let Some(client) = client {
        message = message.target_client(client.as_str());
    }
    let mut message = message.build();
    escape::positional(&mut message, [escape::message(text)]);
    tmux.run(&[message]).map(drop)
}
