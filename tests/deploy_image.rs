//! The worker image, as far as it can be checked where it cannot be built: what its build runs, installs and takes in.

#[path = "deploy/container.rs"]
mod container;
mod support;

use std::fs;
use std::process::{Command, Stdio};

use container::repository;

fn dockerfile() -> String {
    fs::read_to_string(repository("deploy/Dockerfile")).unwrap()
}

/// The instructions of the Dockerfile with this name, their lines joined.
fn instructions(name: &str) -> Vec<String> {
    let text = dockerfile().lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n").replace("\\\n", "");
    let marked = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    marked.collect()
}

/// The packages that an `apt-get install` of a RUN installs.
fn packages(run: &str) -> Vec<String> {
    let installs = run.split("apt-get install").skip(1).map(|rest| rest.split(';').next().unwrap());
    installs.flat_map(|list| list.split_whitespace().filter(|word| !word.starts_with('-')).map(str::to_owned)).collect()
}

#[test]
fn every_run_passes_shellcheck() {
    use std::io::Write;
    let runs = instructions("RUN");
    assert!(runs.len() >= 5, "{runs:?}");
    assert!(dockerfile().contains(r#"SHELL ["/bin/bash", "-euo", "pipefail", "-c"]"#));
    for run in runs {
        let arguments = ["--shell=bash", "--enable=all", "--exclude=SC2154,SC2250,SC2292,SC2312", "-"];
        let mut child = Command::new("shellcheck")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("shellcheck is installed");
        write!(child.stdin.take().unwrap(), "set -euo pipefail\n{run}\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{run}\n{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn nothing_is_piped_from_the_network_into_a_shell() {
    for run in instructions("RUN") {
        for command in run.split(';').filter(|command| command.contains("curl ") && !command.contains("apt-get")) {
            assert!(!command.contains('|') && command.contains(" -o "), "{command}");
        }
    }
    assert!(instructions("ADD").is_empty());
}

#[test]
fn every_other_repository_has_a_key_of_its_own() {
    let sources: Vec<_> = instructions("RUN")
        .iter()
        .flat_map(|run| run.split(';').map(str::to_owned).collect::<Vec<_>>())
        .filter(|command| command.contains("\"deb "))
        .collect();
    assert_eq!(sources.len(), 3, "{sources:?}");
    assert!(sources.iter().all(|source| source.contains("[signed-by=$key] https://")), "{sources:?}");
}

/// Packages of vendors, whose repositories are not asked here; deploy/README.md lists them as unchecked.
const VENDORS: &[&str] =
    &["gh", "docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin", "nodejs"];

#[test]
fn debian_has_the_packages_that_are_said_to_be_its_own() {
    let all: Vec<_> = instructions("RUN").iter().flat_map(|run| packages(run)).collect();
    let (vendors, debian): (Vec<_>, Vec<_>) = all.iter().partition(|name| VENDORS.contains(&name.as_str()));
    assert_eq!(vendors, VENDORS, "the list of unchecked names is out of date");
    for needed in ["git", "tmux", "curl", "ca-certificates", "iptables", "ncurses-term", "procps", "tini"] {
        assert!(debian.iter().any(|name| *name == needed), "{needed} is missing in {debian:?}");
    }
    let readme = fs::read_to_string(repository("deploy/README.md")).unwrap();
    for name in VENDORS {
        assert!(readme.contains(&format!("`{name}`")), "deploy/README.md does not list {name} as unchecked");
    }
    for name in debian {
        let known = BOOKWORM.contains(&name.as_str());
        assert!(known, "is {name} in Debian bookworm? Then add it to BOOKWORM; a bookworm machine checks that list");
    }
    let has = |name: &str| Command::new("apt-cache").args(["show", name]).output().is_ok_and(|said| said.status.success());
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    // What other machines take from the list, one with bookworm's own lists of packages looks up.
    if release.contains("VERSION_CODENAME=bookworm") && has("base-files") {
        for name in BOOKWORM {
            assert!(has(name), "Debian bookworm has no package {name}");
        }
    }
}

/// What the image takes from Debian bookworm, its distribution, which not every machine that runs this can ask.
const BOOKWORM: &[&str] = &[
    "ca-certificates",
    "curl",
    "git",
    "iptables",
    "jq",
    "less",
    "ncurses-term",
    "openssh-client",
    "procps",
    "ripgrep",
    "tini",
    "tmux",
];

#[test]
fn the_build_context_has_what_the_image_copies_and_nothing_else() {
    let text = fs::read_to_string(repository(".dockerignore")).unwrap();
    let patterns: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    // Everything is out first; what comes back in is named; secrets are out last.
    assert_eq!(patterns[..4], ["*", "!deploy/entrypoint.sh", "!deploy/tmux.conf", "!deploy/bin/factory*"]);
    assert!(patterns[4..].contains(&"**/secret.yaml") && patterns[4..].iter().all(|pattern| !pattern.starts_with('!')));
    let copied: Vec<_> = instructions("COPY")
        .iter()
        .flat_map(|copy| {
            copy.split_whitespace().filter(|word| word.starts_with("deploy/")).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(copied, ["deploy/tmux.conf", "deploy/entrypoint.sh", "deploy/bi[n]/factory*"]);
    // A pattern may match nothing, but where its first wildcard is looked for has to be there, also in a fresh clone.
    for path in copied {
        let parts = path.split('/').take_while(|part| !part.contains(['*', '?', '[']));
        let fixed = parts.collect::<Vec<_>>().join("/");
        assert!(tracked(&fixed), "{path}: {fixed} is not in a fresh clone, and the build fails");
    }
}

/// Whether git knows a file, or one below it.
fn tracked(path: &str) -> bool {
    let listing = Command::new("git")
        .args(["-c", "safe.directory=*", "-C", repository("").to_str().unwrap(), "ls-files", "--", path])
        .output()
        .unwrap();
    assert!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr));
    !listing.stdout.is_empty()
}

#[test]
fn the_entrypoint_runs_under_tini() {
    assert_eq!(instructions("ENTRYPOINT"), [r#"["tini", "--", "/usr/local/bin/entrypoint.sh"]"#]);
    assert_eq!(instructions("FROM"), ["${BASE}"]);
    assert!(instructions("ARG").contains(&"BASE=golang:1.23-bookworm".to_owned()));
}

#[test]
fn make_hands_the_image_to_docker() {
    let world = support::World::new();
    world.script("docker", "#!/bin/sh\necho \"docker: $*\"\n");
    let make = |arguments: &[&str]| {
        let output = world.program("make").arg("-sC").arg(repository("")).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (well, said) = make(&["image", "IMAGE=registry.example.com/me/worker:1"]);
    assert!(
        well && said
            .contains("docker: build --platform linux/amd64 --file deploy/Dockerfile --tag registry.example.com/me/worker:1 ."),
        "{said}"
    );
    let (well, said) = make(&["push", "IMAGE=registry.example.com/me/worker:1"]);
    assert!(well && said.contains("docker: push registry.example.com/me/worker:1"), "{said}");
    let (well, said) = make(&["image"]);
    assert!(!well && said.contains("say which image"), "{said}");
}

/// `make/build-linux.sh` in a directory of its own, with a cargo that makes a copy of `program`.
fn build_linux(world: &support::World, program: &str) -> support::Ran {
    fs::create_dir_all(world.path("clone/make")).unwrap();
    fs::copy(repository("make/build-linux.sh"), world.path("clone/make/build-linux.sh")).unwrap();
    let target = "target/x86_64-unknown-linux-gnu/release";
    world.script("rustup", "#!/bin/sh\n");
    world.script("uname", "#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo Linux x86_64 ;; esac\n");
    let cargo = "echo \"cargo: $* ($RUSTFLAGS)\"; mkdir -p TARGET; cp \"$(command -v PROGRAM)\" TARGET/factory-worker";
    world.script("cargo", &format!("#!/bin/sh\n{}\n", cargo.replace("TARGET", target).replace("PROGRAM", program)));
    support::Ran::from(world.program("sh").arg(world.path("clone/make/build-linux.sh")).output().unwrap())
}

#[test]
fn the_helper_for_the_image_is_static() {
    let world = support::World::new();
    let ran = build_linux(&world, "tini").expect(1);
    assert!(ran.stderr.contains("is not static"), "{}", ran.stderr);
    assert!(!world.path("clone/deploy/bin/factory-worker").exists());
    let ran = build_linux(&world, "tini-static").expect(0);
    let build = "cargo: build --release --locked --target x86_64-unknown-linux-gnu ( -C target-feature=+crt-static)\n";
    assert!(ran.stdout.starts_with(build), "{}", ran.stdout);
    assert!(world.path("clone/deploy/bin/factory-worker").exists());
}
