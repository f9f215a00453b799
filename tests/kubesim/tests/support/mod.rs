//! What the tests of the simulated cluster share: the real kubectl on a terminal, and clients made by hand.

#![allow(dead_code)] // every test binary uses its own part

pub mod client;
pub mod frames;

use std::process::Command;

use kubesim::{Cluster, Terminal};

/// Run kubectl on a terminal of 90 columns by 25 rows; when it ends, its status is the last line.
pub fn kubectl_on_a_terminal(cluster: &Cluster, arguments: &[&str]) -> Terminal {
    let command = cluster.kubectl_command(arguments);
    let variables = command.get_envs().filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value?.to_str()?)));
    let variables: Vec<String> = variables.collect();
    let mut program = vec!["env", "-i", "TERM=screen"];
    program.extend(variables.iter().map(String::as_str));
    program.extend(["sh", "-c", "\"$@\"; echo \"kubectl ended with $?.\"; cat", "sh", "kubectl"]);
    program.extend(arguments);
    Terminal::start(Command::new("tmux"), cluster.directory().join("terminal.sock"), (90, 25), &program)
}
