//! Gas City's events provider: what its `exec:` events protocol asks for.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};

use anyhow::{Context as _, Result};

use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::gascity::events::{self, Filter, Store};
use crate::gascity::variables;

const USAGE: &str = "operations: ensure-running, record, list, latest-seq, watch AFTERSEQ";

/// Do what the words ask for. An operation that is not known is 2, whatever else goes wrong is 1: Gas City takes 2 for an
/// operation that need not be there.
pub fn run(words: &[OsString]) -> Code {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match operation(&words) {
        Ok(code) => code,
        Err(error) => match super::report(&named(error)) {
            Code::Done => Code::Done,
            _ => Code::Failed,
        },
    }
}

/// Of the cluster that is asked, so that what is told to do leads there.
fn named(error: anyhow::Error) -> anyhow::Error {
    match (error.downcast::<Failure>(), variables::cluster()) {
        (Ok(failure), Ok((cluster, _))) => cluster.named(failure).into(),
        (Ok(failure), Err(_)) => failure.into(),
        (Err(error), _) => error,
    }
}

fn operation(words: &[String]) -> Result<Code> {
    let (operation, arguments) = words.split_first().ok_or_else(|| Problem::new(Code::Failed, "no operation is named", USAGE))?;
    let deadline = events::deadline();
    let open = || -> Result<Store> {
        let (cluster, namespace) = variables::cluster()?;
        Ok(Store::open(&cluster, &namespace, deadline)?)
    };
    match operation.as_str() {
        "ensure-running" => events::ensure(&open()?, deadline)?,
        "record" => {
            let event = events::parse(&input()?)?;
            let (cluster, namespace) = variables::cluster()?;
            events::record(|| Store::open(&cluster, &namespace, deadline), &event, deadline)?;
        }
        "list" => {
            let filter = Filter::parse(&input()?).map_err(|why| Problem::new(Code::Failed, why, ""))?;
            writeln!(io::stdout().lock(), "{}", events::list(&open()?, &filter, deadline)?)?;
        }
        "latest-seq" => writeln!(io::stdout().lock(), "{}", events::latest(&open()?, deadline)?)?,
        "watch" => watch(arguments)?,
        _ => return Ok(Code::Usage),
    }
    Ok(Code::Done)
}

fn watch(arguments: &[String]) -> Result<()> {
    let after = arguments.first().map_or("0", String::as_str);
    let wrong = |_| Problem::new(Code::Failed, format!("{after:?} is no number of an event"), "watch what latest-seq printed");
    let after = after.trim().parse().map_err(wrong)?;
    let (cluster, namespace) = variables::cluster()?;
    let open = || -> Result<Store, Failure> { Store::open(&cluster, &namespace, events::deadline()) };
    events::watch(open, after, &mut io::stdout().lock())
}

/// All of standard input, nothing when a person sits there.
fn input() -> Result<Vec<u8>> {
    let mut text = Vec::new();
    if !io::stdin().is_terminal() {
        io::stdin().lock().read_to_end(&mut text).context("cannot read standard input")?;
    }
    Ok(text)
}
