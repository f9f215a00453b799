//! One worker: its pod or directory, and what is in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Check, machine, programs};
use crate::failure::{Failure, Kind};
use crate::registry::origin::Reads;
use crate::registry::template::Template;
use crate::registry::worker::{Place, Worker};
use crate::remote::Remote;
use crate::remote::examine::{self, Found};

/// Every check of a worker, by one exec.
pub fn checks(worker: &Worker, timeout: Duration) -> Vec<Check> {
    if worker.polecat().is_some_and(|polecat| polecat.reads == Reads::Log) {
        return vec![Check::ok("log", "a polecat without tmux: its log is all there is to see")];
    }
    let remote = Remote::to(worker);
    let mut wanted = programs::needed();
    let templates = templates(worker);
    wanted.extend(templates.iter().filter_map(|(_, template, _)| template.program()));
    let answer = examine::examine(&remote, &wanted, Instant::now() + timeout);
    let mut checks = match &worker.place {
        Place::Pod(place) => {
            let container = place.container.as_ref().map_or("the pod's default", |name| name.as_str());
            inside(&answer, remote.exec.pod().as_deref().unwrap_or("?"), container)
        }
        Place::Local(directory) => vec![self::directory(directory, answer.as_ref().err())],
    };
    if let Ok(found) = &answer {
        checks.extend(contents(found));
        checks.extend(templates.iter().map(|(name, template, preset)| command(name, template, *preset, found)));
    }
    checks
}

/// Pod, container and sh, as far as the exec came.
fn inside(answer: &Result<Found, Failure>, pod: &str, container: &str) -> Vec<Check> {
    let pod_is_there = || Check::ok("pod", pod);
    match answer {
        Ok(_) => vec![pod_is_there(), Check::ok("container", container), Check::ok("sh", "there")],
        Err(failure) => match failure.kind {
            Kind::NoContainer => vec![pod_is_there(), Check::failed("container", failure)],
            Kind::NoShell => vec![pod_is_there(), Check::ok("container", container), Check::failed("sh", failure)],
            Kind::Incomplete | Kind::Failed => vec![pod_is_there(), Check::failed("answer", failure)],
            _ => vec![Check::failed("pod", failure)],
        },
    }
}

fn directory(directory: &Path, failure: Option<&Failure>) -> Check {
    const NAME: &str = "directory";
    let shown = directory.display();
    if let Some(failure) = failure {
        return Check::failed(NAME, failure);
    }
    match fs::metadata(directory) {
        // Whoever can write there can put another tmux server in the place of ours.
        Ok(about) if about.mode() & 0o022 != 0 => {
            let remedy = format!("chmod go-w {}", shell_words::quote(&directory.to_string_lossy()));
            Check::fail(NAME, format!("others may write to {shown}"), remedy)
        }
        Ok(_) => Check::ok(NAME, shown.to_string()),
        Err(error) => Check::fail(NAME, format!("{shown}: {error}"), "choose another directory for local:"),
    }
}

/// tmux, terminfo, locale and programs.
fn contents(found: &Found) -> Vec<Check> {
    let tmux = match &found.tmux {
        Some(version) => machine::tmux_version("tmux", version),
        None => Check::failed("tmux", &Failure::new(Kind::NoTmux, "there is no tmux in it")),
    };
    let terminfo = match found.terminals.first() {
        Some(best) => Check::ok("terminfo", best.clone()),
        None => {
            Check::fail("terminfo", format!("none of {}", examine::TERMINALS.join(", ")), "install ncurses-term in the image")
        }
    };
    let locale = match found.charmap.as_deref() {
        Some("UTF-8") => Check::ok("locale", "C.UTF-8"),
        // musl has no locale command, and knows nothing but UTF-8.
        None => Check::ok("locale", "there is no locale command to ask; tmux is told to use UTF-8"),
        Some(other) => {
            Check::warn("locale", format!("C.UTF-8 is not there ({other})"), "install the C.UTF-8 locale in the image")
        }
    };
    vec![tmux, terminfo, locale, programs::check(found)]
}

/// The worker's command templates by their key, and whether the preset wrote them.
fn templates(worker: &Worker) -> Vec<(&'static str, &Template, bool)> {
    let commands = &worker.commands;
    let preset = commands.preset;
    let all = [
        ("status", &commands.status, preset.status()),
        ("queue", &commands.queue, preset.queue()),
        ("dispatch", &commands.dispatch, preset.dispatch()),
    ];
    let there = all.into_iter().filter_map(|(name, template, from_preset)| {
        let template = template.as_ref()?;
        Some((name, template, from_preset.as_ref() == Some(template)))
    });
    there.collect()
}

/// A template's first word. One that the user wrote must be there; a worker may do without the preset's.
fn command(name: &str, template: &Template, preset: bool, found: &Found) -> Check {
    let title = format!("{name} command");
    let Some(program) = template.program() else {
        return Check::ok(title, format!("{template}; its first word is known only when it is filled in"));
    };
    if found.programs.iter().any(|there| there == program) {
        return Check::ok(title, program);
    }
    let what = format!("there is no {program} on it");
    if preset {
        Check::warn(title, what, format!("install it there, or turn it off in workers.yaml: commands: {{{name}: \"\"}}"))
    } else {
        Check::fail(title, what, format!("install it there, or correct {name}: under commands: in workers.yaml"))
    }
}
