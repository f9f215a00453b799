//! `complete`: what could stand at one place of a command line, for the scripts in `shell/completions`.
//!
//! A candidate a line: the value as the program would get it, and behind a TAB what it means, when there is something to
//! say. Quoting is the shell's business. The line `TAB files` asks the shell for its own file names. Nothing is ever
//! written to standard error: it would garble the prompt.

mod candidates;
mod line;
mod refresh;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Result;
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate};

use self::candidates::Known;
use self::line::Line;
use super::Context;
use crate::cli::{Cli, Complete};
use crate::exit::Code;
use crate::terminal::neutralise;

/// The id of the candidate that stands for file names.
const FILES: &str = "files";

pub fn run(context: &Context, args: &Complete) -> Result<Code> {
    if args.refresh {
        refresh::run(context);
        return Ok(Code::Done);
    }
    let line = Line::new(&args.words, args.index);
    let candidates = candidates(line).unwrap_or_default();
    let mut out = io::stdout().lock();
    for candidate in candidates {
        writeln!(out, "{}", described(&candidate))?;
    }
    Ok(Code::Done)
}

/// What fits at the cursor. Options are offered only to somebody who has typed a `-`.
fn candidates(line: Line) -> io::Result<Vec<CompletionCandidate>> {
    let (words, index) = (line.words.clone(), line.index);
    let wants_options = line.current().starts_with('-');
    let mut candidates = engine::complete(&mut command(line), words, index, None)?;
    candidates.retain(|candidate| !candidate.is_hide_set() && (wants_options || !is_option(candidate)));
    Ok(candidates)
}

fn is_option(candidate: &CompletionCandidate) -> bool {
    candidate.get_id().is_some_and(|id| id.starts_with("arg::"))
}

/// `VALUE`, or `VALUE TAB HELP`.
fn described(candidate: &CompletionCandidate) -> String {
    if candidate.get_id().is_some_and(|id| id == FILES) {
        return format!("\t{FILES}");
    }
    let value = candidate.get_value().to_string_lossy();
    match candidate.get_help().map(ToString::to_string).as_deref().and_then(|help| help.lines().next()) {
        Some(help) => format!("{value}\t{help}"),
        None => value.into_owned(),
    }
}

/// The command line's definition, with what knows the values attached to its arguments.
///
/// This is not in `cli.rs` because the build script includes that file, and it has no registry.
fn command(line: Line) -> Command {
    with_values(Cli::command(), &Arc::new(line))
}

fn with_values(command: Command, line: &Arc<Line>) -> Command {
    let removes = command.get_name() == "remove";
    let command = command.mut_args(|arg| match (arg.get_id().as_str(), value_name(&arg)) {
        ("workers" | "kubeconfig" | "from_env" | "ssh_key", _) => {
            arg.add(ArgValueCompleter::new(|_: &OsStr| vec![CompletionCandidate::new("").id(Some(FILES.to_owned()))]))
        }
        ("context", _) => with(arg, line, candidates::contexts),
        ("session", _) => with_known(arg, line, |known, line| known.sessions(line)),
        (_, "POLECAT") => with_known(arg, line, |known, _| known.polecats()),
        (_, "WORKER") if removes => with_known(arg, line, |known, line| known.entries(line)),
        (_, "WORKER") => with_known(arg, line, |known, line| known.workers(line)),
        (_, "ADDRESS") => with_known(arg, line, |known, line| known.addresses(line)),
        _ => arg,
    });
    command.mut_subcommands(|subcommand| with_values(subcommand, line))
}

fn value_name(arg: &Arg) -> &str {
    arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str())
}

/// The same with what is known of the workers.
fn with_known(arg: Arg, line: &Arc<Line>, values: fn(&Known, &Line) -> Vec<String>) -> Arg {
    with(arg, line, move |line| Known::of(line).map(|known| values(&known, line)).unwrap_or_default())
}

/// The argument, completed with those of `values` that begin as the word does.
fn with(arg: Arg, line: &Arc<Line>, values: impl Fn(&Line) -> Vec<String> + Send + Sync + 'static) -> Arg {
    let line = line.clone();
    let positional = arg.is_positional();
    arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
        let typed = typed.to_string_lossy();
        if positional && typed.starts_with('-') {
            return Vec::new();
        }
        // A name that a shell's line editor could be deceived by is not offered.
        let harmless = |value: &String| value.starts_with(&*typed) && !value.contains(neutralise::deceives);
        values(&line).into_iter().filter(harmless).map(CompletionCandidate::new).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn values(words: &[&str]) -> Vec<String> {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        let line = Line::new(&words, words.len() - 1);
        candidates(line).unwrap().iter().map(described).collect()
    }

    #[test]
    fn subcommands_come_with_their_help_and_without_options() {
        let values = values(&["factory-worker", "p"]);
        assert_eq!(
            values,
            [
                "peek\tPrint a session's recent output without attaching",
                "pick\tFind a session on any worker with a fuzzy picker",
                "polecat\tSee, end, make and clear away the polecats of Gas Town",
            ]
        );
    }

    #[test]
    fn hidden_commands_and_options_stay_hidden() {
        assert_eq!(values(&["factory-worker", "complet"]), ["completions\tPrint the completion script of a shell"]);
        assert!(values(&["factory-worker", "popu"]).is_empty());
        assert!(values(&["factory-worker", "pick", "--th"]).is_empty());
    }

    #[test]
    fn the_original_spelling_is_completed_too() {
        assert_eq!(values(&["/opt/bin/factory", "worker", "clos"]), values(&["factory-worker", "clos"]));
    }

    #[test]
    fn a_dash_asks_for_options() {
        assert_eq!(values(&["factory-worker", "list", "--wi"]), ["--wide\tShow kind, namespace and context too"]);
    }

    #[rstest]
    #[case(&["factory-worker", "--workers", ""])]
    #[case(&["factory-worker", "list", "--workers", "x"])]
    #[case(&["factory-worker", "--workers="])]
    fn the_registry_is_a_file(#[case] words: &[&str]) {
        assert_eq!(values(words), ["\tfiles"]);
    }

    #[rstest]
    #[case(&["factory-worker", "dispatch", "w", "--project", ""])]
    #[case(&["factory-worker", "dispatch", "w", "--issue", ""])]
    #[case(&["factory-worker", "--timeout", ""])]
    #[case(&["factory-worker", "--parallel", ""])]
    #[case(&["factory-worker", "nudge", "w/s", ""])]
    fn what_nobody_knows_is_not_guessed(#[case] words: &[&str]) {
        assert_eq!(values(words), Vec::<String>::new());
    }

    #[test]
    fn words_of_a_fixed_choice_are_offered() {
        assert_eq!(values(&["factory-worker", "--color", "a"]), ["auto", "always"]);
        assert_eq!(values(&["factory-worker", "--color=n"]), ["--color=never"]);
        assert_eq!(values(&["factory-worker", "completions", "f"]), ["fish"]);
    }
}
