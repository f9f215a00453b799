//! A shell on a worker, in this terminal.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::exit::{Code, Problem};
use crate::remote::exec::Exec;
use crate::view;

/// Open it, and stay until it ends. `timeout` bounds what has to be asked before.
///
/// # Errors
/// There is no terminal, or no way there; or the shell ended with a status of its own, which is in the message.
pub fn open(exec: Arc<dyn Exec>, timeout: Duration) -> Result<Code> {
    needs_terminal()?;
    let Some(ended) = view::shell(exec, timeout).context("no shell can be opened")? else { return Ok(Code::Interrupted) };
    match ended.status {
        0 | 130 => Ok(Code::Done),
        status => {
            let said = ended.said.map(|said| format!(": {said}")).unwrap_or_default();
            Err(Problem::new(Code::Failed, format!("the shell ended with status {status}{said}"), "").into())
        }
    }
}

/// # Errors
/// Standard input or output is no terminal.
pub fn needs_terminal() -> Result<(), Problem> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Problem::new(Code::Usage, "a shell needs a terminal, and this is none", ""))
}
