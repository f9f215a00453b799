//! Which window (or pane) of the operator's tmux shows which session.
//!
//! A pane that shows one is marked with two pane options: the address, and that it is a view. A window of its own carries
//! the address as a window option too, so that formats, key bindings and a second pane in it know it. The address alone
//! is no proof: a pane that somebody splits off inherits the window's.

use anyhow::{Context, Result};
use tmux_interface::{
    DisplayMessage, KillPane, ListPanes, NewWindow, SelectPane, SelectWindow, SetOption, ShowOptions, SplitWindow, SwitchClient,
    TmuxCommand,
};

use super::ids::{PaneId, WindowId};
use super::tmux::Tmux;
use super::window_name::{self, Name};
use super::{escape, exact};
use crate::registry::names::{Address, SessionName};
use crate::terminal::neutralise;

/// The option that says which session a window or pane shows, as it is shown to people. Documented: configurations may use it.
pub const ADDRESS_OPTION: &str = "@factory-worker-address";
/// The same to the letter, as [`exact`] writes it, where what is shown is not.
const EXACT_OPTION: &str = "@factory-worker-exact-address";
/// The pane option that says that the pane is a view itself.
const VIEW_OPTION: &str = "@factory-worker-view";
/// The option that says how a view's connection is. Documented: configurations may use it.
pub const STATE_OPTION: &str = "@factory-worker-state";
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

/// All panes that show the session, in tmux's order. One tmux command. `called` knows better than a pane's option what the
/// session of a view's process is called: that follows a moment later.
pub fn find(tmux: &Tmux, address: &Address, called: impl Fn(i32) -> Option<SessionName>) -> Result<Vec<View>> {
    // The address comes last: it is the only field that may hold spaces.
    let format =
        format!("#{{pane_id}} #{{window_id}} #{{pane_pid}} #{{{VIEW_OPTION}}} #{{{EXACT_OPTION}}} #{{{ADDRESS_OPTION}}}");
    let listing = tmux.run(&[ListPanes::new().all().format(format).build()]).context("looking for open windows")?;
    let mut views: Vec<View> = listing.lines().filter_map(|line| view(line, address, &called)).collect();
    // A window that is linked into several sessions is listed once for each.
    views.dedup();
    Ok(views)
}

/// The session that the window (or pane) we run in or over shows, and the process in it; `None` when it shows none of ours.
/// One tmux command.
///
/// # Errors
/// The option holds something that is no address.
pub fn shown(tmux: &Tmux) -> Result<Option<(Address, i32)>> {
    let Some(pane) = &tmux.pane else { return Ok(None) };
    let format = format!("#{{pane_pid}} #{{{EXACT_OPTION}}} #{{{ADDRESS_OPTION}}}");
    let question = DisplayMessage::new().print().target_pane(pane.as_str()).message(format).build();
    let answer = tmux.run(&[question]).context("asking what this window shows")?;
    let answer = answer.strip_suffix('\n').unwrap_or(&answer);
    match answer.splitn(3, ' ').collect::<Vec<_>>()[..] {
        [process, to_the_letter, shown] if !shown.is_empty() => {
            let address = exact::address(to_the_letter, shown).with_context(|| format!("reading {ADDRESS_OPTION}"))?;
            Ok(Some((address, process.parse().unwrap_or_default())))
        }
        _ => Ok(None),
    }
}

fn view(line: &str, wanted: &Address, called: impl Fn(i32) -> Option<SessionName>) -> Option<View> {
    let mut fields = line.splitn(6, ' ');
    let (pane, window, process) = (fields.next()?, fields.next()?, fields.next()?);
    let (is_view, to_the_letter, address) = (fields.next()?, fields.next()?, fields.next()?);
    let view = View { window: WindowId::parse(window)?, pane: PaneId::parse(pane)? };
    let mut shown = exact::address(to_the_letter, address).ok()?;
    if let Some(name) = process.parse().ok().and_then(called) {
        shown.session = name;
    }
    (is_view == "1" && shown == *wanted).then_some(view)
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
    let window = NewWindow::new().print().format(NEW_IDS).window_name(window_name::given(address, false));
    if opening.detached { window.detached().build() } else { window.build() }
}

fn new_pane<'a>(tmux: &Tmux, opening: &Opening) -> TmuxCommand<'a> {
    let mut pane = SplitWindow::new().horizontal().print().format(NEW_IDS);
    if let Some(current) = &tmux.pane {
        pane = pane.target_pane(current.to_string());
    }
    if opening.detached { pane.detached().build() } else { pane.build() }
}

fn marks<'a>(view: &View, address: &Address, opening: &Opening) -> Vec<TmuxCommand<'a>> {
    let (in_pane, in_window) = (Of::Pane(view.pane.to_string()), Of::Window(view.window.to_string()));
    let off = "off".to_owned();
    let mut marks = vec![in_pane.set(VIEW_OPTION, "1".to_owned())];
    marks.extend(in_pane.set_address(address));
    marks.extend(["allow-rename", "remain-on-exit"].map(|option| in_pane.set(option, off.clone())));
    if !opening.split {
        marks.extend(in_window.set_address(address));
        marks.extend(["automatic-rename", "allow-rename", "remain-on-exit"].map(|option| in_window.set(option, off.clone())));
        marks.push(window_name::remember(view.window.as_str()));
    }
    marks
}

