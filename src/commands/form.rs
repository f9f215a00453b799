//! What the nudge form and the dispatch form share: what was typed is kept until it has arrived, and how they end.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;

use super::explain;
use crate::exit::{Code, Problem};
use crate::local::message;
use crate::local::tmux::Tmux;
use crate::state::drafts::{self, Draft, Key};
use crate::terminal::age;
use crate::terminal::form::{Errand, Form, Left, Verdict};
use crate::terminal::{neutralise, pressed};

/// What a form does with its fields.
pub trait Job {
    /// Under which key they are kept.
    fn key(&self, values: &[String]) -> Key;

    /// Whether there is anything worth keeping in them.
    fn is_blank(&self, values: &[String]) -> bool;

    /// The first field that cannot be sent, and why.
    fn fault(&self, values: &[String]) -> Option<(usize, String)>;

    /// Send them, and say what was done.
    ///
    /// # Errors
    /// With [`Code::Unproven`] it may have been sent; with any other code it was not.
    fn send(&self, values: &[String]) -> Result<String>;
}

/// What is said about fields that were filled from a draft.
pub fn remark(draft: &Draft) -> String {
    format!("Kept from {} ago: {}. Ctrl-L clears it.", age::short(draft.age()), draft.fate)
}

/// Show the form and do its job. `draft` is the key of the draft that the fields were filled from.
///
/// # Errors
/// There is no terminal.
pub fn run(form: Form, job: impl Job, draft: Option<Key>) -> Result<Code> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Problem::new(Code::Usage, "a form needs a terminal", "give everything as arguments instead").into());
    }
    let mut keeper = Keeper { job, key: draft, done: String::new(), told: None };
    match (form.run(&mut keeper)?, keeper.told) {
        (Left::Cancelled, _) => Ok(Code::Interrupted),
        (Left::Sent, Some(code)) => Ok(code),
        (Left::Sent, None) => say(&keeper.done),
    }
}

/// Say what was done: on the status line when we are in a popup, which closes now, else on standard output.
pub fn say(text: &str) -> Result<Code> {
    let shown = Tmux::current().is_ok_and(|tmux| tmux.client.is_some() && message::say(&tmux, &neutralise::line(text)));
    if shown {
        // It was typed while this was done; who did so could not know where it would go.
        pressed::all_blind()?;
    } else {
        writeln!(io::stdout(), "{text}")?;
    }
    Ok(Code::Done)
}

/// Does the job, and keeps the fields as a draft for as long as it is not known to be done.
struct Keeper<J> {
    job: J,
    /// Where they are kept now.
    key: Option<Key>,
    /// What was done.
    done: String,
    /// The exit code of what went wrong, when the form was closed behind it.
    told: Option<Code>,
}

impl<J: Job> Keeper<J> {
    /// Keep what is worth it; nothing of what was kept before stays beside it.
    fn keep_as(&mut self, values: &[String], fate: &str) -> Result<(), String> {
        let key = (!self.job.is_blank(values)).then(|| self.job.key(values));
        if let Some(key) = &key {
            drafts::keep(key, values, fate).map_err(|error| neutralise::line(&format!("{error:#}")))?;
        }
        if self.key != key {
            self.forget();
            self.key = key;
        }
        Ok(())
    }

    /// A draft that cannot be removed is offered once more, which does no harm.
    fn forget(&mut self) {
        if let Some(key) = self.key.take() {
            let _ = drafts::forget(&key);
        }
    }
}

impl<J: Job> Errand for Keeper<J> {
    fn send(&mut self, values: &[String]) -> Verdict {
        if let Some((field, why)) = self.job.fault(values) {
            return Verdict::Invalid { field, why };
        }
        // In case we are killed while it is on its way.
        let kept = self.keep_as(values, "not confirmed");
        match self.job.send(values) {
            Ok(done) => {
                self.forget();
                self.done = done;
                Verdict::Sent
            }
            Err(error) => match explain(&error) {
                (Code::Unproven, text) => {
                    self.told = Some(Code::Unproven);
                    Verdict::Told(match kept {
                        Ok(()) => text,
                        Err(why) => format!("{text}\nwhat you typed could not be kept: {why}"),
                    })
                }
                (_, text) => {
                    // If that fails, it is said when the form is left.
                    let _ = self.keep(values);
                    Verdict::Failed(text)
                }
            },
        }
    }

    fn keep(&mut self, values: &[String]) -> Result<(), String> {
        self.keep_as(values, "not sent")
    }
}
