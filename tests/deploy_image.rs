//! The worker image, as far as it can be checked where it cannot be built: what its build runs, installs and takes in.

#[path = "deploy/container.rs"]
mod container;
mod support;

use std::fs;
use std::process::{Command, Stdio};

use container::repository;
use rstest::rstest;

fn dockerfile() -> String {
    fs::read_to_string(repository("deploy/Dockerfile")).unwrap()
}

/// The instructions of the Dockerfile with this name, their lines joined.
fn instructions(name: &str) -> Vec<String> {
    let text = dockerfile().lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n").replace("\\\n", "");
    let marked = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    marked.collect()
}

/// The packages that a RUN installs: the words of an `apt-get install`, and of the lists that it takes.
fn packages(run: &str) -> Vec<String> {
    let installs = run.split("apt-get install").skip(1).map(|rest| rest.split(';').next().unwrap());
    let lists = run.split("packages=(").skip(1).map(|rest| rest.split(')').next().unwrap());
    let maybe = run.split("for name in ").skip(1).map(|rest| rest.split(';').next().unwrap());
    let words = installs.chain(lists).chain(maybe).flat_map(str::split_whitespace);
    words.filter(|word| !word.starts_with(['-', '"'])).map(str::to_owned).collect()
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
    let all: std::collections::BTreeSet<_> = instructions("RUN").iter().flat_map(|run| packages(run)).collect();
    let (vendors, debian): (Vec<_>, Vec<_>) = all.iter().partition(|name| VENDORS.contains(&name.as_str()));
    let mut expected = VENDORS.to_vec();
    expected.sort_unstable();
    assert_eq!(vendors, expected, "the list of unchecked names is out of date");
    for needed in ["git", "tmux", "curl", "ca-certificates", "iptables", "ncurses-term", "procps", "tini"] {
        assert!(debian.iter().any(|name| *name == needed), "{needed} is missing in {debian:?}");
    }
    let readme = fs::read_to_string(repository("deploy/README.md")).unwrap();
    for name in VENDORS {
        assert!(readme.contains(&format!("`{name}`")), "deploy/README.md does not list {name} as unchecked");
    }
    for name in debian {
        let known = BOOKWORM.contains(&name.as_str()) || TRIXIE.contains(&name.as_str());
        assert!(known, "is {name} in Debian bookworm? Then add it to BOOKWORM; a bookworm machine checks that list");
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    // What other machines take from the list, one with bookworm's own lists of packages looks up.
    let said = Command::new("apt-cache").arg("show").args(BOOKWORM).arg("base-files").output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    let has = |name: &str| said.lines().any(|line| line.strip_prefix("Package: ") == Some(name));
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
    "docker-compose",
    "docker.io",
    "gh",
    "git",
    "iptables",
    "jq",
    "less",
    "ncurses-term",
    "nodejs",
    "npm",
    "openssh-client",
    "procps",
    "ripgrep",
    "tini",
    "tmux",
];

/// What only Debian's next release has, and is taken when it is there.
const TRIXIE: &[&str] = &["docker-cli", "docker-buildx"];

/// Run a RUN as the build does, with stand-ins for what it starts, below a directory of its own. `has` are the packages that the
/// distribution has, beside the build argument.
fn build(argument: &str, value: &str, has: &str, npm: Option<&str>) -> support::Ran {
    let world = support::World::new();
    let root = world.path("root");
    for directory in ["etc/apt/keyrings", "etc/apt/sources.list.d", "var/lib/apt/lists"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::write(root.join("etc/os-release"), "VERSION_CODENAME=bookworm\n").unwrap();
    for name in ["apt-get", "curl"] {
        world.script(name, &format!("#!/bin/sh\necho \"{name} $*\"\n"));
    }
    let madison = format!("case ' {has} ' in *\" $2 \"*) echo \"$2 | 1.0 | somewhere\" ;; esac");
    world.script("apt-cache", &format!("#!/bin/sh\n{madison}\n"));
    let run = instructions("RUN").into_iter().find(|run| run.contains(&format!("${argument}"))).unwrap();
    let root = root.to_str().unwrap();
    let run = run.replace("/etc/", &format!("{root}/etc/")).replace("/var/lib/apt", &format!("{root}/var/lib/apt"));
    // A machine may have an npm of its own.
    let run = match npm {
        Some(npm) => format!("npm() {{ echo \"npm $*\"; {npm}; }}; {run}"),
        None => run.replace("command -v npm", "command -v npm-that-is-nowhere"),
    };
    support::Ran::from(world.program("bash").args(["-euo", "pipefail", "-c", &run]).env(argument, value).output().unwrap())
}

#[rstest]
#[case::gh("GH", "debian", "", "gh")]
#[case::docker_of_bookworm("DOCKER", "debian", "docker-compose", "docker.io docker-compose")]
#[case::docker_of_trixie(
    "DOCKER",
    "debian",
    "docker-cli docker-buildx docker-compose",
    "docker.io docker-cli docker-buildx docker-compose"
)]
#[case::node("NODE_MAJOR", "debian", "", "nodejs npm")]
fn the_distributions_packages_are_taken_on_request(
    #[case] argument: &str,
    #[case] value: &str,
    #[case] has: &str,
    #[case] packages: &str,
) {
    let ran = build(argument, value, has, None).expect(0);
    let expected = format!("apt-get update\napt-get install -y --no-install-recommends {packages}\n");
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
}

