//! Which window (or pane) of the operator's tmux shows which session.
//!
//! A pane that shows one is marked with two pane options: the address, and that it is a view. A window of its own carries
//! the address as a window option too, so that formats, key bindings and a second pane in it know it. The address alone
//! is no proof: a pane that somebody splits off inherits the window's.

use anyhow::{Context, Result};
use tmux_interface::{
    DisplayMessage, KillPane, ListPanes, NewWindow, RenameWindow, SelectPane, SelectWindow, SetOption, ShowOptions, SplitWindow,
    SwitchClient, TmuxCommand,
};

use super::escape;
use super::ids::{PaneId, WindowId};
use super::tmux::Tmux;
use crate::registry::names::Address;
use crate::terminal::neutralise;

/// The option that says which session a window or pane shows. Documented: configurations may use it.
pub const ADDRESS_OPTION: &str = "@factory-worker-address";
/// The pane option that says that the pane is a view itself.
const VIEW_OPTION: &str = "@factory-worker-view";
/// The option that says how a view's connection is. Documented: configurations may use it.
pub const STATE_OPTION: &str = "@factory-worker-state";
/// What the name of a window begins with whose view is not connected.
const MARK: &str = "! ";
/// The pane option with the pod a view is on.
const POD_OPTION: &str = "@factory-worker-pod";

/// A pane that shows a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub window: WindowId,
    pub pane: PaneId,
}

/// What a new view runs.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Program and arguments, at least two words: tmux gives a single one to a shell.
    pub argv: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// A pane beside the current one instead of a window.
    pub split: bool,
    /// Do not go there.
    pub detached: bool,
}

/// All panes that show the session, in tmux's order. One tmux command.
pub fn find(tmux: &Tmux, address: &Address) -> Result<Vec<View>> {
    // The address comes last: it is the only field that may hold spaces.
    let format = format!("#{{pane_id}} #{{window_id}} #{{{VIEW_OPTION}}} #{{{ADDRESS_OPTION}}}");
    let listing = tmux.run(&[ListPanes::new().all().format(format).build()]).context("looking for open windows")?;
    let wanted = address.to_string();
    let mut views: Vec<View> = listing.lines().filter_map(|line| view(line, &wanted)).collect();
    // A window that is linked into several sessions is listed once for each.
    views.dedup();
    Ok(views)
}

/// The session that the window (or pane) we run in or over shows; `None` when it shows none of ours. One tmux command.
///
/// # Errors
/// The option holds something that is no address.
pub fn shown(tmux: &Tmux) -> Result<Option<Address>> {
    let Some(pane) = &tmux.pane else { return Ok(None) };
    let question = DisplayMessage::new().print().target_pane(pane.as_str()).message(format!("#{{{ADDRESS_OPTION}}}")).build();
    let answer = tmux.run(&[question]).context("asking what this window shows")?;
    let address = answer.strip_suffix('\n').unwrap_or(&answer);
    if address.is_empty() { Ok(None) } else { address.parse().with_context(|| format!("reading {ADDRESS_OPTION}")).map(Some) }
}

fn view(line: &str, wanted: &str) -> Option<View> {
    let mut fields = line.splitn(4, ' ');
    let (pane, window, is_view, address) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let found = is_view == "1" && address == wanted;
    found.then(|| Some(View { window: WindowId::parse(window)?, pane: PaneId::parse(pane)? })).flatten()
}

/// Go to a view, in whichever session of the operator's tmux it is. One tmux command; two when no client looks at us.
pub fn select(tmux: &Tmux, view: &View) -> Result<()> {
    // Given a pane, switch-client selects its window and the pane too.
    let mut switch = SwitchClient::new().target_session(view.pane.as_str());
    if let Some(client) = &tmux.client {
        switch = switch.target_client(client.as_str());
    }
    if tmux.run(&[switch.build()]).is_ok() {
        return Ok(());
    }
    let window = SelectWindow::new().target_window(view.window.as_str()).build();
    let pane = SelectPane::new().target_pane(view.pane.as_str()).build();
    tmux.run(&[window, pane]).map(drop).with_context(|| format!("going to window {}", view.window))
}

/// Make a window (or a pane) for the session. Two tmux commands.
pub fn open(tmux: &Tmux, address: &Address, opening: &Opening) -> Result<View> {
    let mut command = if opening.split { new_pane(tmux, opening) } else { new_window(address, opening) };
    for (name, value) in &opening.environment {
        command.push_option("-e", format!("{name}={value}"));
    }
    escape::positional(&mut command, opening.argv.iter().map(String::as_str));
    let printed = tmux.run(&[command]).with_context(|| format!("opening {address}"))?;
    let mut ids = printed.trim_end().splitn(2, ' ');
    let pane = ids.next().and_then(PaneId::parse).context("tmux did not say which pane it made")?;
    let window = ids.next().and_then(WindowId::parse).context("tmux did not say which window it made")?;
    let view = View { window, pane };
    tmux.run(&marks(&view, address, opening)).with_context(|| format!("marking the window of {address}"))?;
    Ok(view)
}

/// What both ways of opening print.
const NEW_IDS: &str = "#{pane_id} #{window_id}";

