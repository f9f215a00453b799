//! How we are called in the commands that we tell people to run: with the registry that they named.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::terminal::shell;

/// The registry that `--workers` named. Whoever set `$FACTORY_WORKERS` has it in their next command, too.
static REGISTRY: OnceLock<PathBuf> = OnceLock::new();

const COMMAND: &str = "`factory-worker ";
const OPTION: &str = "--workers ";

/// From here on, commands are told with this registry.
pub fn note_registry(path: &Path) {
    let _ = REGISTRY.set(path.to_owned());
}

/// The text with the registry in each command of ours that has none yet.
pub fn led(text: &str) -> String {
    REGISTRY.get().map_or_else(|| text.to_owned(), |registry| with(text, registry))
}

fn with(text: &str, registry: &Path) -> String {
    let longer = format!("{COMMAND}{OPTION}{} ", shell::word(&registry.to_string_lossy()));
    shell::led(text, COMMAND, &longer, OPTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_ours_read_the_same_registry() {
        let told =
            with("`factory-worker list` shows them; or `factory-worker peek a/b`; not `kubectl get pods`", Path::new("/a b"));
        let wanted = "`factory-worker --workers '/a b' list` shows them; or `factory-worker --workers '/a b' peek a/b`; not `kubectl get pods`";
        assert_eq!(told, wanted);
        assert_eq!(with(wanted, Path::new("/c")), wanted);
        assert_eq!(with("no command", Path::new("/c")), "no command");
    }
}
