//! What `make` runs: installing under a prefix, and finding out what is missing on a machine.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rstest::rstest;
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
    for provider in ["gc-events-k8s", "gc-session-k8s"] {
        let ran = Ran::from(world.program(bin.join(provider)).arg("frobnicate").output().unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (2, ""), "{provider}");
    }
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
    need_with(world, &format!("{ROOT}/make/need.sh"), target, commands, "")
}

/// The same from another copy of the script, with another place of kubectl's releases.
fn need_with(world: &World, script: &str, target: &str, commands: &[&str], releases: &str) -> Ran {
    let bare = world.path("bare");
    fs::create_dir_all(&bare).unwrap();
    for name in ["sh", "cat", "dirname", "env", "id"].iter().chain(commands) {
        let there = world.path("bin").join(name);
        let target = if there.exists() { there } else { which(name) };
        let _ = symlink(target, bare.join(name));
    }
    let mut command = world.program(bare.join("sh"));
    command.arg(script).arg(target).env("PATH", &bare);
    if !releases.is_empty() {
        command.env("KUBECTL_RELEASES", releases);
    }
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

/// A machine without a good kubectl, and the place where its releases are: a server of this test.
struct Machine {
    world: World,
    script: PathBuf,
    asked: PathBuf,
    releases: String,
}

const GOOD_KUBECTL: &str = "#!/bin/sh\necho 'Client Version: v1.99.0'\n";
const OLD_KUBECTL: &str = "#!/bin/sh\necho 'Client Version: v1.28.3'\n";

impl Machine {
    /// `candidate` is the kubernetes-client that the distribution offers, once the lists of packages were fetched.
    fn new(candidate: &str, releases: String) -> Self {
        let world = World::new();
        let asked = packages(&world);
        let script = world.path("copy/make/need.sh");
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        fs::copy(format!("{ROOT}/make/need.sh"), &script).unwrap();
        let policy = format!(
            "#!/bin/sh\ngrep -q update '{}' 2>/dev/null || exit 0\nprintf 'kubernetes-client:\\n  Installed: (none)\\n  Candidate: {candidate}\\n'\n",
            asked.display()
        );
        world.script("apt-cache", &policy);
        Self { world, script, asked, releases }
    }

    /// See to what the benches need, where all but kubectl is there.
    fn need(&self, more: &[&str]) -> Ran {
        let commands = ["cargo", "cc", "tmux", "xargs", "apt-get", "apt-cache", "sudo", "grep", "sed", "curl", "sha256sum"];
        let tools = ["uname", "tr", "mkdir", "chmod", "mv", "rm"];
        let commands = [&commands[..], &tools, more].concat();
        need_with(&self.world, self.script.to_str().unwrap(), "bench", &commands, &self.releases)
    }

    fn tool(&self) -> PathBuf {
        self.world.path("copy/target/tools/kubectl")
    }

    fn asked(&self) -> String {
        fs::read_to_string(&self.asked).unwrap_or_default()
    }

    /// Nothing was installed and nothing is left of it.
    #[track_caller]
    fn assert_refused(&self, ran: Ran) {
        let ran = ran.expect(1);
        let said = format!("kubectl can be had neither from the distribution nor from {}", self.releases);
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
        assert_eq!(files(&self.world.path("copy/target")), Vec::<PathBuf>::new());
        assert!(!self.asked().contains("install"), "{}", self.asked());
    }
}

/// Serves these files, by their paths, until the test ends. Gives where.
fn serve(files: Vec<(String, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}/release", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while stream.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let path = head.split(' ').nth(1).unwrap_or_default();
            let answer = match files.iter().find(|(there, _)| path == format!("/release{there}")) {
                Some((_, text)) => {
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
                }
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            };
            let _ = stream.get_mut().write_all(answer.as_bytes());
        }
    });
    place
}

/// A release of kubectl with this checksum, for whatever machine asks; `None`: with the right one.
fn release(sum: Option<&str>) -> Vec<(String, String)> {
    let real = Command::new("sh").args(["-c", "printf '%s' \"$1\" | sha256sum", "sh", GOOD_KUBECTL]).output().unwrap();
    let real = String::from_utf8(real.stdout).unwrap().split(' ').next().unwrap().to_owned();
    let sum = sum.map_or(real, str::to_owned);
    let mut files = vec![("/stable.txt".to_owned(), "v1.99.0".to_owned())];
    for machine in ["linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"] {
        files.push((format!("/v1.99.0/bin/{machine}/kubectl"), GOOD_KUBECTL.to_owned()));
        files.push((format!("/v1.99.0/bin/{machine}/kubectl.sha256"), sum.clone()));
    }
    files
}

/// What Debian 12 offers.
const TOO_OLD: &str = "1.20.5+really1.20.2-1.1";

