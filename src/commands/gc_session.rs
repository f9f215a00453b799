//! Gas City's session provider: what its `exec:` session protocol asks for.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::exit::{Code, Problem};
use crate::gascity::session::{self, Agent, City, Meta, PATIENCE, PROTOCOL, Refused};
use crate::registry::names::Address;
use crate::terminal::{line_ends, neutralise};
use crate::view::{self, Outcome, View};

const USAGE: &str = "operations: start, stop, interrupt, is-running, attach, process-alive, nudge, send-keys, set-meta, get-meta, \
                     remove-meta, peek, list-running, get-last-activity, clear-scrollback, copy-to, copy-from, check-image, \
                     protocol, is-attached, exec";
/// What tells Gas City that there is no room just now (EX_TEMPFAIL of sysexits.h).
const FULL: u8 = 75;
/// How long a session may take to come back while somebody is attached to it: as long as a start may take.
const RETURN: Duration = Duration::from_secs(120);
/// How many lines of history `peek` shows when nobody says.
const LINES: u64 = 50;

/// Do what the words ask for; gives the exit status. An operation that is not known is 2, whatever else goes wrong is 1: Gas
/// City takes 2 for an operation that need not be there.
pub fn run(words: &[OsString]) -> u8 {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    operation(&words).unwrap_or_else(|error| match super::report(&error) {
        Code::Done => Code::Done as u8,
        _ => Code::Failed as u8,
    })
}

/// One operation on one session.
struct Call<'a> {
    operation: &'a str,
    /// The session's name.
    name: &'a str,
    /// What comes behind it.
    rest: &'a [String],
    deadline: Instant,
}

fn operation(words: &[String]) -> Result<u8> {
    let (operation, arguments) = words.split_first().ok_or_else(|| Problem::new(Code::Failed, "no operation is named", USAGE))?;
    let (name, rest) = arguments.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let call = Call { operation, name, rest, deadline: Instant::now() + PATIENCE };
    match operation.as_str() {
        "protocol" => call.say(PROTOCOL.as_bytes())?,
        "start" => return call.start(),
        "stop" => call.stop()?,
        "attach" => call.attach()?,
        "list-running" => {
            let sessions = City::of_environment()?.sessions(name, call.deadline)?;
            sessions.iter().try_for_each(|session| call.say(session.as_bytes()))?;
        }
        "check-image" => call.check_image()?,
        "is-running" | "process-alive" | "is-attached" => call.question()?,
        "peek" | "get-meta" | "get-last-activity" => call.look()?,
        "interrupt" | "send-keys" | "nudge" | "set-meta" | "remove-meta" | "clear-scrollback" | "copy-to" => call.change()?,
        "copy-from" => call.copy_from()?,
        "exec" => return call.execute(),
        _ => return Ok(Code::Usage as u8),
    }
    Ok(Code::Done as u8)
}

