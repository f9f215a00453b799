//! `config init`: a first registry, with one worker that works at once.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::commands::Context;
use crate::exit::{Code, Problem};
use crate::registry::Registry;
use crate::registry::worker::{Place, Worker};
use crate::terminal::shell;

const FIRST: &str = include_str!("workers.yaml");

pub fn run(context: &Context) -> Result<Code> {
    let path = Registry::path(context.global.workers.as_deref())?;
    write_new(&path)?;
    // Read back as everybody else will read it.
    let registry = context.registry()?;
    let mut out = io::stdout().lock();
    writeln!(out, "Wrote {}", path.display())?;
    for worker in &registry.workers {
        if let Place::Local(directory) = &worker.place {
            make_directory(directory)?;
            writeln!(out, "It has one worker, {}, a tmux server of its own on this machine. Try:\n", worker.name)?;
            for (command, purpose) in first_steps(&program(context, &path), worker, directory) {
                writeln!(out, "  {command}\n      {purpose}")?;
            }
        }
    }
    Ok(Code::Done)
}

/// Our own command line for this registry.
fn program(context: &Context, path: &Path) -> String {
    let mut words = vec!["factory-worker".to_owned()];
    if context.global.workers.is_some() {
        words.extend(["--workers".to_owned(), path.to_string_lossy().into_owned()]);
    }
    shell::line(&words)
}

/// Commands to try, in this order, and what they do.
fn first_steps(program: &str, worker: &Worker, directory: &Path) -> Vec<(String, &'static str)> {
    let socket = directory.join("tmux.sock").to_string_lossy().into_owned();
    let new_session = ["tmux", "-S", &socket, "new-session", "-d", "-s", "hello"].map(str::to_owned);
    let name = &worker.name;
    vec![
        (format!("{program} list"), "the worker, without sessions yet"),
        (shell::line(&new_session), "starts a session on it"),
        (format!("{program} attach {name}/hello"), "the session in this terminal; inside tmux, `open` makes it a window"),
        (format!("{program} pick"), "finds any session on any worker"),
    ]
}

/// Never over anything that is there, not even a link that leads nowhere.
fn write_new(path: &Path) -> Result<()> {
    if let Some(directory) = path.parent() {
        make_directory(directory)?;
    }
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let what = format!("{} is there already; nothing was written", path.display());
            return Err(Problem::new(Code::Failed, what, "see what it says with `factory-worker config show`").into());
        }
        opened => opened.with_context(|| format!("cannot make {}", path.display()))?,
    };
    file.write_all(FIRST.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// For its owner only, when it is not there yet.
fn make_directory(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the directory {}", path.display()))
}
