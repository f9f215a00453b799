//! The fuzzy picker: the sessions of all workers in one list that fills as the workers answer, and a live look at the
//! highlighted one. The only room that knows skim.
//!
//! Our threads ask the workers ([`refresh`]) and look at the highlighted session ([`preview`]); what they learn reaches
//! skim's thread through [`ui`], where alone its state is changed.

mod help;
mod highlight;
mod keys;
mod layout;
mod no_session;
mod preview;
mod refresh;
mod row;
mod screen;
mod selection;
mod ui;
mod workers;

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use skim::SkimItem;
use skim::tui::PreviewCallback;

use crate::cli::Action;
use crate::exit::{Code, Problem};
use crate::hub::client::Hub;
use crate::process;
use crate::registry::Registry;
use crate::registry::names::{Target, WorkerName};
use crate::registry::worker::Worker;
use crate::remote::list::Question;
use highlight::Highlight;
use keys::Bindings;
use preview::Preview;
use refresh::Refresh;
use ui::Ui;
use workers::Workers;

/// What the picker is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Enter does this; the other keys do what is theirs.
    Act(Action),
    /// A command waits for a session: Enter chooses it, and nothing else is done.
    Choose,
}

/// What was picked, and what is to be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub action: Action,
    /// Has a session unless the action needs only a worker.
    pub target: Target,
}

/// A picker that can be shown several times: it keeps the query, the highlight and the rows in between.
pub struct Picker {
    registry: Registry,
    question: Question,
    purpose: Purpose,
    hub: Option<Arc<Hub>>,
    workers: Arc<Mutex<Workers>>,
    query: String,
    last: Option<Target>,
}

impl Picker {
    /// For the workers of the registry's file and those that its sources find; live, where there is a hub.
    pub fn new(registry: Registry, question: Question, purpose: Purpose, hub: Option<Arc<Hub>>) -> Self {
        let workers = Workers::new(&registry);
        Self { registry, question, purpose, hub, workers: Arc::new(Mutex::new(workers)), query: String::new(), last: None }
    }

    /// A worker by its name, also one that was found while the picker was shown.
    pub fn worker(&self, name: &WorkerName) -> Option<Worker> {
        self.workers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).find(name).cloned()
    }

    /// Show the picker until something is picked; `None` when the user left it.
    ///
    /// # Errors
    /// There is no terminal, or skim cannot use it.
    pub fn pick(&mut self) -> Result<Option<Choice>> {
        needs_terminal()?;
        let ui = Ui::default();
        let bindings = self.bindings(&ui);
        let previewed = bindings.clone();
        let show = PreviewCallback::from(move |items: Vec<Arc<dyn SkimItem>>| vec![previewed.preview(items.first())]);
        let header = refresh::header("", &self.purpose.hint());
        let mut options = screen::options(self.purpose.prompt(), self.query.clone(), header, show);
        keys::bind(&mut options.keymap, &bindings);
        let output = screen::show(options, &ui, || {
            bindings.preview.start();
            bindings.refresh.begin();
        });
        // Whatever is still being asked is of no use to anybody now.
        bindings.preview.close();
        bindings.refresh.close();
        process::kill_all();
        self.query = output?.query;
        let choice = bindings.choice.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        self.last = choice.as_ref().map(|choice| choice.target.clone());
        Ok(choice)
    }

    /// Everything that the keys and threads of one showing share.
    fn bindings(&self, ui: &Ui) -> Arc<Bindings> {
        let highlight = Arc::new(Highlight::new(self.last.clone()));
        let (registry, workers) = (self.registry.clone(), self.workers.clone());
        Arc::new(Bindings {
            purpose: self.purpose,
            preview: Preview::new(workers.clone(), ui.clone(), self.purpose, self.hub.clone()),
            refresh: Refresh::new(
                registry,
                self.question,
                workers,
                highlight.clone(),
                self.purpose.hint(),
                ui.clone(),
                self.hub.clone(),
            ),
            highlight,
            choice: Mutex::default(),
        })
    }
}

fn needs_terminal() -> Result<()> {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(());
    }
    let remedy = "`factory-worker list` prints the sessions; `factory-worker open ADDRESS` opens one";
    Err(Problem::new(Code::Usage, "the picker needs a terminal", remedy).into())
}
