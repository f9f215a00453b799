//! The name of a view's window: made of its session's address each time, as long as nobody has given it another.
//!
//! tmux keeps a name otherwise than it was given (a backslash becomes two, `##[` stays), so what it says is compared with what it
//! said when the name was ours, by tmux itself, and given back only where it is somebody's own.

use tmux_interface::{DisplayMessage, RenameWindow, SetOption, TmuxCommand};

use super::escape;
use crate::registry::names::Address;
use crate::terminal::neutralise;

/// What the name of a window begins with whose view is not connected.
const MARK: &str = "! ";
/// The window option with the name that we gave, as tmux keeps it.
const NAME_OPTION: &str = "@factory-worker-name";

/// The name that a window has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// It is the one that we gave it.
    pub is_ours: bool,
    /// As tmux keeps it.
    pub text: String,
}

/// The name for an address, for tmux to expand.
pub fn given(address: &Address, marked: bool) -> String {
    let mark = if marked { MARK } else { "" };
    escape::format(&format!("{mark}{}", neutralise::line(&address.to_string())))
}

/// Note that the window's name is ours.
pub fn remember<'a>(target: &str) -> TmuxCommand<'a> {
    let mut set = SetOption::new().window().target_pane(target.to_owned()).build();
    set.push_flag("-F");
    set.push_param(NAME_OPTION);
    set.push_param("#{window_name}");
    set
}

/// What tells a [`Name`]: a line with 1 when it is ours, and one with the text.
pub fn question<'a>(target: &str) -> TmuxCommand<'a> {
    let format = format!("#{{==:#{{window_name}},#{{{NAME_OPTION}}}}}\n#{{window_name}}");
    DisplayMessage::new().print().target_pane(target.to_owned()).message(format).build()
}

/// Put the mark in front of the name, or take it away.
pub fn mark<'a>(target: &str, there: &Name, address: &Address, marked: bool) -> Vec<TmuxCommand<'a>> {
    if there.text.starts_with(MARK) == marked {
        return Vec::new();
    }
    if there.is_ours {
        return ours(target, address, marked);
    }
    let own = there.text.strip_prefix(MARK).unwrap_or(&there.text);
    let mark = if marked { MARK } else { "" };
    vec![rename(target, escape::kept_name(&format!("{mark}{own}")))]
}

/// Name it after the new address, unless somebody has given it another name.
pub fn follow<'a>(target: &str, there: &Name, new: &Address) -> Vec<TmuxCommand<'a>> {
    if there.is_ours { ours(target, new, there.text.starts_with(MARK)) } else { Vec::new() }
}

fn ours<'a>(target: &str, address: &Address, marked: bool) -> Vec<TmuxCommand<'a>> {
    vec![rename(target, given(address, marked)), remember(target)]
}

fn rename<'a>(target: &str, name: String) -> TmuxCommand<'a> {
    let mut rename = RenameWindow::new().target_window(target.to_owned()).build();
    escape::positional(&mut rename, [name]);
    rename
}
