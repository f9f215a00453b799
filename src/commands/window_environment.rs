//! What a window gets from whoever opened it. tmux starts it with the environment of its *server*, which may be a month
//! old and know another cluster, another registry and another PATH.

use std::env;
use std::path::{Path, absolute};

use anyhow::{Context as _, Result};

use super::Context;
use crate::cluster::kubectl;

/// This program with the global options that the environment does not carry, for a command that tmux starts for us.
pub fn command(context: &Context) -> Result<Vec<String>> {
    let program = env::current_exe().context("cannot find out where factory-worker itself is")?;
    let timeout = humantime::format_duration(context.timeout()).to_string().replace(' ', "");
    Ok(vec![program.to_string_lossy().into_owned(), "--timeout".to_owned(), timeout])
}

/// Environment variables for a command that tmux starts for us. A variable that is empty here is empty there too: what the
/// tmux server has for it is not ours.
pub fn environment(registry: &Path) -> Vec<(String, String)> {
    let mut all = vec![
        ("FACTORY_WORKERS".to_owned(), absolute_path(registry)),
        ("KUBECONFIG".to_owned(), absolute_list(&env::var("KUBECONFIG").unwrap_or_default())),
    ];
    if let Ok(program) = kubectl::program() {
        all.push((kubectl::KUBECTL.to_owned(), program.to_string_lossy().into_owned()));
    }
    if let Ok(path) = env::var("PATH") {
        // Login plugins are looked up there.
        all.push(("PATH".to_owned(), path));
    }
    all
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