#[rstest]
#[case("GH", "yes", "cli.github.com", "gh")]
#[case("DOCKER", "yes", "download.docker.com", "docker-ce docker-ce-cli containerd.io")]
#[case("NODE_MAJOR", "22", "deb.nodesource.com", "nodejs")]
fn the_vendors_packages_are_taken_else(#[case] argument: &str, #[case] value: &str, #[case] of: &str, #[case] packages: &str) {
    let ran = build(argument, value, "", None).expect(0);
    assert!(ran.stdout.contains(&format!("https://{of}/")), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("apt-get install -y --no-install-recommends {packages}")), "{}", ran.stdout);
    let ran = build(argument, "", "", None).expect(0);
    assert_eq!(ran.stdout, "");
    let ran = build(argument, "no", "", None).expect(1);
    assert!(ran.stderr.starts_with(&format!("{argument} is 'no'; it is ")), "{}", ran.stderr);
}

#[test]
fn an_agent_that_cannot_be_installed_fails_the_build() {
    let ran = build("AGENT", "@nobody/nothing", "", Some("return 1"));
    assert!(ran.code != 0 && ran.stdout.starts_with("npm install --global "), "{}", ran.stdout);
    let ran = build("AGENT", "@nobody/nothing", "", None).expect(1);
    assert!(
        ran.stderr.starts_with("AGENT is '@nobody/nothing', and there is no npm to install it: NODE_MAJOR"),
        "{}",
        ran.stderr
    );
    build("AGENT", "", "", None).expect(0);
    let ran = build("AGENT", "some-agent@1", "", Some("true")).expect(0);
    assert!(ran.stdout.contains(" some-agent@1\nnpm cache clean --force\n"), "{}", ran.stdout);
}

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

/// A docker of this version, and whether its plugin is there.
fn docker(world: &support::World, version: &str, buildx: &str) {
    let words =
        format!("'version --format {{{{.Server.Version}}}}' | 'version --format {{{{.Client.Version}}}}') echo '{version}'");
    let rest = "*) echo \"docker: $* (BuildKit $DOCKER_BUILDKIT)\"";
    world.script("docker", &format!("#!/bin/sh\ncase $* in\n{words} ;;\n'buildx version') {buildx} ;;\n{rest} ;;\nesac\n"));
}

#[rstest]
#[case::bookworm("20.10.24+dfsg1", "exit 1", None)]
#[case::trixie("26.1.5+dfsg1", "exit 0", None)]
#[case::trixie_without_its_plugin(
    "26.1.5+dfsg1",
    "exit 1",
    Some("docker 26.1.5+dfsg1 builds with its plugin buildx, which is missing: it is in the package docker-buildx ")
)]
#[case::old("19.03.15", "exit 1", Some("docker 19.03.15 is too old"))]
fn an_image_is_built_or_said_at_once_why_not(#[case] version: &str, #[case] buildx: &str, #[case] why: Option<&str>) {
    let world = support::World::new();
    docker(&world, version, buildx);
    let ran = support::Ran::from(world.program("sh").arg(repository("make/image.sh")).arg("me/worker:1").output().unwrap());
    match why {
        None => assert!(ran.code == 0 && ran.stdout.ends_with("me/worker:1 . (BuildKit 1)\n"), "{}{}", ran.stdout, ran.stderr),
        Some(why) => {
            assert!(ran.code == 1 && ran.stdout.is_empty() && ran.stderr.starts_with(why), "{}{}", ran.stdout, ran.stderr)
        }
    }
}

#[test]
fn an_image_without_docker_or_its_daemon_is_said_at_once() {
    let world = support::World::new();
    world.script("docker", "#!/bin/sh\necho 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2\nexit 1\n");
    let image = |path: Option<&str>| {
        let mut command = world.program("/bin/sh");
        path.map(|path| command.env("PATH", path));
        support::Ran::from(command.arg(repository("make/image.sh")).arg("me/worker:1").output().unwrap()).expect(1).stderr
    };
    let said = "docker has no daemon to build with:\nCannot connect to the Docker daemon at unix:///var/run/docker.sock.\n";
    assert_eq!(image(None), said);
    assert!(image(Some("/nowhere")).starts_with("docker is missing. Debian has it as docker.io "));
}

#[test]
fn make_hands_the_image_to_docker() {
    let world = support::World::new();
    docker(&world, "20.10.24+dfsg1", "exit 1");
    let make = |arguments: &[&str]| {
        let output = world.program("make").arg("-sC").arg(repository("")).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let build = "docker: build --platform linux/amd64 --file deploy/Dockerfile --tag registry.example.com/me/worker:1 \
                 --build-arg DOCKER= . (BuildKit 1)\n";
    let (well, said) = make(&["image", "IMAGE=registry.example.com/me/worker:1", "BUILD_ARGS=--build-arg DOCKER="]);
    assert!(well && said == build, "{said}");
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
