//! Running skim: its looks, its runtime, and the terminal put back whatever happens.

use std::fmt::Display;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use skim::binds::KeyMap;
use skim::prelude::unbounded;
use skim::tui::actions::Action;
use skim::tui::options::TuiLayout;
use skim::tui::statusline::InfoDisplay;
use skim::tui::{Event, PreviewCallback};
use skim::{Skim, SkimOptions, SkimOutput};

use super::layout::Layout;
use super::ui::Ui;
use crate::exit::{Code, Problem};
use crate::terminal::{self, pressed, style};
use crate::{exit, process};

/// The terminal's own palette: 16 colours by number, and attributes where a theme's background could swallow a colour.
const COLOURS: &str = "16,fg+:-1:bold,info:-1:dim,prompt:6,header:-1:dim,border:-1:dim,separator:-1:dim,scrollbar:-1:dim";
const NO_COLOURS: &str = "bw";

/// How the picker looks, before its keys are bound.
pub fn options(prompt: String, query: String, header: String, preview: PreviewCallback) -> SkimOptions {
    let mut options = SkimOptions::default();
    options.prompt = prompt;
    options.query = Some(query);
    options.header = Some(header);
    options.layout = TuiLayout::Reverse;
    options.info = InfoDisplay::Hidden.into();
    options.highlight_line = true;
    options.ellipsis = "…".to_owned();
    options.scrollbar = "▐".to_owned();
    options.preview_fn = Some(preview);
    options.preview_window = Layout::of_terminal().place(false).window();
    options.color = Some(if style::colour() { COLOURS } else { NO_COLOURS }.to_owned());
    options
}

/// Show skim on the terminal until the user is done. `ready` is called as soon as `ui` reaches it.
///
/// # Errors
/// skim cannot use the terminal.
pub fn show(options: SkimOptions, ui: &Ui, ready: impl FnOnce()) -> Result<SkimOutput> {
    let _guard = Guard::enter().map_err(failed)?;
    // skim wants a runtime of this kind to run in; everything of ours stays outside.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    // Rows come through `ui`: skim's own reader has nothing to read.
    let (sender, nothing) = unbounded();
    drop(sender);
    let mut skim = Skim::new(options, Some(nothing)).map_err(failed)?;
    let events = skim.event_sender();
    ui.connect(move |event| drop(events.try_send(event)));
    let ended = runtime.block_on(async {
        match skim.enter().await {
            Ok(()) => {
                ready();
                skim.run().await
            }
            error => error,
        }
    });
    let keymap = skim.app().options.keymap.clone();
    runtime.block_on(async {
        let tui = skim.tui_mut();
        // Until its reader has stopped, it may take one more key. A cancellation it does not always hear.
        if let Some(reader) = tui.task.take() {
            reader.abort();
            let _ = reader.await;
        }
        let left = std::iter::from_fn(|| tui.event_rx.try_recv().ok());
        // What skim has made an action of was pressed before what is still a key, and stands behind it.
        let (read, keys): (Vec<_>, Vec<_>) = left.partition(|event| matches!(event, Event::Action(_)));
        pressed::give_back(read.into_iter().chain(keys).filter_map(|event| unread(event, &keymap)));
    });
    // Also puts the terminal back.
    let output = skim.output();
    ended.map_err(failed)?;
    Ok(output)
}

/// What was pressed behind the key that ended skim. Some of it skim has read, and made an action of it that it did not come to.
fn unread(event: Event, keymap: &KeyMap) -> Option<crossterm::event::Event> {
    use crossterm::event::Event as Pressed;
    match event {
        Event::Key(key) => Some(Pressed::Key(key)),
        Event::Paste(text) => Some(Pressed::Paste(text)),
        Event::Action(Action::AddChar(letter)) => Some(Pressed::Key(KeyEvent::from(KeyCode::Char(letter)))),
        // Those are our threads' too, and nobody can tell.
        Event::Action(Action::Custom(_)) => None,
        Event::Action(action) => key_of(&action, keymap).map(Pressed::Key),
        _ => None,
    }
}

/// The key that leads to an action. Of several it is Escape, else the one with Control, as a prefix is: an arrow has a letter too.
fn key_of(action: &Action, keymap: &KeyMap) -> Option<KeyEvent> {
    let keys = keymap.iter().filter(|(_, actions)| actions.as_slice() == [action.clone()]).map(|(key, _)| *key);
    keys.min_by_key(|key| (key.code != KeyCode::Esc, !key.modifiers.contains(KeyModifiers::CONTROL), key.code.to_string()))
}

fn failed(error: impl Display) -> anyhow::Error {
    Problem::new(Code::Failed, format!("the picker cannot use this terminal: {error}"), REMEDY).into()
}

const REMEDY: &str = "`factory-worker list` shows the sessions without it";

/// While this lives, a signal and a panic put the terminal back and end what we started.
struct Guard(());

static SHOWN: AtomicBool = AtomicBool::new(false);

impl Guard {
    fn enter() -> std::io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(explain_panics);
        terminal::remember()?;
        SHOWN.store(true, Ordering::Relaxed);
        Ok(Self(()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        SHOWN.store(false, Ordering::Relaxed);
        terminal::forget();
    }
}

/// A panic inside skim becomes a message: nobody can use a backtrace in a popup that closes.
fn explain_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !SHOWN.load(Ordering::Relaxed) {
            return before(info);
        }
        process::kill_all();
        terminal::restore();
        let what = info.payload_as_str().unwrap_or("no reason given");
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        eprintln!("factory-worker: the picker broke: {what}{place}\n  {REMEDY}");
        std::process::exit(exit::Code::Failed as i32);
    }));
}
