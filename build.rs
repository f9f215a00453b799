//! Makes the man pages from the command line's own types, so that the two cannot differ.

use std::path::PathBuf;
use std::{env, fs, io};

use clap::CommandFactory;

#[allow(dead_code)]
#[path = "src/cli.rs"]
mod cli;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=src/cli.rs");
    println!("cargo:rerun-if-changed=src/cli");
    println!("cargo:rerun-if-changed=build.rs");
    let pages = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("man");
    // The page of a command that is no more must not be installed.
    match fs::remove_dir_all(&pages) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(&pages)?,
    }
    clap_mangen::generate_to(cli::Cli::command(), pages)
}
