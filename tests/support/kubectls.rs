//! Which kubectls a command runs.
#![allow(dead_code)] // every test binary uses its own part

use std::fs;
use std::path::{Path, PathBuf};

use crate::operator::Operator;

/// Every kubectl from now on leaves a line with its words in the file that this gives.
pub fn note_kubectl(operator: &Operator) -> PathBuf {
    let notes = operator.world.path("kubectls");
    fs::write(&notes, "").unwrap();
    let real = which::which("kubectl").unwrap();
    let text =
        format!("#!/bin/sh\nprintf '%s\\n' \"$*\" | head -n 1 >>'{}'\nexec '{}' \"$@\"\n", notes.display(), real.display());
    operator.world.script("kubectl", &text);
    notes
}

/// The verbs of the kubectls that were run.
pub fn verbs(notes: &Path) -> Vec<String> {
    let text = fs::read_to_string(notes).unwrap();
    let verb = |line: &str| line.split(' ').find(|word| !word.starts_with('-')).unwrap_or_default().to_owned();
    let mut verbs: Vec<_> = text.lines().map(verb).collect();
    verbs.sort();
    verbs
}

/// The kubectl of this world, as one that knows no proxy.
pub fn without_proxy(operator: &Operator) -> PathBuf {
    let kubectl = operator.world.path("bin/kubectl");
    let older = format!(
        "#!/bin/sh\ncase \" $* \" in *' proxy '*) echo 'error: unknown flag: --append-server-path' >&2; exit 1 ;; esac\nexec '{}' \"$@\"\n",
        kubectl.display()
    );
    operator.world.script("older", &older)
}

pub fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}
