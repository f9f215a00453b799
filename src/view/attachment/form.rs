//! The form in which a view's script travels: packed, unless the worker has said that it cannot unpack it.

use std::time::Instant;

use super::Attachment;
use crate::failure::Failure;
use crate::remote::exec::Interactive;
use crate::remote::script::argv::{CANNOT_UNPACK, Form};
use crate::state::ledger::Spot;
use crate::state::plain_scripts;
use crate::view::client::Manner;
use crate::view::client::ending::Ending;
use crate::view::plan::{self, Event, Moment};

/// The form for a worker, and for which pod of it that is known.
#[derive(Debug, Default)]
pub struct KnownForm(Option<(Option<String>, Form)>);

impl Attachment<'_> {
    /// The command of an attempt in this manner, with its argv.
    pub(super) fn command_in(&mut self, manner: Manner) -> Result<(Interactive, Vec<String>), Failure> {
        self.children += 1;
        let form = self.form();
        let argv = self.client.argv(&self.wanted, &manner, self.children, form)?;
        // Which pod it is has been asked, or was known.
        let interactive = self.view.remote.exec.interactive(&argv, Instant::now() + plan::ENTER)?;
        self.form = KnownForm(Some((interactive.pod.as_ref().map(ToString::to_string), form)));
        Ok((interactive, argv))
    }

    fn form(&self) -> Form {
        let pod = self.view.remote.exec.pod();
        match &self.form.0 {
            Some((known, form)) if *known == pod => *form,
            _ => {
                let is_plain = self.spot(pod).is_some_and(|spot| plain_scripts::holds(&spot));
                if is_plain { Form::Plain } else { Form::Packed }
            }
        }
    }

    /// Set out once more when this end says that nothing ran because it could not be unpacked. Nobody need hear of it: it is
    /// still the same attempt.
    pub(super) fn sets_out_plainly(&mut self, status: i32, now: Moment) -> bool {
        let Some((pod, Form::Packed)) = self.form.0.take_if(|(_, form)| status == CANNOT_UNPACK && *form == Form::Packed) else {
            return false;
        };
        if let Some(spot) = self.spot(pod.clone()) {
            plain_scripts::note(&spot);
        }
        self.form = KnownForm(Some((pod, Form::Plain)));
        if let Err(failure) = self.attach(now) {
            self.apply(Event::Ended(Ending::Broken(failure)), now);
        }
        true
    }

    fn spot(&self, pod: Option<String>) -> Option<Spot> {
        Some(Spot { place: self.view.remote.exec.place()?, pod })
    }
}
