//! The texts of the file as values: each function says what is wrong with a text, without naming its key.

use std::path::{Component, PathBuf};
use std::time::Duration;

use crate::registry::names::{NameError, WorkerName};
use crate::registry::unknown_key;
use crate::registry::worker::{PodRef, Preset, ViewMode};

/// What paths in the file are relative to.
#[derive(Debug, Clone)]
pub struct Base {
    /// The file's directory, absolute.
    pub directory: PathBuf,
    pub home: Option<PathBuf>,
}

/// `NAME`, or `TYPE/NAME` with kubectl's words for the types.
pub fn pod(text: &str) -> Result<PodRef, String> {
    let name = |text: &str| text.parse().map_err(|error: NameError| error.to_string());
    let Some((kind, rest)) = text.split_once('/') else {
        return name(text).map(PodRef::Any);
    };
    match kind {
        "po" | "pod" | "pods" => name(rest).map(PodRef::Pod),
        "deploy" | "deployment" | "deployments" | "deployment.apps" | "deployments.apps" => name(rest).map(PodRef::Deployment),
        "sts" | "statefulset" | "statefulsets" | "statefulset.apps" | "statefulsets.apps" => name(rest).map(PodRef::StatefulSet),
        _ => Err(format!("{kind:?} is no kind that has pods here; write NAME, pod/NAME, deploy/NAME or statefulset/NAME")),
    }
}

/// A kubeconfig context: nearly any text, but kubectl must not take it for an option.
pub fn context(text: &str) -> Result<String, String> {
    one_line("a context", text)?;
    if text.starts_with('-') {
        return Err("a context may not begin with '-'".to_owned());
    }
    Ok(text.to_owned())
}

/// Labels as kubectl takes them behind `--selector`; whether they are any, the API server says.
pub fn selector(text: &str) -> Result<String, String> {
    one_line("a selector", text)?;
    Ok(text.to_owned())
}

/// The longest prefix: most of a worker's name is for what tells it from others.
const PREFIX_LIMIT: usize = 24;

/// What worker names may begin with.
pub fn prefix(text: &str) -> Result<String, String> {
    // Such a prefix is right when it is with a letter behind it.
    let whole = format!("{text}x").parse::<WorkerName>();
    whole.map_err(|_| {
        format!("{text:?} is nothing that a worker's name may begin with: lower-case letters, digits, '-' and '.'")
    })?;
    match text.len() {
        length if length > PREFIX_LIMIT => Err(format!("{text:?} has {length} characters; at most {PREFIX_LIMIT} are allowed")),
        _ => Ok(text.to_owned()),
    }
}

/// Whether `text`, which messages show as it is, stays on one line.
fn one_line(what: &str, text: &str) -> Result<(), String> {
    text.chars().find(|c| c.is_control()).map_or(Ok(()), |found| Err(format!("{what} may not contain {found:?}")))
}

/// A path, absolute: `~` is the home directory, a relative one is relative to the file's directory.
pub fn path(text: &str, base: &Base) -> Result<PathBuf, String> {
    one_line("a path", text)?;
    let joined = match text.strip_prefix('~') {
        None => base.directory.join(text),
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = base.home.as_ref().ok_or("HOME is not set, so '~' means nothing")?;
            home.join(rest.trim_start_matches('/'))
        }
        Some(_) => return Err(format!("{text:?}: only ~ and ~/… are understood, not another user's home")),
    };
    Ok(joined.components().filter(|part| *part != Component::CurDir).collect())
}

/// The one file that kubectl takes behind `--kubeconfig`: a list of several is for $KUBECONFIG alone.
pub fn kubeconfig(text: &str, base: &Base) -> Result<PathBuf, String> {
    if text.contains(':') {
        return Err(format!("{text:?} is a list of files; a kubeconfig is one file here, and only $KUBECONFIG may be a list"));
    }
    path(text, base)
}

/// The longest path of a socket, in bytes, without its closing NUL (`sun_path`, unix(7)).
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A local worker's directory, short enough for the path of the socket in it.
pub fn directory(text: &str, base: &Base) -> Result<PathBuf, String> {
    let directory = path(text, base)?;
    let room = SOCKET_PATH_LIMIT - "/tmux.sock".len();
    let length = directory.as_os_str().len();
    if length > room {
        let shown = directory.display();
        return Err(format!("{shown} has {length} bytes; with more than {room} its tmux socket cannot be made"));
    }
    Ok(directory)
}

/// Words by the rules of shell quoting; at least one.
pub fn command_line(text: &str) -> Result<Vec<String>, String> {
    match shell_words::split(text) {
        Ok(words) if words.is_empty() => Err("it has no words".to_owned()),
        Ok(words) => Ok(words),
        Err(_) => Err("a quote is not closed".to_owned()),
    }
}

pub fn view(text: &str) -> Result<ViewMode, String> {
    ViewMode::from_word(text).ok_or_else(|| format!("unknown value {text:?}; {}", unknown_key::hint(text, ViewMode::WORDS)))
}

pub fn preset(text: &str) -> Result<Preset, String> {
    Preset::from_word(text).ok_or_else(|| format!("unknown value {text:?}; {}", unknown_key::hint(text, Preset::WORDS)))
}

/// A time with a unit, more than none.
pub fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(format!("it is {text:?}, and not on or off")),
    }
}

pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("it must be more than zero".to_owned()),
        Ok(time) => Ok(time),
        Err(_) => Err(format!("{text:?} is no time; write a number and a unit, e.g. 60s")),
    }
}
