//! What a window or a popup gets from whoever opened it. tmux starts both with the environment of its *server*, which
//! may be a month old and know another cluster, another registry and another PATH.

use std::env;
use std::path::{Path, absolute};

/// Environment variables for a command that tmux starts for us. A variable that is empty here is empty there too: what the
/// tmux server has for it is not ours.
pub fn environment(registry: &Path) -> Vec<(String, String)> {
    let mut all = vec![
        ("FACTORY_WORKERS".to_owned(), absolute_path(registry)),
        ("KUBECONFIG".to_owned(), absolute_list(&env::var("KUBECONFIG").unwrap_or_default())),
    ];
    if let Some(kubectl) = kubectl() {
        all.push(("FACTORY_KUBECTL".to_owned(), kubectl));
    }
    if let Ok(path) = env::var("PATH") {
        // Login plugins are looked up there.
        all.push(("PATH".to_owned(), path));
    }
    all
}

fn kubectl() -> Option<String> {
    let given = env::var("FACTORY_KUBECTL").ok().filter(|path| !path.is_empty());
    given.or_else(|| which::which("kubectl").ok()?.to_str().map(str::to_owned))
}

/// KUBECONFIG is a list of files, each of which may be relative to where the operator was.
fn absolute_list(list: &str) -> String {
    let files = env::split_paths(list).filter(|file| !file.as_os_str().is_empty());
    files.map(|file| absolute_path(&file)).collect::<Vec<_>>().join(":")
}

fn absolute_path(path: &Path) -> String {
    absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_a_kubeconfig_list_becomes_absolute() {
        let here = env::current_dir().unwrap();
        assert_eq!(absolute_list("/a:b"), format!("/a:{}", here.join("b").display()));
        assert_eq!(absolute_list(""), "");
    }
}
