//! What must not be seen: tokens, what else is in a kubeconfig, and the texts of nudges. Not in what is printed, also under
//! `-v` and when something fails, not in the process list, not in a request, not in what is kept on the disk.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kubesim::{Cluster, Fault, Kubeconfig, Pod, everything, execs};
use operator::{FACTORY, Operator};
use serde_json::json;
use support::{BIN, Ran, eventually};

/// A deadline for what never comes, and one for what comes, however busy the machine is.
const SHORT: &str = "--timeout=3s";
const LONG: &str = "--timeout=60s";
const PASSWORD: &str = "a-password-in-the-kubeconfig";

/// The operator `keeper`, whose kubeconfig has a token, a certificate, and a user with a password beside it.
struct Keeper {
    operator: Operator,
    pod: Pod,
    kubeconfig: PathBuf,
    /// Another one in each test: some of them write it where the others may not see it.
    prompt: String,
    secrets: Vec<String>,
}

impl Keeper {
    fn new() -> Self {
        let cluster = Cluster::start();
        let worker = cluster.deployment("fleet").session("qa", "exec bash --norc").script("factory", FACTORY).start();
        let login = cluster.admin("keeper");
        let kubeconfig = cluster.directory().join("secret-kubeconfig");
        Kubeconfig::new()
            .login("vault", &cluster, &login)
            .secure("other", &cluster, json!({ "username": "other", "password": PASSWORD }))
            .write(&kubeconfig);
        let certificate = cluster.authority().lines().nth(1).unwrap().to_owned();
        let text = fs::read_to_string(&kubeconfig).unwrap();
        let encoded = text.split('"').find(|word| word.len() > 200).map(|word| word[40..80].to_owned());
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let prompt = format!("the-launch-code-is-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut secrets = vec![login.token.clone(), PASSWORD.to_owned(), prompt.clone(), certificate];
        secrets.extend(encoded);
        let pod = worker.pod();
        eventually("the prompt", || pod.pane("qa").contains("bash-").then_some(()));
        let mut operator = Operator::of(cluster);
        operator.world = operator.world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
        let commands = "context: vault\ncommands: {queue: factory queue list}";
        let operator = operator.worker("w", "fleet", commands).worker("o", "fleet", "context: other");
        Self { operator, pod, kubeconfig, prompt, secrets }
    }

    #[track_caller]
    fn assert_tells_nothing(&self, what: &str, text: &str) {
        for secret in &self.secrets {
            assert!(!text.contains(secret.as_str()), "{secret:?} is in {what}:\n{text}");
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_within(SHORT, arguments)
    }

    fn run_within(&self, timeout: &str, arguments: &[&str]) -> Ran {
        let arguments: Vec<&str> = ["-v", timeout].into_iter().chain(arguments.iter().copied()).collect();
        let ran = self.operator.run(&arguments);
        self.assert_tells_nothing("what was printed", &format!("{}\n{}", ran.stdout, ran.stderr));
        ran
    }

    fn nudge(&self) -> Ran {
        self.nudge_within(SHORT)
    }

    fn nudge_within(&self, timeout: &str) -> Ran {
        let ran = self.operator.world.run_with_input(&["-v", timeout, "nudge", "w/qa", "-"], self.prompt.as_bytes());
        self.assert_tells_nothing("what was printed", &format!("{}\n{}", ran.stdout, ran.stderr));
        ran
    }

    fn everything(&self) {
        self.nudge_within(LONG);
        for arguments in [
            &["list", "--wide"][..],
            &["list", "--json"],
            &["status", "w"],
            &["dispatch", "w", "--project", "p", "--issue", "1"],
            &["interrupt", "w/qa"],
            &["peek", "o"],
            &["doctor"],
            &["doctor", "--json"],
            &["config", "show"],
            &["config", "show", "--json"],
            &["config", "check"],
        ] {
            self.run_within(LONG, arguments);
        }
    }

    fn assert_kept_nothing(&self) {
        let state = self.operator.world.path("state/factory-worker");
        assert_eq!(mode(&state), 0o700);
        let files: Vec<PathBuf> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
            self.assert_tells_nothing(&file.display().to_string(), &fs::read_to_string(&file).unwrap());
        }
    }

    fn assert_asked_without(&self) {
        let calls = self.operator.cluster.calls();
        assert!(!calls.execs().is_empty());
        for call in calls.iter() {
            self.assert_tells_nothing("a request", &format!("{} {:?}", call.path, call.command));
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nothing_is_told_when_all_goes_well() {
    let keeper = Keeper::new();
    let watch = ProcessList::watch(&keeper.secrets);
    keeper.everything();
    assert!(watch.seen().is_empty());
    eventually("the prompt to arrive", || keeper.pod.pane("qa").contains(&keeper.prompt).then_some(()));
    keeper.assert_asked_without();
    keeper.assert_kept_nothing();
}

#[test]
fn nothing_is_told_when_it_fails() {
    let keeper = Keeper::new();
    keeper.run(&["list"]).expect(0);
    let watch = ProcessList::watch(&keeper.secrets);
    for fault in [Fault::Status(401), Fault::Status(403), Fault::Status(500), Fault::Reset] {
        keeper.operator.cluster.when(everything()).then(fault);
        keeper.nudge();
        keeper.run(&["list"]).expect(0);
        keeper.run(&["doctor"]);
        keeper.operator.cluster.lift_all_faults();
    }
    for fault in [Fault::ContainerNotFound, Fault::Silence, Fault::cut_after_bytes(30), Fault::freeze_after_bytes(0)] {
        keeper.operator.cluster.when(execs()).then(fault);
        keeper.nudge();
        keeper.operator.cluster.lift_all_faults();
    }
    assert!(watch.seen().is_empty());
    keeper.assert_asked_without();
    keeper.assert_kept_nothing();
}

#[test]
fn a_kubeconfig_that_is_no_yaml_is_not_quoted() {
    let keeper = Keeper::new();
    let text = fs::read_to_string(&keeper.kubeconfig).unwrap();
    for broken in
        [format!("{{{text}"), text.replace("\"token\":", "\"tokens\":"), text.replace("\"users\":", "\"users\": 7, \"x\":")]
    {
        fs::write(&keeper.kubeconfig, broken).unwrap();
        let ran = keeper.run(&["list"]).expect(0);
        assert!(!ran.stdout.contains("running"), "{}", ran.stdout);
        keeper.run(&["peek", "w/qa"]);
        keeper.run(&["doctor"]);
        keeper.nudge();
    }
}

#[test]
fn the_state_is_private_whatever_the_umask_is() {
    let keeper = Keeper::new();
    let mut command = keeper.operator.world.program("sh");
    Ran::from(command.args(["-c", "umask 0; exec \"$0\" list", BIN]).output().unwrap()).expect(0);
    keeper.assert_kept_nothing();
}

/// As an argument it is on our own command line, where whoever typed it has put it, and nowhere else.
#[test]
fn a_nudge_that_is_given_as_an_argument_goes_no_further() {
    let keeper = Keeper::new();
    let watch = ProcessList::watch(&keeper.secrets);
    assert!(keeper.run_within(LONG, &["nudge", "w/qa", &keeper.prompt]).stderr.contains("kubectl"), "the trace is on");
    eventually("the prompt to arrive", || keeper.pod.pane("qa").contains(&keeper.prompt).then_some(()));
    for fault in [Fault::Status(503), Fault::ContainerNotFound, Fault::Silence, Fault::cut_after_bytes(30)] {
        keeper.operator.cluster.when(execs()).then(fault);
        keeper.run(&["nudge", "w/qa", &keeper.prompt]);
        keeper.operator.cluster.lift_all_faults();
    }
    let others: Vec<String> = watch.seen().into_iter().filter(|line| !line.starts_with(BIN)).collect();
    assert!(others.is_empty(), "{others:?}");
    keeper.assert_asked_without();
    keeper.assert_kept_nothing();
}

/// What could not be sent is kept for whoever typed it, and for nobody else.
#[test]
fn a_draft_is_private_and_the_only_place_that_knows_the_text() {
    let keeper = Keeper::new();
    keeper.run(&["list"]).expect(0);
    let screen = keeper.operator.world.screen();
    screen.inner(&["set-option", "-w", "@factory-worker-address", "w/qa"]);
    keeper.operator.cluster.when(execs()).then(Fault::Status(503));
    screen.prefix("N");
    screen.wait("Enter send");
    screen.paste(&keeper.prompt);
    screen.wait(&keeper.prompt);
    // The test's own way to type is a command line.
    let watch = ProcessList::watch(&keeper.secrets);
    screen.keys(&["Enter"]);
    let state = keeper.operator.world.path("state/factory-worker");
    eventually("the draft", || {
        fs::read_to_string(state.join("drafts.json")).is_ok_and(|text| text.contains(&keeper.prompt)).then_some(())
    });
    screen.wait("(503)");
    assert_eq!(mode(&state), 0o700);
    for file in fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let tells = fs::read_to_string(&file).unwrap().contains(&keeper.prompt);
        assert_eq!(tells, file.ends_with("drafts.json"), "{}", file.display());
    }
    assert!(watch.seen().is_empty());
    keeper.assert_asked_without();
}

/// Otherwise the tests above would prove nothing.
#[test]
fn a_secret_on_a_command_line_would_be_seen() {
    let watch = ProcessList::watch(&["a-word-of-this-test".to_owned()]);
    let slept = std::process::Command::new("sh").args(["-c", "sleep 0.3; :", "a-word-of-this-test"]).status().unwrap();
    assert!(slept.success() && !watch.seen().is_empty());
}

/// Looks at every process of this machine, again and again.
struct ProcessList {
    done: Arc<AtomicBool>,
    looking: JoinHandle<Vec<String>>,
}

impl ProcessList {
    fn watch(secrets: &[String]) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (over, secrets) = (done.clone(), secrets.to_vec());
        let looking = thread::spawn(move || {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let lines = command_lines();
                seen.extend(lines.into_iter().filter(|line| secrets.iter().any(|secret| line.contains(secret.as_str()))));
                thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        Self { done, looking }
    }

    /// The command lines with a secret in them.
    fn seen(self) -> Vec<String> {
        self.done.store(true, Ordering::Relaxed);
        self.looking.join().unwrap()
    }
}

fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("cmdline"));
    processes.filter_map(|path| fs::read(path).ok()).map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
