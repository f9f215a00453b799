//! The worker's own status command: once, or once in every repository of a TaintFactory worker, whose `factory status`
//! needs to be in one.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::process::Output;
use crate::registry::worker::{Preset, Worker};
use crate::remote::list;
use crate::remote::repositories::{self, Repository};
use crate::remote::session::Answer;
use crate::remote::{Remote, command};
use crate::terminal::neutralise;
use crate::terminal::style::Style;

/// What one run of it said.
#[derive(Debug, Default)]
pub struct Own {
    /// The namespace of the repository that it ran in, as the worker names it.
    pub repository: Option<String>,
    pub output: Option<Output>,
    /// Why it is not what was wanted.
    pub reason: Option<String>,
    /// Whether that is a failure of the command, and not only something that the worker does not have.
    pub failed: bool,
}

/// The sessions, and in the same exec the status command or the list of repositories to run it in.
///
/// # Errors
/// The worker could not be asked for its sessions.
pub fn ask(remote: &Remote, worker: &Worker, timeout: Duration) -> Result<(Answer, Vec<Own>), Failure> {
    let Some(argv) = worker.commands.status.as_ref().map(|status| status.fill(&[])) else {
        return Ok((or_elsewhere(remote, &[], timeout)?.0, Vec::new()));
    };
    let per_repository = worker.commands.preset == Preset::TaintFactory;
    let first = if per_repository { repositories::command() } else { argv.clone() };
    let (answer, said) = or_elsewhere(remote, &first, timeout)?;
    let own = match said {
        None => vec![Own { reason: Some("there is no sh in the container to run the status command".into()), ..Own::default() }],
        Some(output) if per_repository => in_repositories(remote, &argv, &output, timeout),
        Some(output) => vec![Own::of(&argv, output, None)],
    };
    Ok((answer, own))
}

/// The sessions and what the command said; where there are none, whether another container of the pod has some.
fn or_elsewhere(remote: &Remote, command: &[String], timeout: Duration) -> Result<(Answer, Option<Output>), Failure> {
    let deadline = Instant::now() + timeout;
    let (answer, said) = match list::with_command(remote, command, timeout) {
        Ok((answer, said)) => (Ok(answer), said),
        Err(failure) => (Err(failure), None),
    };
    Ok((list::or_elsewhere(remote, answer, deadline)?, said))
}

/// In a second exec, the status command in every repository that the first one listed.
fn in_repositories(remote: &Remote, argv: &[String], listing: &Output, timeout: Duration) -> Vec<Own> {
    let listed = match repositories::understand(listing.status, &listing.stdout) {
        Ok(listed) => listed,
        Err(failure) => return vec![Own { output: Some(listing.clone()), ..Own::fault(&failure.reason) }],
    };
    let places: Vec<_> = listed.into_iter().filter_map(placed).collect();
    if places.is_empty() {
        return Vec::new();
    }
    let (names, directories): (Vec<_>, Vec<_>) = places.into_iter().unzip();
    match command::ask_in(remote, &directories, argv, timeout) {
        Ok(outputs) => names.into_iter().zip(outputs).map(|(name, output)| Own::of(argv, output, Some(name))).collect(),
        Err(failure) => vec![Own::fault(&failure.reason)],
    }
}

/// Namespace and directory; `None` for a repository that is not checked out.
fn placed(repository: Repository) -> Option<(String, String)> {
    Some((repository.namespace, repository.directory?))
}

impl Own {
    fn fault(why: &str) -> Self {
        Self { reason: Some(why.to_owned()), failed: true, ..Self::default() }
    }

    fn of(argv: &[String], output: Output, repository: Option<String>) -> Self {
        let failed = output.status != 0;
        Self { repository, reason: failed.then(|| command::verdict(argv, output.status)), output: Some(output), failed }
    }

    /// Under its repository's name: what it printed; what it complained of goes to standard error.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some(name) = &self.repository {
            writeln!(out, "\n{}", Style::Bold.paint(&neutralise::line(name)))?;
        }
        let Some(output) = &self.output else {
            return match &self.reason {
                Some(reason) if !self.failed => writeln!(io::stderr(), "factory-worker: {reason}"),
                _ => Ok(()),
            };
        };
        let text = neutralise::plain(&output.stdout);
        if !text.trim().is_empty() {
            writeln!(out, "{}", text.trim_end())?;
        }
        out.flush()?;
        io::stderr().write_all(neutralise::plain(&output.stderr).as_bytes())
    }

    pub fn json(&self) -> Value {
        let text = |bytes: fn(&Output) -> &[u8]| self.output.as_ref().map(|output| neutralise::plain(bytes(output)));
        json!({
            "repository": self.repository, "exit": self.output.as_ref().map(|output| output.status),
            "stdout": text(|output| &output.stdout), "stderr": text(|output| &output.stderr), "reason": self.reason,
        })
    }
}