fn new_window<'a>(address: &Address, opening: &Opening) -> TmuxCommand<'a> {
    let window = NewWindow::new().print().format(NEW_IDS).window_name(escape::format(&neutralise::line(&address.to_string())));
    if opening.detached { window.detached().build() } else { window.build() }
}

fn new_pane<'a>(tmux: &Tmux, opening: &Opening) -> TmuxCommand<'a> {
    let mut pane = SplitWindow::new().horizontal().print().format(NEW_IDS);
    if let Some(current) = &tmux.pane {
        pane = pane.target_pane(current.to_string());
    }
    if opening.detached { pane.detached().build() } else { pane.build() }
}

fn marks<'a>(view: &'a View, address: &Address, opening: &Opening) -> Vec<TmuxCommand<'a>> {
    let pane =
        |option, value: String| SetOption::new().pane().target_pane(view.pane.as_str()).option(option).value(value).build();
    let window =
        |option, value: String| SetOption::new().window().target_pane(view.window.as_str()).option(option).value(value).build();
    let off = || "off".to_owned();
    let mut marks = vec![
        pane(VIEW_OPTION, "1".to_owned()),
        pane(ADDRESS_OPTION, address.to_string()),
        pane("allow-rename", off()),
        pane("remain-on-exit", off()),
    ];
    if !opening.split {
        marks.extend([
            window(ADDRESS_OPTION, address.to_string()),
            window("automatic-rename", off()),
            window("allow-rename", off()),
            window("remain-on-exit", off()),
        ]);
    }
    marks
}

/// Close a view: its pane, and the window when that was its last one. What runs in it gets SIGHUP.
pub fn close(tmux: &Tmux, view: &View) -> Result<()> {
    let kill = KillPane::new().target_pane(view.pane.as_str()).build();
    tmux.run(&[kill]).map(drop).with_context(|| format!("closing pane {}", view.pane))
}

/// Say on the view in this very pane, and on its window when it is the view's own, how its connection is; a view that is
/// not connected gets a mark in front of its window's name.
///
/// The option is documented: configurations and scripts may use it.
pub fn note_state(tmux: &Tmux, address: &Address, state: &str, marked: bool) -> Result<()> {
    let Some(pane) = &tmux.pane else { return Ok(()) };
    let target = pane.as_str();
    let own = ShowOptions::new().window().quiet().value().target_pane(target).option(ADDRESS_OPTION).build();
    let name = DisplayMessage::new().print().target_pane(target).message("#{window_name}").build();
    let answer = tmux.run(&[own, name])?;
    let mut commands = vec![SetOption::new().pane().target_pane(target).option(STATE_OPTION).value(state).build()];
    // The address comes first, if there is one: a pane beside others has a window that is somebody else's.
    if let [shown, name] = answer.lines().collect::<Vec<_>>()[..]
        && shown == address.to_string()
    {
        commands.push(SetOption::new().window().target_pane(target).option(STATE_OPTION).value(state).build());
        if let Some(name) = renamed(name, address, marked) {
            let mut rename = RenameWindow::new().target_window(target).build();
            escape::positional(&mut rename, [escape::format(&name)]);
            commands.push(rename);
        }
    }
    tmux.run(&commands).map(drop)
}

/// The name that a window should have, when it has another one.
fn renamed(name: &str, address: &Address, marked: bool) -> Option<String> {
    let bare = name.strip_prefix(MARK).unwrap_or(name);
    // tmux shows a backslash as two, and would double those again.
    let bare = if bare.contains('\\') { neutralise::line(&address.to_string()) } else { bare.to_owned() };
    let wanted = if marked { format!("{MARK}{bare}") } else { bare };
    let there = name.starts_with(MARK) == marked;
    (!there).then_some(wanted)
}

/// Note the pod that the view in this very pane is on.
pub fn note_pod(tmux: &Tmux, pod: &str) -> Result<()> {
    let Some(pane) = &tmux.pane else { return Ok(()) };
    tmux.run(&[SetOption::new().pane().target_pane(pane.as_str()).option(POD_OPTION).value(pod).build()]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("%1 @2 1 w/a", true)]
    #[case("%1 @2  w/a", false)] // inherited from the window: somebody's own pane
    #[case("%1 @2 1 w/ab", false)]
    #[case("%1 @2 1 ", false)]
    #[case("%1 @2 1", false)]
    fn only_the_view_itself_of_exactly_this_session_is_found(#[case] line: &str, #[case] found: bool) {
        assert_eq!(view(line, "w/a").is_some(), found);
    }

    #[rstest]
    #[case("w/qa", true, Some("! w/qa"))]
    #[case("! w/qa", true, None)]
    #[case("! w/qa", false, Some("w/qa"))]
    #[case("w/qa", false, None)]
    #[case("mine", true, Some("! mine"))]
    #[case("a\\\\b", true, Some("! w/a\\b"))]
    fn a_name_is_marked_once_and_given_back(#[case] name: &str, #[case] marked: bool, #[case] wanted: Option<&str>) {
        assert_eq!(renamed(name, &"w/a\\b".parse().unwrap(), marked).as_deref(), wanted);
    }

    #[test]
    fn spaces_in_a_name_are_part_of_it() {
        assert!(view("%1 @2 1 w/ a  b ", "w/ a  b ").is_some());
    }
}
