//! Entries of `workers.yaml` that cannot be used: each costs itself alone.

use std::fmt;

use super::names::WorkerName;

/// An entry that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What it is called where workers are listed: its name where it has one, else its place in the file's list, `workers#3` or
    /// `discover#2`, as no worker can be called.
    pub name: WorkerName,
    pub list: List,
    /// Its place in the list, from 1.
    pub number: usize,
    /// How many entries of its list that can be used stand before it.
    pub behind: usize,
    /// Where the fault is; both count from 1.
    pub line: usize,
    pub column: usize,
    /// What is wrong, one line.
    pub reason: String,
}

/// The lists of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Workers,
    Sources,
}

impl List {
    /// Its key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Sources => "discover",
        }
    }

    /// What an entry is.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Workers => "worker",
            Self::Sources => "source",
        }
    }

    /// What an entry without a name is called; `number` counts from 1.
    pub fn nameless(self, number: usize) -> WorkerName {
        WorkerName::reserved(format!("{}#{number}", self.key()))
    }
}

/// `LINE:COLUMN: reason`, to stand behind the file's name and a colon.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.reason)
    }
}