#[rstest]
#[case::no_kubectl(None)]
#[case::an_old_kubectl(Some(OLD_KUBECTL))]
#[case::a_kubectl_that_does_not_run(Some("#!/bin/sh\nexit 1\n"))]
fn kubectl_is_fetched_where_the_distribution_has_only_an_old_one(#[case] there: Option<&str>) {
    let machine = Machine::new(TOO_OLD, serve(release(None)));
    if let Some(text) = there {
        machine.world.script("kubectl", text);
    }
    let more: &[&str] = if there.is_some() { &["kubectl"] } else { &[] };
    let said = machine.need(more).expect(0).stdout;
    assert!(said.contains("kubectl 1.31 or later is missing") && said.contains("Installed kubectl v1.99.0 in "), "{said}");
    assert_eq!(fs::read_to_string(machine.tool()).unwrap(), GOOD_KUBECTL);
    assert_eq!(fs::metadata(machine.tool()).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(files(&machine.world.path("copy/target")), [machine.tool()]);
    assert_eq!(machine.asked(), "-qq update\n", "nothing but the lists of packages was changed");
    // What was fetched is found again.
    assert_eq!(machine.need(more).expect(0).stdout, "");
}

#[test]
fn a_good_kubectl_is_left_alone() {
    let machine = Machine::new(TOO_OLD, serve(release(None)));
    machine.world.script("kubectl", GOOD_KUBECTL);
    assert_eq!(machine.need(&["kubectl"]).expect(0).stdout, "");
    assert!(!machine.tool().exists() && machine.asked().is_empty());
}

/// A fresh machine does not know what its distribution offers before it has fetched the lists.
#[test]
fn a_distribution_that_has_a_new_kubectl_is_preferred_and_asked_after_its_lists_were_fetched() {
    let machine = Machine::new("1.33.4-1", "http://127.0.0.1:1/not-asked".to_owned());
    machine.need(&[]).expect(0);
    assert_eq!(machine.asked(), "-qq update\n-qq -y --no-install-recommends install kubernetes-client\n");
    assert!(!machine.tool().exists());
}

#[test]
fn a_kubectl_with_another_checksum_is_thrown_away() {
    let wrong = "0".repeat(64);
    for sum in [wrong.as_str(), "", "<html>a captive portal</html>"] {
        let machine = Machine::new(TOO_OLD, serve(release(Some(sum))));
        machine.assert_refused(machine.need(&[]));
    }
}

#[test]
fn a_release_that_is_not_whole_is_refused() {
    for lost in ["kubectl", "kubectl.sha256", "stable.txt"] {
        let files = release(None).into_iter().filter(|(path, _)| !path.ends_with(&format!("/{lost}"))).collect();
        let machine = Machine::new(TOO_OLD, serve(files));
        machine.assert_refused(machine.need(&[]));
    }
}

#[test]
fn without_a_network_it_is_said_what_to_do() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let releases = format!("http://{}/release", nobody.local_addr().unwrap());
    drop(nobody);
    let machine = Machine::new(TOO_OLD, releases);
    let ran = machine.need(&[]);
    assert!(ran.stderr.contains("please install 1.31 or later by hand"), "{}", ran.stderr);
    machine.assert_refused(ran);
}

/// What a bench says by its exit status reaches whoever ran `make bench`.
#[test]
fn a_bench_that_fails_makes_make_fail() {
    for (status, expected) in [(0, 0), (1, 2)] {
        let world = World::new();
        let noted = world.path("noted");
        world.script("cargo", &format!("#!/bin/sh\necho \"$@\" >>'{}'\nexit {status}\n", noted.display()));
        // Ahead of everything that the Makefile itself puts in front of PATH.
        let bench = world.program("make").args(["-C", ROOT, "bench", &format!("PATH={}", path_of(&world))]).output().unwrap();
        Ran::from(bench).expect(expected);
        assert!(fs::read_to_string(&noted).unwrap().ends_with("bench --locked --bench claims\n"));
    }
}

fn path_of(world: &World) -> String {
    format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap())
}

/// `.ci/run` with a make whose tests take so long.
#[rstest]
#[case::quick("899", "", 0)]
#[case::slow("9001", "", 1)]
#[case::slow_where_that_is_known("9001", "9002", 0)]
fn ci_fails_when_the_tests_take_more_than_fifteen_minutes(#[case] took: &str, #[case] most: &str, #[case] expected: i32) {
    let world = World::new();
    let result = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 300.00s";
    let test = format!("echo '{result}'; echo '{result}'; echo 'all tests took {took} s'");
    world.script("make", &format!("#!/bin/sh\ncase $1 in test) {test} ;; esac\n"));
    let mut command = world.program("sh");
    command.arg(format!("{ROOT}/.ci/run"));
    if !most.is_empty() {
        command.env("TEST_SECONDS_MAX", most);
    }
    let ran = Ran::from(command.output().unwrap()).expect(expected);
    assert!(ran.stdout.contains(&format!("test totals: 4 passed; 0 failed; 0 ignored\ntest time: {took} s")), "{}", ran.stdout);
}
