//! The nudge form: one text, for one session.

use anyhow::Result;

use crate::commands::Context;
use crate::commands::form::{self, Job};
use crate::exit::Code;
use crate::registry::identity::SessionIdentity;
use crate::registry::names::{Address, SessionName};
use crate::registry::worker::Worker;
use crate::remote::{Remote, nudge};
use crate::state::drafts::{self, Key};
use crate::terminal::form::{Field, Form};
use crate::terminal::neutralise;

/// Ask for the text in a form and type it. What was kept of an earlier try is offered again. `meant` is which session that is,
/// where that is known.
///
/// # Errors
/// There is no terminal.
pub fn form(context: &Context, worker: &Worker, session: &SessionName, meant: Option<SessionIdentity>) -> Result<Code> {
    let remote = context.remote(worker).meaning(meant);
    remote.takes_keys()?;
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    let prompt = Prompt { context, remote: &remote, address: &address };
    let draft = drafts::find(&prompt.key(&[]));
    let text = draft.as_ref().and_then(|draft| draft.values.first()).map_or("", String::as_str);
    let title = format!("Nudge {}", neutralise::line(&address.to_string()));
    let mut form = Form::new(title, vec![Field::text("Text", text, "what to say to it")]);
    if let Some(draft) = &draft {
        form.note(form::remark(draft));
    }
    let kept = draft.map(|_| prompt.key(&[]));
    form::run(form, prompt, kept)
}

struct Prompt<'a> {
    context: &'a Context,
    remote: &'a Remote,
    address: &'a Address,
}

impl Job for Prompt<'_> {
    fn key(&self, _values: &[String]) -> Key {
        Key::new("nudge", &self.address.to_string())
    }

    fn is_blank(&self, values: &[String]) -> bool {
        values.concat().trim().is_empty()
    }

    fn fault(&self, values: &[String]) -> Option<(usize, String)> {
        nudge::check(&values.concat()).err().map(|why| (0, why.to_owned()))
    }

    fn send(&self, values: &[String]) -> Result<String> {
        super::deliver(self.context, self.remote, self.address, &values.concat())
    }
}
