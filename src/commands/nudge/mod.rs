//! `nudge`: type a prompt into a session.

mod form;

use std::io::{self, IsTerminal, Read, Write};

use anyhow::{Context as _, Result};

pub use form::form;

use super::{Context, target};
use crate::cli::Nudge;
use crate::exit::{Code, Problem};
use crate::registry::names::Address;
use crate::remote::Remote;
use crate::remote::nudge::{self, Delivery};
use crate::terminal::progress::Progress;
use crate::terminal::{line_ends, neutralise};

/// A longer prompt than this is a mistake, in bytes.
const TEXT_CAP: u64 = 1 << 20;
const HOW_TO_GIVE_A_TEXT: &str = "give it as an argument behind the address, or on standard input";

pub fn run(context: &Context, args: &Nudge) -> Result<Code> {
    let (worker, session) = target::session(context, &args.session)?;
    let text = match args.text.as_deref() {
        None if io::stdin().is_terminal() => return form(context, &worker, &session, None),
        None | Some("-") => from_stdin()?,
        Some(text) => line_ends::unified(text),
    };
    nudge::check(&text).map_err(|reason| Problem::new(Code::Usage, reason, HOW_TO_GIVE_A_TEXT))?;
    let address = Address { worker: worker.name.clone(), session };
    let progress = Progress::show(format!("nudging {}…", worker.name));
    let done = deliver(context, &context.remote(&worker), &address, &text)?;
    drop(progress);
    writeln!(io::stdout(), "{done}")?;
    Ok(Code::Done)
}

/// Type the text, and say what was done.
///
/// # Errors
/// It was not typed; or, with [`Code::Unproven`], nothing shows that the program took it.
fn deliver(context: &Context, remote: &Remote, address: &Address, text: &str) -> Result<String> {
    let delivery = nudge::nudge(remote, &address.session, text, context.deadline())
        .map_err(|failure| super::unproven(failure, address))
        .with_context(|| format!("nudging {address}"))?;
    match delivery {
        Delivery::Confirmed => Ok(format!("nudged {}", neutralise::line(&address.to_string()))),
        Delivery::Typed { entered } => Err(not_confirmed(address, entered).into()),
    }
}

/// What a nudge that nothing confirms is reported as: never as success.
fn not_confirmed(address: &Address, entered: bool) -> Problem {
    let why = if entered {
        "Enter was pressed, but nothing on the screen shows that the program took it"
    } else {
        "the text did not show on the screen, or the session takes no keys any more, so Enter was not pressed"
    };
    let what = format!("typed, not confirmed: {why}");
    Problem::new(Code::Unproven, what, format!("look with `factory-worker peek {}`", shell_words::quote(&address.to_string())))
}

/// Standard input, without the line end that `echo` adds.
fn from_stdin() -> Result<String> {
    let usage = |what: &str| Problem::new(Code::Usage, what, HOW_TO_GIVE_A_TEXT);
    let mut bytes = Vec::new();
    io::stdin().lock().take(TEXT_CAP + 1).read_to_end(&mut bytes).context("cannot read standard input")?;
    if bytes.len() as u64 > TEXT_CAP {
        return Err(usage("the text is longer than 1 MiB").into());
    }
    let text = String::from_utf8(bytes).map_err(|_| usage("the text is not UTF-8"))?;
    let mut text = line_ends::unified(&text);
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}