impl Call<'_> {
    fn start(&self) -> Result<u8> {
        match session::start(&City::of_environment()?, self.name, &input()?) {
            Ok(()) => Ok(Code::Done as u8),
            Err(Refused::Full(failure)) => {
                super::report(&failure.into());
                Ok(FULL)
            }
            Err(Refused::Failed(failure)) => Err(failure.into()),
            Err(Refused::Exists(what)) => Err(Problem::new(Code::Failed, what, "").into()),
        }
    }

    fn stop(&self) -> Result<()> {
        self.named()?;
        Ok(City::of_environment()?.stop(self.name, self.deadline)?)
    }

    fn attach(&self) -> Result<()> {
        let (city, agent) = self.there()?;
        let city = city.for_long();
        let session = session::session()?;
        let address = Address { worker: "gas-city".parse()?, session: self.name.parse()? };
        let view = View {
            remote: Arc::new(session::remote(&city, &agent)),
            is_pod: true,
            address: &address,
            session: &session,
            read_only: false,
            plain: false,
            in_window: false,
            timeout: PATIENCE,
            patience: RETURN,
        };
        match view::attach(&view)? {
            Outcome::Left | Outcome::Gone(_) | Outcome::Ended => Ok(()),
            Outcome::Never(failure) => Err(failure.into()),
        }
    }

    fn check_image(&self) -> Result<()> {
        let image = self.name;
        if image.is_empty() || image.contains(char::is_whitespace) {
            return Err(Problem::new(Code::Failed, format!("{image:?} is no name of an image"), "").into());
        }
        match City::of_environment()?.image_trouble(image, self.deadline)? {
            None => Ok(()),
            Some(why) => Err(Problem::new(Code::Failed, format!("the cluster cannot get image {image}: {why}"), "").into()),
        }
    }

    /// What is answered with `true` or `false`. A session that is not there makes it false.
    fn question(&self) -> Result<()> {
        let names = if self.operation == "process-alive" { input()? } else { Vec::new() };
        let nothing_to_find = self.operation == "process-alive" && (self.name.is_empty() || names.trim_ascii().is_empty());
        let answer = nothing_to_find
            || match self.found()? {
                None => false,
                Some((city, agent)) => match self.operation {
                    "process-alive" => session::alive(&city, &agent, &names, self.deadline)?,
                    "is-attached" => session::is_attached(&city, &agent, self.deadline)?,
                    _ => session::is_there(&city, &agent, self.deadline)?,
                },
            };
        self.say(if answer { b"true" } else { b"false" })
    }

    /// What is answered with a text. A session that is not there has none.
    fn look(&self) -> Result<()> {
        let key = if self.operation == "get-meta" { self.argument("key")? } else { "" };
        let Some((city, agent)) = self.found()? else { return Ok(()) };
        let text = match self.operation {
            "get-meta" => session::get_meta(&city, &agent, key, self.deadline)?,
            "get-last-activity" => session::activity(&city, &agent, self.deadline)?.into_bytes(),
            _ => session::peek(&city, &agent, self.lines(), self.deadline)?,
        };
        self.print(&text)
    }

    /// How many lines of history are wanted, `None` for all.
    fn lines(&self) -> Option<u64> {
        match self.rest.first() {
            None => Some(LINES),
            Some(word) => word.parse().ok().filter(|&lines| lines > 0),
        }
    }

    /// What changes something. A session that is not there is no error.
    fn change(&self) -> Result<()> {
        let key = if self.operation.ends_with("-meta") { self.argument("key")? } else { "" };
        let takes_input = matches!(self.operation, "nudge" | "set-meta");
        let mut text = if takes_input { input()? } else { Vec::new() };
        if self.operation == "nudge" {
            text = line_ends::unified_bytes(&text);
        }
        let nothing_to_do = match self.operation {
            "nudge" => text.is_empty(),
            "send-keys" => self.rest.is_empty(),
            "copy-to" => self.rest.first().is_none_or(|source| !Path::new(source).exists()),
            _ => false,
        };
        if nothing_to_do {
            return Ok(());
        }
        let Some((city, agent)) = self.found()? else { return Ok(()) };
        match self.operation {
            "nudge" => session::nudge(&city, &agent, &text, self.deadline)?,
            "send-keys" => session::keys(&city, &agent, self.rest, self.deadline)?,
            "set-meta" => session::set_meta(&city, &agent, key, Meta::Set(&text), self.deadline)?,
            "remove-meta" => session::set_meta(&city, &agent, key, Meta::Unset, self.deadline)?,
            "clear-scrollback" => session::clear(&city, &agent, self.deadline)?,
            "copy-to" => {
                let below = self.rest.get(1).map_or("", String::as_str);
                session::copy_to(&city, &agent, Path::new(&self.rest[0]), below, self.deadline)?;
            }
            _ => session::keys(&city, &agent, &["C-c".to_owned()], self.deadline)?,
        }
        Ok(())
    }

    fn copy_from(&self) -> Result<()> {
        let path = self.argument("path")?;
        let (city, agent) = self.there()?;
        let bytes = session::copy_from(&city, &agent, path, self.deadline)?;
        self.print(&bytes)
    }

    /// Run a command in the pod: its output and its exit status are ours.
    fn execute(&self) -> Result<u8> {
        let command = input()?;
        let (city, agent) = self.there()?;
        let ran = session::execute(&city, &agent, &command, self.deadline)?;
        self.print(&ran.stdout)?;
        let stderr = if io::stderr().is_terminal() { neutralise::plain(&ran.stderr).into_bytes() } else { ran.stderr };
        io::stderr().lock().write_all(&stderr)?;
        Ok(u8::try_from(ran.status).unwrap_or(Code::Failed as u8))
    }

    fn named(&self) -> Result<()> {
        match self.name {
            "" => Err(Problem::new(Code::Failed, format!("{}: missing session name", self.operation), "").into()),
            _ => Ok(()),
        }
    }

    /// The argument behind the session's name.
    fn argument(&self, what: &str) -> Result<&str> {
        let found = self.rest.first().map(String::as_str).filter(|argument| !argument.is_empty());
        Ok(found.ok_or_else(|| Problem::new(Code::Failed, format!("{}: missing {what}", self.operation), ""))?)
    }

    /// The session's pod, when it runs.
    fn found(&self) -> Result<Option<(City, Agent)>> {
        if self.name.is_empty() {
            return Ok(None);
        }
        let city = City::of_environment()?.for_a_moment();
        Ok(city.running(self.name, self.deadline)?.map(|agent| (city, agent)))
    }

    /// The same where there has to be one.
    fn there(&self) -> Result<(City, Agent)> {
        self.named()?;
        let what = || format!("{}: no running pod for session {:?}", self.operation, self.name);
        Ok(self.found()?.ok_or_else(|| Problem::new(Code::Failed, what(), ""))?)
    }

    fn say(&self, line: &[u8]) -> Result<()> {
        self.print(&[line, b"\n"].concat())
    }

    /// What came from a pod; harmless where it reaches a terminal.
    fn print(&self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        match io::stdout().is_terminal() {
            true => out.write_all(neutralise::plain(bytes).as_bytes())?,
            false => out.write_all(bytes)?,
        }
        Ok(out.flush()?)
    }
}

/// All of standard input, nothing when a person sits there.
fn input() -> Result<Vec<u8>> {
    let mut text = Vec::new();
    if !io::stdin().is_terminal() {
        io::stdin().lock().read_to_end(&mut text).context("cannot read standard input")?;
    }
    Ok(text)
}
