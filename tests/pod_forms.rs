//! The forms and the picker's keys over a connection that breaks: what was typed is sent once or not at all, is never called
//! delivered or lost without proof, and is kept until it is known to have arrived.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;

use kubesim::{Call, Calls, Cluster, Fault, Pod, execs};
use operator::{FACTORY, Operator};
use rstest::rstest;
use support::{Screen, eventually};

const TEXT: &str = "twice-is-once-too-often";
/// What runs in a pod to which nobody talks: its tmux server and the session's shell.
const IDLE: usize = 2;
/// For what never comes.
const SHORT: &str = "2s";
/// For what comes, however busy the machine is.
const LONG: &str = "60s";

/// The worker `w`: a queue that notes what is added, and a session in which a shell notes each Ctrl-C.
fn worker() -> (Operator, Pod) {
    let cluster = Cluster::start();
    let session = "echo \"PS1='ready: '; echo I am qa; trap 'echo INT >>typed' INT\" >rc; exec bash --rcfile rc";
    let worker = cluster.deployment("fleet").script("factory", FACTORY).session("qa", session).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    assert_eq!(operator.rows()[0]["status"], "running");
    eventually("the prompt", || worker.pod().pane("qa").contains("ready:").then_some(()));
    note_what_is_sent(&operator);
    (operator, worker.pod())
}

/// Which form, and the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// prefix N in a window that shows the session.
    NudgeKey,
    /// prefix G there.
    DispatchKey,
    /// Alt-n in the picker.
    PickedNudge,
    /// Alt-g in the picker.
    PickedDispatch,
}

impl Way {
    fn is_nudge(self) -> bool {
        matches!(self, Self::NudgeKey | Self::PickedNudge)
    }

    /// The command that tells what became of it.
    fn tells(self) -> &'static str {
        if self.is_nudge() { "factory-worker peek w/qa" } else { "factory-worker list w" }
    }

    /// In which file of the pod it arrives.
    fn file(self) -> &'static str {
        if self.is_nudge() { "typed" } else { "calls" }
    }

    /// What arrives.
    fn sent(self) -> &'static str {
        if self.is_nudge() { TEXT } else { "queue add --project twice-is-once-too-often --issue 7" }
    }

    /// The form, with nothing sent yet.
    fn open(self, screen: &Screen<'_>) {
        match self {
            Self::NudgeKey => screen.prefix("N"),
            Self::DispatchKey => screen.prefix("G"),
            Self::PickedNudge | Self::PickedDispatch => {
                screen.prefix("W");
                screen.wait("│I am qa");
                screen.keys(&[if self.is_nudge() { "M-n" } else { "M-g" }]);
            }
        }
        screen.wait("Enter send");
    }

    fn fill(self, screen: &Screen<'_>) {
        if self.is_nudge() {
            screen.type_text(&format!("echo {TEXT} >>typed"));
        } else {
            screen.type_text(TEXT);
            screen.keys(&["Tab"]);
            screen.type_text("7");
        }
        screen.wait(TEXT);
    }
}

/// A terminal in a window that shows `w/qa`, as far as the keys can tell: no client of a view disturbs the counting.
fn terminal<'a>(operator: &'a Operator, timeout: &str) -> Screen<'a> {
    let bin = operator.world.script("patient", &format!("#!/bin/sh\nexec '{}' --timeout={timeout} \"$@\"\n", support::BIN));
    let plugin = format!("set -g @factory-worker-bin '{}'\nrun-shell '{}/factory-worker.tmux'", bin.display(), support::ROOT);
    let screen = operator.world.screen_with(&plugin);
    screen.inner(&["set-option", "-w", "@factory-worker-address", "w/qa"]);
    screen
}

