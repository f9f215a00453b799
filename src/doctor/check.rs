//! One check: what was looked at, what was found, and what to do about it.

use serde::Serialize;

use crate::exit::Problem;
use crate::failure::Failure;
use crate::ourselves;
use crate::terminal::neutralise;
use crate::terminal::style::Style;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It works, but less well than it could.
    Warn,
    /// Something does not work.
    Fail,
    /// It could not be looked at.
    Skip,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Ok => Style::Good,
            Self::Warn => Style::Warn,
            Self::Fail => Style::Bad,
            Self::Skip => Style::Dim,
        }
    }
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    pub verdict: Verdict,
    /// What was found, one line.
    pub found: String,
    /// What to do about it, one line; `null` in the JSON when there is nothing to do.
    pub remedy: Option<String>,
}

impl Check {
    pub fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, found, None)
    }

    pub fn warn(name: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warn, found, Some(remedy.into()))
    }

    pub fn fail(name: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fail, found, Some(remedy.into()))
    }

    pub fn skip(name: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(name, Verdict::Skip, found, Some(remedy.into()))
    }

    /// A check that failed as a worker did.
    pub fn failed(name: impl Into<String>, failure: &Failure) -> Self {
        Self::fail(name, failure.reason.clone(), failure.remedy())
    }

    /// An error with its own remedy, else with this one.
    pub fn problem(name: impl Into<String>, error: &anyhow::Error, remedy: &str) -> Self {
        match error.downcast_ref::<Problem>() {
            Some(problem) if !problem.remedy.is_empty() => Self::fail(name, problem.what.clone(), problem.remedy.clone()),
            Some(problem) => Self::fail(name, problem.what.clone(), remedy),
            None => Self::fail(name, format!("{error:#}"), remedy),
        }
    }

    fn new(name: impl Into<String>, verdict: Verdict, found: impl Into<String>, remedy: Option<String>) -> Self {
        let remedy = remedy.filter(|remedy| !remedy.is_empty()).map(|remedy| neutralise::line(&ourselves::led(&remedy)));
        Self { name: neutralise::line(&name.into()), verdict, found: neutralise::line(&found.into()), remedy }
    }

    /// `ok    tmux              3.3a`, `warn  mouse             off → set -g mouse on`
    pub fn line(&self) -> String {
        let verdict = self.verdict.style().paint(&format!("{:<4}", self.verdict.word()));
        let remedy = self.remedy.as_ref().map(|remedy| format!(" → {}", Style::Bold.paint(remedy))).unwrap_or_default();
        format!("  {verdict}  {:<20}  {}{remedy}", self.name, self.found)
    }
}
