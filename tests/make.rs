//! What `make` runs: installing under a prefix, and finding out what is missing on a machine.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use support::{BIN, ROOT, Ran, World};

/// `make/install.sh` with a cargo that has built already: what it says is what the real one says.
fn install(world: &World, arguments: &[&str]) -> Ran {
    let said = format!(
        r#"{{"reason":"build-script-executed","package_id":"registry+https://x#clap@4.6.0","out_dir":"/nonexistent"}}
{{"reason":"build-script-executed","package_id":"path+file:///x#factory-worker@0.1.0","out_dir":"{}"}}
{{"reason":"compiler-artifact","package_id":"path+file:///x#factory-worker@0.1.0","executable":"{BIN}","fresh":true}}
"#,
        env!("OUT_DIR")
    );
    world.script("cargo", &format!("#!/bin/sh\ncat <<'END'\n{said}END\n"));
    let mut command = world.program("sh");
    command.arg(format!("{ROOT}/make/install.sh")).args(arguments);
    Ran::from(command.output().unwrap()).expect(0)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

#[test]
fn installing_puts_everything_in_place_and_says_what_is_left_to_do() {
    let world = World::new();
    let prefix = world.path("a prefix");
    let said = install(&world, &[prefix.to_str().unwrap()]).stdout;

    let version = Ran::from(world.program(prefix.join("bin/factory-worker")).arg("--version").output().unwrap());
    assert_eq!(version.expect(0).stdout, format!("factory-worker {}\n", env!("CARGO_PKG_VERSION")));
    let page = fs::read_to_string(prefix.join("share/man/man1/factory-worker.1")).unwrap();
    assert!(page.contains("worker not reachable"), "the exit codes are not in the man page");
    assert!(prefix.join("share/man/man1/factory-worker-peek.1").exists());
    for (from, to) in [
        ("completions/factory-worker.bash", "bash-completion/completions/factory-worker"),
        ("completions/factory-worker.zsh", "zsh/site-functions/_factory-worker"),
        ("completions/factory-worker.fish", "fish/vendor_completions.d/factory-worker.fish"),
        ("factory-worker.bash", "factory-worker/factory-worker.bash"),
        ("factory-worker.zsh", "factory-worker/factory-worker.zsh"),
        ("factory-worker.fish", "factory-worker/factory-worker.fish"),
    ] {
        let (source, target) = (Path::new(ROOT).join("shell").join(from), prefix.join("share").join(to));
        assert_eq!(fs::read_to_string(&target).unwrap(), fs::read_to_string(source).unwrap(), "{to}");
        assert_eq!(fs::metadata(target).unwrap().permissions().mode() & 0o777, 0o644, "{to}");
    }
    assert!(said.contains(&format!("run-shell '{ROOT}/factory-worker.tmux'")), "{said}");
    assert!(said.contains("is not on your PATH"), "{said}");
}

#[test]
fn gas_citys_names_for_it_are_links_to_it() {
    let world = World::new();
    let prefix = world.path("prefix");
    let bin = prefix.join("bin");
    install(&world, &[prefix.to_str().unwrap()]);
    install(&world, &[prefix.to_str().unwrap()]);
    let provider = "gc-events-k8s";
    let ran = Ran::from(world.program(bin.join(provider)).arg("frobnicate").output().unwrap());
    assert_eq!((ran.code, ran.stderr.as_str()), (2, ""), "{provider}");
    // Gas City's own script of the same name is not ours to replace or to remove.
    fs::remove_file(bin.join("gc-events-k8s")).unwrap();
    fs::write(bin.join("gc-events-k8s"), "#!/bin/sh\n").unwrap();
    assert!(install(&world, &[prefix.to_str().unwrap()]).stdout.contains("gc-events-k8s is not ours"));
    install(&world, &["--remove", prefix.to_str().unwrap()]);
    assert_eq!(files(&prefix), [bin.join("gc-events-k8s")]);
    assert_eq!(fs::read_to_string(bin.join("gc-events-k8s")).unwrap(), "#!/bin/sh\n");
}

#[test]
fn uninstalling_leaves_no_file() {
    let world = World::new();
    let prefix = world.path("prefix");
    install(&world, &[prefix.to_str().unwrap()]);
    fs::write(prefix.join("bin/other"), "").unwrap();
    install(&world, &["--remove", prefix.to_str().unwrap()]);
    assert_eq!(files(&prefix), [prefix.join("bin/other")]);
}

/// `make/need.sh TARGET` on a machine that has only these commands, and those that any machine has.
fn need(world: &World, target: &str, commands: &[&str]) -> Ran {
    let bare = world.path("bare");
    fs::create_dir_all(&bare).unwrap();
    for name in ["sh", "cat", "dirname", "env", "id"].iter().chain(commands) {
        let there = world.path("bin").join(name);
        let target = if there.exists() { there } else { which(name) };
        let _ = symlink(target, bare.join(name));
    }
    let mut command = world.program(bare.join("sh"));
    command.arg(format!("{ROOT}/make/need.sh")).arg(target).env("PATH", &bare);
    Ran::from(command.output().unwrap())
}

fn which(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap();
    let found = path.split(':').map(|directory| Path::new(directory).join(name)).find(|file| file.exists());
    // One that is only looked for need not be there.
    found.unwrap_or_else(|| PathBuf::from("/bin/sh"))
}

/// An apt-get that writes down what it is asked, and a sudo that runs it.
fn packages(world: &World) -> PathBuf {
    let asked = world.path("asked");
    world.script("apt-get", &format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >>'{}'\n", asked.display()));
    world.script("sudo", "#!/bin/sh\nexec \"$@\"\n");
    asked
}

#[test]
fn what_is_missing_is_said_and_installed_by_name() {
    let world = World::new();
    let asked = packages(&world);
    let said = need(&world, "demo", &["cargo", "cc", "apt-get", "sudo"]).expect(0).stdout;
    assert!(said.contains("tmux is missing: factory-worker shows sessions in it"), "{said}");
    let asked = fs::read_to_string(asked).unwrap();
    assert_eq!(asked, "-qq update\n-qq -y --no-install-recommends install tmux\n");
}

#[test]
fn nothing_is_installed_where_nothing_is_missing() {
    let world = World::new();
    let asked = packages(&world);
    let ran = need(&world, "demo", &["cargo", "cc", "apt-get", "sudo", "tmux"]).expect(0);
    assert_eq!(ran.stdout, "");
    assert!(!asked.exists());
}

#[test]
fn without_cargo_it_is_said_where_to_get_it() {
    let ran = need(&World::new(), "build", &["cc"]).expect(1);
    assert!(ran.stderr.contains("https://www.rust-lang.org/tools/install"), "{}", ran.stderr);
}

#[test]
fn without_apt_get_the_packages_are_named() {
    let ran = need(&World::new(), "lint", &["cargo", "cc"]).expect(1);
    assert!(ran.stderr.contains("no apt-get here") && ran.stderr.contains("shellcheck shfmt"), "{}", ran.stderr);
}

#[test]
fn what_apt_get_cannot_do_is_left_to_a_person() {
    let world = World::new();
    world.script("apt-get", "#!/bin/sh\necho 'E: no such package' >&2\nexit 100\n");
    world.script("sudo", "#!/bin/sh\nexec \"$@\"\n");
    let ran = need(&world, "demo", &["cargo", "cc", "apt-get", "sudo"]).expect(1);
    assert!(ran.stderr.contains("could not install: tmux"), "{}", ran.stderr);
}