/// The words of a screen without the frames around them, for sentences that were wrapped.
fn words(screen: &str) -> String {
    screen.replace(['│', '┌', '└', '─', '┐', '┘'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn wait_words(screen: &Screen<'_>, text: &str) -> String {
    words(&screen.wait_until(&format!("{text:?} to show"), |screen| words(screen).contains(text)))
}

fn drafts(operator: &Operator) -> String {
    fs::read_to_string(operator.world.path("state/factory-worker/drafts.json")).unwrap_or_default()
}

/// How often something arrived in the pod, once nothing of it is under way any more.
fn arrived(pod: &Pod, way: Way) -> usize {
    eventually("execs to end", || (pod.processes().len() <= IDLE).then_some(()));
    let text = fs::read_to_string(pod.home().join(way.file())).unwrap_or_default();
    text.lines().filter(|line| *line == way.sent()).count()
}

/// From now on every kubectl leaves what it is told on standard input in a file of the directory `sent`.
fn note_what_is_sent(operator: &Operator) {
    let place = operator.world.path("sent");
    fs::create_dir(&place).unwrap();
    let kubectl = format!("exec /usr/bin/env PATH='{}' kubectl \"$@\"", std::env::var("PATH").unwrap());
    let file = format!("'{}'/$$", place.display());
    let script = format!("#!/bin/sh\ncase \" $* \" in\n*' -i '*)\n\tcat >{file}\n\t{kubectl} <{file}\n\t;;\nesac\n{kubectl}\n");
    operator.world.script("kubectl", &script);
}

/// The requests that send something, by the websocket (GET) and by the older protocol that kubectl turns to when that is
/// refused (POST); the picker's looks at the session are none of them. A request and what goes over it have a nonce in common.
#[track_caller]
fn assert_sent_once(operator: &Operator, calls: &Calls) {
    let files = fs::read_dir(operator.world.path("sent")).unwrap().flatten();
    let texts = files.map(|file| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned());
    let sends = |text: &String| ["\nadd\n", "paste-buffer", " C-c"].iter().any(|word| text.contains(word));
    let sent: Vec<String> = texts.filter(sends).collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let is_it = |call: &Call| call.command.last().is_some_and(|nonce| sent[0].contains(&format!("\n{nonce}\n")));
    let execs: Vec<Call> = calls.matching(&execs()).into_iter().filter(is_it).collect();
    let by = |method: &str| execs.iter().filter(|call| call.method == method).count();
    assert!(by("GET") == 1 && by("POST") <= 1 && by("GET") + by("POST") == execs.len(), "{execs:?}");
}

/// The request goes out, and its fate is not known.
#[rstest]
#[case::hang_up(Fault::HangUp, LONG)]
#[case::internal_error(Fault::Status(500), LONG)]
#[case::cut_like_success(Fault::cut_after_bytes(0).looking_like_success(), LONG)]
#[case::cut(Fault::cut_after_bytes(20), LONG)]
#[case::frozen_with_pongs(Fault::freeze_after_bytes(0).with_pongs(), SHORT)]
fn an_unknown_outcome_is_said_kept_and_not_tried_again(
    #[case] fault: Fault,
    #[case] timeout: &str,
    #[values(Way::NudgeKey, Way::DispatchKey, Way::PickedNudge, Way::PickedDispatch)] way: Way,
) {
    let (operator, pod) = worker();
    let screen = terminal(&operator, timeout);
    way.open(&screen);
    way.fill(&screen);
    operator.cluster.when(execs()).then(fault);
    operator.cluster.forget_calls();
    screen.keys(&["Enter"]);
    let shown = wait_words(&screen, "any key closes");
    assert!(shown.contains("outcome unknown") && shown.contains(way.tells()) && shown.contains(TEXT), "{shown}");
    assert_sent_once(&operator, &operator.cluster.calls());
    let draft = drafts(&operator);
    assert!(draft.contains(TEXT) && draft.contains("not confirmed"), "{draft}");

    // A key closes it, and sends nothing either; nor does what is offered when it is opened again.
    eventually("a key to close it", || {
        screen.keys(&["x"]);
        (!screen.text().contains("outcome unknown")).then_some(())
    });
    assert!(drafts(&operator).contains(TEXT));
    operator.cluster.lift_all_faults();
    assert!(arrived(&pod, way) <= 1);
    screen.wait_until("the popup to close", |text| text.starts_with('$'));
    // What was pressed too often goes to the shell first, and then the client takes keys again.
    eventually("the client to take keys", || {
        (!screen.inner(&["list-clients", "-F", "#{client_flags}"]).contains("read-only")).then_some(())
    });
    let before = arrived(&pod, way);
    way.open(&screen);
    let shown = wait_words(&screen, "Kept from");
    assert!(shown.contains("not confirmed") && shown.contains(TEXT), "{shown}");
    assert_eq!(arrived(&pod, way), before, "opening a form sends nothing");
}

/// It is proven that nothing was sent: the form stays, with its text, and Enter tries again.
#[rstest]
#[case::unauthorized(Fault::Status(401), "not logged in to the cluster", "log in")]
#[case::forbidden(Fault::Status(403), "may not", "ask for a role")]
#[case::too_many_requests(Fault::Status(429), "too busy", "try again")]
#[case::unavailable(Fault::Status(503), "not available", "try again")]
#[case::container_not_found(Fault::ContainerNotFound, "is not running", "try again")]
fn what_was_surely_not_sent_stays_in_the_form(
    #[case] fault: Fault,
    #[case] reason: &str,
    #[case] remedy: &str,
    #[values(Way::NudgeKey, Way::PickedDispatch)] way: Way,
) {
    let (operator, pod) = worker();
    let screen = terminal(&operator, LONG);
    way.open(&screen);
    way.fill(&screen);
    let rule = operator.cluster.when(execs()).then(fault);
    screen.keys(&["Enter"]);
    let shown = wait_words(&screen, reason);
    assert!(shown.contains(remedy) && shown.contains(TEXT) && !shown.contains("unknown"), "{shown}");
    let draft = drafts(&operator);
    assert!(draft.contains(TEXT) && draft.contains("not sent"), "{draft}");
    assert_eq!(arrived(&pod, way), 0);
    rule.lift();
    screen.keys(&["Enter"]);
    eventually("it to arrive", || (arrived(&pod, way) == 1).then_some(()));
    eventually("the draft to go", || (!drafts(&operator).contains(TEXT)).then_some(()));
}

#[rstest]
#[case::hang_up(Fault::HangUp, LONG)]
#[case::cut_like_success(Fault::cut_after_bytes(0).looking_like_success(), LONG)]
#[case::frozen(Fault::freeze_after_bytes(0), SHORT)]
fn an_interrupt_of_unknown_outcome_is_said_and_not_sent_again(#[case] fault: Fault, #[case] timeout: &str) {
    let (operator, pod) = worker();
    let screen = terminal(&operator, timeout);
    screen.prefix("W");
    screen.wait("│I am qa");
    screen.keys(&["M-x"]);
    screen.wait("Send Ctrl-C to w/qa? [y/N]");
    operator.cluster.when(execs()).then(fault);
    operator.cluster.forget_calls();
    screen.keys(&["y"]);
    let shown = wait_words(&screen, "press any key to close");
    assert!(shown.contains("outcome unknown") && shown.contains("factory-worker peek w/qa"), "{shown}");
    assert_sent_once(&operator, &operator.cluster.calls());
    eventually("execs to end", || (pod.processes().len() <= IDLE).then_some(()));
    let text = fs::read_to_string(pod.home().join("typed")).unwrap_or_default();
    assert!(text.matches("INT").count() <= 1, "{text}");
}
