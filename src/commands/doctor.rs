//! `doctor`: what is wrong with this set-up, and the remedy.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde_json::json;

use super::{Context, target};
use crate::cli::Doctor;
use crate::doctor::{self, Examination, Section, Verdict};
use crate::exit::Code;
use crate::registry::Registry;
use crate::terminal::json;
use crate::terminal::style::Style;

pub fn run(context: &Context, args: &Doctor) -> Result<Code> {
    let path = Registry::path(context.global.workers.as_deref())?;
    let names = target::worker_names(&args.names)?;
    // Without names, what a source finds is looked at as a whole.
    let mut registry = if names.is_empty() { context.load() } else { context.registry_with(&names) };
    let workers = match &registry {
        Ok(registry) => target::workers(registry, &names)?,
        // The rest of the machine can be looked at all the same.
        Err(_) => Vec::new(),
    };
    // Whoever asks about workers by name does not ask where others come from.
    if let (Ok(registry), false) = (&mut registry, names.is_empty()) {
        registry.sources.clear();
    }
    let (timeout, parallel) = (context.timeout(), context.global.parallel);
    let sections = doctor::examine(Examination { path, registry, workers, timeout, parallel });
    let verdicts = if args.json { print_json(sections)? } else { print(sections)? };
    let failed = verdicts.contains(&Verdict::Fail);
    Ok(if failed { Code::Failed } else { Code::Done })
}

/// Section by section, each as soon as it is known.
fn print(sections: impl Iterator<Item = Section>) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    let mut out = io::stdout().lock();
    for section in announced(sections) {
        if !verdicts.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "{}", Style::Bold.paint(&section.title))?;
        for check in &section.checks {
            writeln!(out, "{}", check.line())?;
            verdicts.push(check.verdict);
        }
        out.flush()?;
    }
    writeln!(out, "\n{}", summary(&verdicts))?;
    Ok(verdicts)
}

/// The same sections, with a word on standard error (on a terminal) while the next one is waited for.
fn announced(mut sections: impl Iterator<Item = Section>) -> impl Iterator<Item = Section> {
    let watched = io::stderr().is_terminal();
    std::iter::from_fn(move || {
        if watched {
            eprint!("looking…");
        }
        let section = sections.next();
        if watched {
            eprint!("\r\x1b[K");
        }
        section
    })
}

fn summary(verdicts: &[Verdict]) -> String {
    let count = |wanted: Verdict| verdicts.iter().filter(|&&verdict| verdict == wanted).count();
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => "everything is as it should be".to_owned(),
        (0, warned) => format!("it works; {warned} could be better"),
        (failed, 0) => format!("{failed} failed"),
        (failed, warned) => format!("{failed} failed, {warned} could be better"),
    }
}

fn print_json(sections: impl Iterator<Item = Section>) -> Result<Vec<Verdict>> {
    let sections: Vec<Section> = sections.collect();
    let checks: Vec<_> = sections
        .iter()
        .flat_map(|section| section.checks.iter().map(move |check| (section, check)))
        .map(|(section, check)| {
            json!({
                "about": section.title, "check": check.name, "verdict": check.verdict, "found": check.found,
                "remedy": check.remedy,
            })
        })
        .collect();
    json::write_line(io::stdout().lock(), &json!({ "checks": checks }))?;
    Ok(sections.iter().flat_map(|section| &section.checks).map(|check| check.verdict).collect())
}
