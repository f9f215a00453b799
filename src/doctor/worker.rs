//! One worker: its pod or directory, and what is in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Check, machine, programs};
use crate::failure::{Failure, Kind};
use crate::local;
use crate::local::version::{self, Version};
use crate::registry::origin::{Origin, Reads};
use crate::registry::template::Template;
use crate::registry::worker::{Place, Worker};
use crate::remote::examine::{self, Found};
use crate::remote::{Remote, elsewhere, list};

/// Every check of a worker, by one exec.
pub fn checks(worker: &Worker, timeout: Duration) -> Vec<Check> {
    if worker.polecat().is_some_and(|polecat| polecat.reads == Reads::Log) {
        return vec![Check::ok("log", "a polecat without tmux: its log is all there is to see")];
    }
    let remote = Remote::to(worker);
    let mut wanted = programs::needed();
    let templates = templates(worker);
    wanted.extend(templates.iter().filter_map(|(_, template, _)| template.program()));
    let answer = remote.exec.turn(Some(Instant::now() + timeout)).and_then(|turn| {
        let _held = turn.hold();
        examine::examine(&remote, &wanted, Instant::now() + timeout)
    });
    let mut checks = match &worker.place {
        Place::Pod(place) => {
            let container = place.container.as_ref().map_or("the pod's default", |name| name.as_str());
            inside(&answer, remote.exec.pod().as_deref().unwrap_or("?"), container)
        }
        Place::Local(directory) => vec![self::directory(directory, answer.as_ref().err())],
    };
    if let (Ok(_), Place::Pod(_)) = (&answer, &worker.place) {
        checks.extend(sessions_elsewhere(&remote, timeout));
    }
    if let Ok(found) = &answer {
        checks.extend(tmux(found, matches!(worker.place, Place::Pod(_))));
        checks.extend(surroundings(found));
        checks.extend(matches!(worker.origin, Origin::GasCity(_)).then(|| programs::check_agent(found)));
        checks.extend(templates.iter().map(|(name, template, preset)| command(name, template, *preset, found)));
    }
    match worker.place {
        Place::Pod(_) => checks,
        Place::Local(_) => checks.into_iter().map(on_this_machine).collect(),
    }
}

/// What is lacking here is lacking in no image.
fn on_this_machine(check: Check) -> Check {
    Check { remedy: check.remedy.map(|remedy| remedy.replace(" in the image", "")), ..check }
}

/// Where the container was not named, and there are others, whether the sessions are in one of those.
fn sessions_elsewhere(remote: &Remote, timeout: Duration) -> Option<Check> {
    let deadline = Instant::now() + timeout;
    remote.exec.beside(deadline).filter(|beside| !beside.others.is_empty())?;
    let has_none = match list::with_command(remote, &[], timeout) {
        Ok((answer, _)) => answer.sessions.is_empty(),
        Err(failure) => failure.kind == Kind::NoTmux,
    };
    let elsewhere = if has_none { elsewhere::look(remote, deadline) } else { None };
    elsewhere.map(|elsewhere| Check::warn("sessions", elsewhere.reason(), elsewhere.remedy()))
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

/// Its tmux, and how that goes with the one here.
fn tmux(found: &Found, in_pod: bool) -> Vec<Check> {
    let Some(said) = &found.tmux else {
        return vec![Check::failed("tmux", &Failure::new(Kind::NoTmux, "there is no tmux in it"))];
    };
    let Some(there) = Version::reported(said) else {
        let remedy = "install tmux in the image, or correct tmux: in workers.yaml";
        return vec![Check::fail("tmux", format!("it says no version: {said}"), remedy)];
    };
    let mut checks = vec![machine::tmux_version("tmux", there)];
    checks.extend(found.no_socket.as_ref().map(|failure| Check::failed("socket", failure)));
    checks.extend(found.extended_keys.as_deref().and_then(|value| extended_keys(there, value)));
    if in_pod {
        // A server that was there before an upgrade is of the version before.
        let here = version::of_pane().or_else(|| local::tmux::version().ok());
        checks.extend(here.and_then(|here| size(&here, there)));
    }
    checks
}

/// Since 3.5 tmux does not note that an application asks for such keys while the option is off; a view switches it on, and for
/// what ran before that it is too late.
fn extended_keys(version: &str, value: &str) -> Option<Check> {
    const NAME: &str = "extended-keys";
    let deaf = Version::parse(version).at_least(3, 5) && value == "off";
    deaf.then(|| {
        let lost = "off: Shift-Enter and the like do not reach what ran before its window was opened";
        Check::warn(NAME, lost, "in the worker's tmux.conf: set -s extended-keys on; then start its programs anew")
    })
}

/// How the pair agrees on a window's size: since 3.6 a tmux without pixels, as in a pod, asks its terminal for it, and up to 3.3a
/// a tmux that is asked says it the wrong way round.
fn size(here: &str, there: &str) -> Option<Check> {
    let (misleads, asks) = (!Version::parse(here).at_least(3, 4), Version::parse(there).at_least(3, 6));
    (misleads && asks).then(|| {
        let how = format!(
            "tmux {there} would ask for it, and tmux {here} here says it the wrong way round: windows keep it from asking"
        );
        Check::ok("size", how)
    })
}

/// Terminfo and locale.
fn surroundings(found: &Found) -> Vec<Check> {
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
    vec![terminfo, locale, programs::check(found)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_worker_lacks_nothing_in_an_image() {
        let in_pod = Check::failed("tmux", &Failure::new(Kind::NoTmux, "there is no tmux in it"));
        assert_eq!(in_pod.remedy.as_deref(), Some("install tmux in the image, or set tmux: in workers.yaml to where it is"));
        let here = on_this_machine(in_pod);
        assert_eq!(here.remedy.as_deref(), Some("install tmux, or set tmux: in workers.yaml to where it is"));
    }
}