/// Whose options, by what it is called, or by a pane in it.
#[derive(Debug, Clone)]
enum Of {
    Pane(String),
    Window(String),
}

impl Of {
    fn option<'a>(&self) -> SetOption<'a> {
        match self {
            Self::Pane(target) => SetOption::new().pane().target_pane(target.clone()),
            Self::Window(target) => SetOption::new().window().target_pane(target.clone()),
        }
    }

    fn set<'a>(&self, option: &'a str, value: String) -> TmuxCommand<'a> {
        self.option().option(option).value(value).build()
    }

    fn set_address<'a>(&self, address: &Address) -> [TmuxCommand<'a>; 2] {
        let to_the_letter = match exact::written(address) {
            Some(exact) => self.set(EXACT_OPTION, exact),
            None => self.option().quiet().unset().option(EXACT_OPTION).build(),
        };
        [self.set(ADDRESS_OPTION, neutralise::line(&address.to_string())), to_the_letter]
    }
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
    let Some(pane) = tmux.pane.as_ref().map(ToString::to_string) else { return Ok(()) };
    let mut commands = vec![Of::Pane(pane.clone()).set(STATE_OPTION, state.to_owned())];
    if let Some(there) = own_window(tmux, &pane, address)? {
        commands.push(Of::Window(pane.clone()).set(STATE_OPTION, state.to_owned()));
        commands.extend(window_name::mark(&pane, &there, address, marked));
    }
    tmux.run(&commands).map(drop)
}

/// Have the view in this very pane, and its window when that is the view's own, go by the session's new address. The window's
/// name changes along, unless somebody has given it one of their own.
pub fn follow(tmux: &Tmux, old: &Address, new: &Address) -> Result<()> {
    let Some(pane) = tmux.pane.as_ref().map(ToString::to_string) else { return Ok(()) };
    let mut commands = Vec::from(Of::Pane(pane.clone()).set_address(new));
    if let Some(there) = own_window(tmux, &pane, old)? {
        commands.extend(Of::Window(pane.clone()).set_address(new));
        commands.extend(window_name::follow(&pane, &there, new));
    }
    tmux.run(&commands).map(drop)
}

/// The name of the window in which this pane is, when that is the view's own: a pane beside others has somebody else's.
fn own_window(tmux: &Tmux, pane: &str, address: &Address) -> Result<Option<Name>> {
    let own = |option| ShowOptions::new().window().quiet().value().target_pane(pane).option(option).build();
    let label = |text: &'static str| DisplayMessage::new().print().target_pane(pane).message(text).build();
    // An option that is not set has no line.
    let question = [label("to the letter"), own(EXACT_OPTION), label("shown"), own(ADDRESS_OPTION), window_name::question(pane)];
    let answer = tmux.run(&question)?;
    let mut lines = answer.lines().skip(1).peekable();
    let to_the_letter = lines.next_if(|line| *line != "shown").unwrap_or_default();
    let rest: Vec<_> = lines.skip(1).collect();
    let [shown, is_ours, name] = rest[..] else { return Ok(None) };
    let is_own = exact::address(to_the_letter, shown).is_ok_and(|shown| shown == *address);
    Ok(is_own.then(|| Name { is_ours: is_ours == "1", text: name.to_owned() }))
}

/// What the terminal of this very pane was told about what it shows: a pane's path, which programs set by OSC 7.
pub fn told(tmux: &Tmux) -> Result<String> {
    let Some(pane) = &tmux.pane else { return Ok(String::new()) };
    let question = DisplayMessage::new().print().target_pane(pane.as_str()).message("#{pane_path}").build();
    Ok(tmux.run(&[question])?.trim_end_matches('\n').to_owned())
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

    fn finds(line: &str, wanted: &str) -> bool {
        // The session of process 8 is called b by now.
        view(line, &wanted.parse().unwrap(), |process| (process == 8).then(|| "b".parse().unwrap())).is_some()
    }

    #[rstest]
    #[case("%1 @2 7 1  w/a", true)]
    #[case("%1 @2 7   w/a", false)] // inherited from the window: somebody's own pane
    #[case("%1 @2 7 1  w/ab", false)]
    #[case("%1 @2 7 1  ", false)]
    #[case("%1 @2 7 1 ", false)]
    #[case("%1 @2 8 1  w/a", false)]
    #[case("%1 @2 7 1 w/a w/shown", true)]
    #[case("%1 @2 7 1 w/b w/a", false)]
    fn only_the_view_itself_of_exactly_this_session_is_found(#[case] line: &str, #[case] found: bool) {
        assert_eq!(finds(line, "w/a"), found);
    }

    #[test]
    fn a_view_is_found_by_what_its_session_is_called_by_now() {
        assert!(finds("%1 @2 8 1  w/a", "w/b") && !finds("%1 @2 8 1  x/a", "w/b") && !finds("%1 @2 7 1  w/a", "w/b"));
    }

    #[test]
    fn spaces_in_a_name_are_part_of_it() {
        assert!(finds("%1 @2 7 1  w/ a  b ", "w/ a  b "));
    }
}
