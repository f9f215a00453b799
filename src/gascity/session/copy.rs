//! Files of the controller's into a pod.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::agent::Inside;
use super::payload::WORKSPACE;
use super::{Agent, City};
use crate::failure::{Failure, Kind};
use crate::gascity::kubectl::Source;
use crate::process::Output;
use crate::registry::names::ObjectName;
use crate::remote::local::tar;
use crate::remote::script::{self, Parts, Script};

const UNPACK: &str = include_str!("unpack.sh");
const RECEIVE: &str = include_str!("receive.sh");

/// Copy a file or a directory into the workspace; what is not there is not copied. A file gets the name that `below` says, or
/// keeps its own in a directory.
///
/// # Errors
/// It cannot be read or written, or the pod did not say.
pub fn copy_to(city: &City, agent: &Agent, from: &Path, below: &str, deadline: Instant) -> Result<(), Failure> {
    let container = Inside::container();
    let into = Into { city, pod: &agent.pod, container: container.as_ref(), silent: false };
    into.copy(from, &in_workspace(below), deadline)
}

/// A path that is relative to the workspace.
pub fn in_workspace(below: &str) -> String {
    if below.is_empty() { WORKSPACE.to_owned() } else { format!("{WORKSPACE}/{below}") }
}

/// A container to copy into.
pub struct Into<'a> {
    pub city: &'a City,
    pub pod: &'a ObjectName,
    pub container: Option<&'a ObjectName>,
    /// The kubectl says nothing on behalf of any pod; see [`super::Listed`].
    pub silent: bool,
}

impl Into<'_> {
    /// Copy a file to a path, or the contents of a directory into a directory.
    ///
    /// # Errors
    /// As [`copy_to`].
    pub fn copy(&self, from: &Path, to: &str, deadline: Instant) -> Result<(), Failure> {
        match fs::metadata(from) {
            Ok(about) if about.is_dir() => self.unpack(tar(from, &[]), to, deadline),
            Ok(about) if about.is_file() => self.file(from, about.permissions().mode(), to, deadline),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Unpack what `tar` writes into a directory.
    ///
    /// # Errors
    /// As [`copy_to`].
    pub fn unpack(&self, tar: Command, to: &str, deadline: Instant) -> Result<(), Failure> {
        let parts = self.send(UNPACK, &[to], Source::Command(tar), deadline)?;
        self.done(&parts, to)
    }

    fn file(&self, from: &Path, mode: u32, to: &str, deadline: Instant) -> Result<(), Failure> {
        let file = File::open(from).map_err(|error| Failure::new(Kind::Failed, format!("{}: {error}", from.display())))?;
        let name = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let parts = self.send(RECEIVE, &[to, &format!("{:o}", mode & 0o777), &name], Source::File(file), deadline)?;
        self.done(&parts, to)
    }

    /// Run a script that reads what `source` gives.
    ///
    /// # Errors
    /// The pod did not say how it went.
    fn send(&self, text: &'static str, arguments: &[&str], source: Source, deadline: Instant) -> Result<Option<Parts>, Failure> {
        let arguments: Vec<_> = arguments.iter().map(|&word| word.to_owned()).collect();
        let script = Script { text, tmux: &[], arguments: &arguments, stdin: b"" };
        let nonce = script::nonce();
        let output = self.city.cluster.exec_from(self.pod, self.container, script.sent_ahead(&nonce)?, source, deadline)?;
        match script::understand(&output, &nonce) {
            Ok(parts) => Ok(Some(parts)),
            Err(_) if self.silent && says_nothing(&output) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn done(&self, parts: &Option<Parts>, to: &str) -> Result<(), Failure> {
        match parts {
            Some(parts) if parts.get("ok").is_none() => Err(super::questions::said(parts, &format!("{to} was not written"))),
            _ => Ok(()),
        }
    }
}

/// Exit status 0, and not a word.
pub fn says_nothing(output: &Output) -> bool {
    output.status == 0 && output.stdout.is_empty() && output.stderr.is_empty()
}
