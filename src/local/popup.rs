//! What is shown over the operator's windows: popups, and messages in the status line.

use anyhow::{Context, Result};
use tmux_interface::{DisplayMessage, DisplayPopup};

use super::escape;
use super::tmux::{CLIENT_VARIABLE, Tmux};
use super::version::Version;
use super::windows::ADDRESS_OPTION;

/// What tmux knows where a key was pressed. An option that is not set is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    pub version: Version,
    /// The session that the pane's window shows.
    pub address: String,
    /// `@factory-worker-NAME-width`: columns or percent, e.g. `100`, `90%`.
    pub width: String,
    /// `@factory-worker-NAME-height`: lines or percent.
    pub height: String,
    /// How many columns the client has, when tmux knows.
    pub columns: Option<u32>,
    /// How many lines it has.
    pub lines: Option<u32>,
}

/// Ask for all of it at the pane the key was pressed in. One tmux command.
pub fn surroundings(tmux: &Tmux, name: &str) -> Result<Surroundings> {
    // The address comes last: an answer that is cut must not cut it.
    let sizes = format!("#{{@factory-worker-{name}-width}}\n#{{@factory-worker-{name}-height}}");
    let format = format!("#{{version}}\n{sizes}\n#{{client_width}}\n#{{client_height}}\n#{{{ADDRESS_OPTION}}}");
    let mut question = DisplayMessage::new().print();
    if let Some(client) = &tmux.client {
        question = question.target_client(client.as_str());
    }
    if let Some(pane) = &tmux.pane {
        question = question.target_pane(pane.as_str());
    }
    let answer = tmux.run(&[question.message(format).build()]).context("asking where the key was pressed")?;
    let mut lines = answer.strip_suffix('\n').unwrap_or(&answer).split('\n').map(str::to_owned);
    let mut line = || lines.next().unwrap_or_default();
    Ok(Surroundings {
        version: Version::parse(&line()),
        width: line(),
        height: line(),
        columns: line().parse().ok(),
        lines: line().parse().ok(),
        address: line(),
    })
}

/// A popup's width or height that the client has room for: tmux refuses a popup that is larger. Percent fit always.
pub fn fitting(size: &str, room: Option<u32>) -> String {
    match (size.parse::<u32>(), room) {
        (Ok(wanted), Some(room)) => wanted.min(room).to_string(),
        _ => size.to_owned(),
    }
}

/// A popup and what runs in it.
#[derive(Debug, Clone)]
pub struct Popup {
    pub title: String,
    pub width: String,
    pub height: String,
    /// Program and arguments, at least two words: tmux gives a single one to a shell.
    pub argv: Vec<String>,
    pub environment: Vec<(String, String)>,
}

/// Show the popup, and wait until it is closed. One whose command fails stays for its text to be read.
///
/// What runs in it finds the client and the pane under it in its environment, as if it ran in that pane.
pub fn show(tmux: &Tmux, version: Version, popup: &Popup) -> Result<()> {
    let mut command = DisplayPopup::new().close_on_success();
    if let Some(client) = &tmux.client {
        command = command.target_client(client.as_str());
    }
    if let Some(pane) = &tmux.pane {
        command = command.target_pane(pane.as_str());
    }
    if version.at_least(3, 3) {
        command = command.title(escape::format(&format!(" {} ", popup.title)));
    }
    let mut command = command.build();
    command.push_option("-w", popup.width.as_str()).push_option("-h", popup.height.as_str());
    let client = tmux.client.iter().map(|client| (CLIENT_VARIABLE, client.as_str()));
    let pane = tmux.pane.iter().map(|pane| ("TMUX_PANE", pane.as_str()));
    let given = popup.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let environment = given.chain(client).chain(pane).map(|(name, value)| format!("{name}={value}"));
    let mut words = popup.argv.clone();
    if version.at_least(3, 3) {
        for pair in environment {
            command.push_option("-e", pair);
        }
    } else {
        // tmux 3.2 has no -e for popups.
        words.splice(..0, ["env".to_owned()].into_iter().chain(environment));
    }
    escape::positional(&mut command, words);
    tmux.show(command)
}

/// Show a message on the status line of the client whose key was pressed, for five seconds or until the next key: panes stand still meanwhile.
pub fn say(tmux: &Tmux, text: &str) -> Result<()> {
    let mut message = DisplayMessage::new().delay(5_000);
    if let Some(client) = &tmux.client {
        message = message.target_client(client.as_str());
    }
    let mut message = message.build();
    escape::positional(&mut message, [escape::message(text)]);
    tmux.run(&[message]).map(drop)
}
