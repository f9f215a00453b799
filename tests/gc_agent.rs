//! What Gas City's session provider tells an agent, asks it and copies to it: nothing is changed on the way, whatever the pod's sh is.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
#[path = "support/moment.rs"]
mod moment;
mod support;

use std::fs;

use agents::{LISTENER, PROVIDER};
use city::City;
use rstest::rstest;
use serde_json::json;
use support::eventually;

#[test]
fn metadata_is_kept_where_the_agent_keeps_it() {
    let city = City::of_agents();
    let pod = city.start("mayor", LISTENER);
    let get = |key: &str| city.ask(&["get-meta", "mayor", key]);
    assert_eq!(get("GC_DRAIN"), "");
    for value in [
        "1",
        "two words",
        "ends in ;",
        "-x",
        "",
        "a=b",
        "#{x} $(touch pwned) `id` \"q\" 'q'",
        "$HOME ${HOME} \\$HOME \\$1 $",
        "two\nlines",
        "ü",
        &"long".repeat(2000),
    ] {
        city.session(&["set-meta", "mayor", "GC_DRAIN"], value).expect(0);
        assert_eq!(get("GC_DRAIN"), value);
        // 3.4 prints a backslash before what looks like a variable.
        let bare = |text: &str| text.replace("\\$", "$");
        let kept = pod.tmux(&["show-environment", "-t", "main", "GC_DRAIN"]);
        assert_eq!(bare(&kept), bare(&format!("GC_DRAIN={value}\n")));
    }
    pod.tmux(&["set-environment", "-t", "main", "GC_DRAIN_ACK", "by the agent"]);
    assert_eq!(get("GC_DRAIN_ACK"), "by the agent");
    for _ in 0..2 {
        city.session(&["remove-meta", "mayor", "GC_DRAIN"], "").expect(0);
        assert_eq!(get("GC_DRAIN"), "");
    }
    // What tmux cannot keep is an error, never lost without a word.
    let ran = city.session(&["set-meta", "mayor", "GC_DRAIN"], &"x".repeat(300_000)).expect(1);
    assert!(!ran.stderr.is_empty());
    assert_eq!(get("GC_DRAIN"), "");
}

#[test]
fn a_nudge_is_typed_as_it_is() {
    let city = City::of_agents();
    let pod = city.start("mayor", LISTENER);
    let texts = [
        "hello",
        "Enter",
        "C-c",
        "-x",
        "ends in ;",
        "a;b",
        "#{pane_id} $(touch pwned) `id` \\n",
        "'q' \"q\"",
        "ü 日本 🚀",
        "two\nlines",
        "$HOME ~",
    ];
    let mut heard = String::new();
    for text in texts {
        city.session(&["nudge", "mayor"], text).expect(0);
        heard += &format!("{text}\n");
        city.wait_for_file(&pod, "/workspace/heard", &heard);
    }
    city.session(&["nudge", "mayor"], "one\r\n\r\ntwo\rthree").expect(0);
    heard += "one\n\ntwo\nthree\n";
    city.wait_for_file(&pod, "/workspace/heard", &heard);
    // Nobody is scrolling for ever.
    pod.tmux(&["copy-mode", "-t", "main"]);
    city.session(&["nudge", "mayor"], "out of copy mode").expect(0);
    city.wait_for_file(&pod, "/workspace/heard", &format!("{heard}out of copy mode\n"));
    // Nothing to say is nothing to type.
    city.session(&["nudge", "mayor"], "").expect(0);
}

/// An agent's program may end after the look and before the keys: its tmux lives, and nothing is called done.
#[rstest]
#[case(&["nudge", "mayor"], "the text was not typed")]
#[case(&["interrupt", "mayor"], "the keys were not pressed")]
fn an_agent_that_ends_just_before_it_is_typed_into(#[case] words: &[&str], #[case] told: &str) {
    let city = City::of_agents();
    let image = city.cluster.image(agents::IMAGE).with(kubesim::Oddity::OwnRoot);
    image.script("tmux", &moment::dies_before_it_is_typed_into("main")).publish();
    let pod = city.start("mayor", "exec cat");
    pod.tmux(&["set-option", "-w", "-t", "main", "remain-on-exit", "on"]);
    let server = pod.tmux(&["display-message", "-p", "#{pid}"]);
    city.session(&["exec", "mayor"], ": >\"$HOME/armed\"").expect(0);
    let ran = city.session(words, "go on").expect(1);
    assert!(ran.stderr.contains(told) && ran.stderr.contains("dead"), "{}", ran.stderr);
    assert_eq!(pod.tmux(&["display-message", "-p", "#{pid}"]), server);
}

/// What is said to an agent is in no process list and in no request that a log would keep.
#[test]
fn what_is_said_travels_by_standard_input_alone() {
    let mut city = City::of_agents();
    city.start("mayor", LISTENER);
    let notes = city.note_every_word();
    city.cluster.forget_calls();
    for words in [&["nudge", "mayor"][..], &["set-meta", "mayor", "KEY"], &["exec", "mayor"], &["process-alive", "mayor"]] {
        city.session(words, ": hush").expect(0);
    }
    let calls = city.cluster.calls();
    let asked: Vec<_> = calls.iter().map(|call| format!("{} {:?}", call.path, call.command)).collect();
    assert!(calls.execs().len() == 4 && !asked.iter().any(|call| call.contains("hush")), "{asked:?}");
    let noted = fs::read_to_string(notes).unwrap();
    assert!(asked.iter().any(|call| call.contains("container=agent")), "{asked:?}");
    assert!(!noted.is_empty() && !noted.contains("hush"), "{noted}");
    assert_eq!(city.ask(&["get-meta", "mayor", "KEY"]), ": hush");
}

#[test]
fn keys_are_pressed_by_name() {
    let city = City::of_agents();
    let pod = city.start(
        "mayor",
        "trap 'echo interrupted >>/workspace/heard' INT; while :; do read -r line && echo \"got $line\" >>/workspace/heard; done",
    );
    city.session(&["send-keys", "mayor", "a", ";", "b", "Enter"], "").expect(0);
    city.wait_for_file(&pod, "/workspace/heard", "got a;b\n");
    city.session(&["interrupt", "mayor"], "").expect(0);
    city.wait_for_file(&pod, "/workspace/heard", "got a;b\ninterrupted\n");
    pod.tmux(&["copy-mode", "-t", "main"]);
    city.session(&["interrupt", "mayor"], "").expect(0);
    city.wait_for_file(&pod, "/workspace/heard", "got a;b\ninterrupted\ninterrupted\n");
}

#[test]
fn peek_shows_the_screen_and_the_history() {
    let city = City::of_agents();
    let pod = city.start("mayor", "seq 1 300; exec cat");
    eventually("the last line", || city.ask(&["peek", "mayor", "5"]).contains("\n300\n").then_some(()));
    let lines = |count: &str| city.ask(&["peek", "mayor", count]).trim_end().lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines("0").len(), 300);
    assert_eq!(lines("-1").len(), 300);
    let some = lines("10");
    assert!(some.len() < 60 && some.last().unwrap() == "300", "{some:?}");
    assert_eq!(lines("10").len() - lines("5").len(), 5);
    // So much of the history, and the screen, whose last line is the cursor's.
    let height: usize = pod.tmux(&["display-message", "-p", "-t", "main", "#{pane_height}"]).trim().parse().unwrap();
    assert_eq!(lines("10").len(), 10 + height - 1);
    city.session(&["clear-scrollback", "mayor"], "").expect(0);
    assert!(lines("0").len() < 60);
}

#[test]
fn activity_is_output_and_not_input() {
    let city = City::of_agents();
    // It echoes nothing of what it is told.
    let pod = city.start("mayor", "stty -echo; echo begun; exec cat >/dev/null");
    eventually("its output", || city.ask(&["peek", "mayor"]).contains("begun").then_some(()));
    let first = city.ask(&["get-last-activity", "mayor"]);
    let begun = humantime::parse_rfc3339(first.trim()).unwrap();
    assert!(begun.elapsed().unwrap().as_secs() < 3600, "{first}");
    // The session's own idea of its activity is what a client types.
    let screen = city.world.screen_with("");
    screen.enter("gc-session-k8s attach mayor");
    screen.wait("begun");
    let epoch = begun.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    eventually("input to be activity", || {
        screen.enter("typed");
        let activity = pod.tmux(&["display-message", "-p", "-t", "main", "#{session_activity}"]);
        (activity.trim().parse::<u64>().unwrap() > epoch).then_some(())
    });
    assert_eq!(city.ask(&["get-last-activity", "mayor"]), first);
}

#[test]
fn a_process_is_known_by_its_own_name() {
    let city = City::of_agents();
    let agent = "#!/bin/sh\nwhile :; do sleep 0.1; done\n";
    city.cluster.image(agents::IMAGE).with(kubesim::Oddity::OwnRoot).script("codex", agent).script("stray", agent).publish();
    // Its start command has the words claude and sleep in it, as the script's always has.
    city.start_with("mayor", &json!({"command": "codex; echo claude", "pre_start": ["echo claude"]}));
    let alive = |names: &str| city.session(&["process-alive", "mayor"], names).expect(0).stdout;
    eventually("the agent", || (alive("codex") == "true\n").then_some(()));
    assert_eq!(alive("claude"), "false\n");
    assert_eq!(alive("claude\ncodex"), "true\n");
    assert_eq!(alive("cod"), "false\n");
    // What runs beside the session is not the agent.
    city.session(&["exec", "mayor"], "stray </dev/null >/dev/null 2>&1 &").expect(0);
    assert_eq!(alive("stray"), "false\n");
    assert_eq!(alive(""), "true\n");
    assert_eq!(city.session(&["process-alive", "nobody"], "codex").expect(0).stdout, "false\n");
}

#[test]
fn files_go_in_and_out() {
    let city = City::of_agents();
    let pod = city.start("mayor", LISTENER);
    let here = city.world.path("source");
    fs::create_dir_all(here.join("deep/er")).unwrap();
    fs::write(here.join("a b"), "one").unwrap();
    fs::write(here.join("deep/er/c"), "two").unwrap();
    let (file, directory) = (here.join("a b"), here.to_str().unwrap());
    let copy = |source: &str, to: &str| city.session(&["copy-to", "mayor", source, to], "").expect(0);
    copy(file.to_str().unwrap(), "x/renamed");
    copy(file.to_str().unwrap(), "");
    copy(directory, "all");
    copy("/nowhere/at/all", "y");
    for (path, text) in [("x/renamed", "one"), ("a b", "one"), ("all/a b", "one"), ("all/deep/er/c", "two")] {
        assert_eq!(city.file(&pod, &format!("/workspace/{path}")).as_deref(), Some(text), "{path}");
    }
    assert_eq!(city.file(&pod, "/workspace/y"), None);

    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    fs::write(&file, &bytes).unwrap();
    copy(file.to_str().unwrap(), "binary");
    let output = city.command(PROVIDER, &["copy-from", "mayor", "/workspace/binary"]).output().unwrap();
    assert!(output.status.success() && output.stdout == bytes, "{} bytes", output.stdout.len());
    city.session(&["copy-from", "mayor", "/workspace/nothing"], "").expect(1);
}

#[test]
fn a_command_in_the_pod_ends_as_it_ends() {
    let city = City::of_agents();
    city.start("mayor", LISTENER);
    let ran = city.session(&["exec", "mayor"], "echo out; echo err >&2; exit 2").expect(2);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!(city.session(&["exec", "mayor"], "printf '%s' \"$GC_TMUX_SESSION\"").expect(0).stdout, "main");
}

/// A mesh puts its own container into every pod, in front of ours or behind.
#[test]
fn other_containers_do_not_matter() {
    let city = City::of_agents();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "mayor", "labels": {"app": "gc-agent", "gc-session": "mayor"}, "annotations": {"gc-session-name": "mayor"},
        },
        "spec": {"containers": [
            {"name": "istio-proxy", "image": "proxy", "command": ["sleep", "1000"]},
            {
                "name": "agent", "image": agents::IMAGE, "volumeMounts": [{"name": "ws", "mountPath": "/workspace"}],
                "command": ["sh", "-c", "tmux new-session -d -s main 'echo I listen; exec cat'; exec sleep 1000"],
            },
        ], "volumes": [{"name": "ws", "emptyDir": {}}]},
    });
    let file = city.world.path("mayor.json");
    fs::write(&file, pod.to_string()).unwrap();
    assert_eq!(city.cluster.kubectl(&["-n", "gc", "apply", "-f", file.to_str().unwrap()]).code, 0);
    eventually("its session", || (city.ask(&["is-running", "mayor"]) == "true\n").then_some(()));
    city.session(&["nudge", "mayor"], "hello").expect(0);
    eventually("what it says", || city.ask(&["peek", "mayor"]).contains("hello\nhello").then_some(()));
    city.session(&["set-meta", "mayor", "KEY"], "value").expect(0);
    assert_eq!(city.ask(&["get-meta", "mayor", "KEY"]), "value");
    assert_eq!(city.session(&["process-alive", "mayor"], "cat").expect(0).stdout, "true\n");
    city.session(&["copy-to", "mayor", file.to_str().unwrap(), "copied"], "").expect(0);
    assert_eq!(city.ask(&["copy-from", "mayor", "/workspace/copied"]), pod.to_string());
}

/// The pod's sh need not be this machine's.
#[rstest]
fn any_sh_will_do(#[values("dash", "busybox sh", "bash --posix")] sh: &str) {
    let city = City::of_agents();
    let image = city.cluster.image(agents::IMAGE).with(kubesim::Oddity::OwnRoot);
    image.script("sh", &format!("#!/bin/dash\nexec {sh} \"$@\"\n")).publish();
    let file = city.world.path("file");
    fs::write(&file, "bytes").unwrap();
    let copied = json!([{"src": file.to_str().unwrap(), "rel_dst": "staged"}]);
    let pod = city.start_with("mayor", &json!({"command": LISTENER, "copy_files": copied}));
    assert_eq!(city.file(&pod, "/workspace/staged").as_deref(), Some("bytes"));
    city.session(&["nudge", "mayor"], "a\\nb $HOME;").expect(0);
    city.wait_for_file(&pod, "/workspace/heard", "a\\nb $HOME;\n");
    city.session(&["set-meta", "mayor", "KEY"], "a\\tb\n;").expect(0);
    assert_eq!(city.ask(&["get-meta", "mayor", "KEY"]), "a\\tb\n;");
    city.session(&["remove-meta", "mayor", "KEY"], "").expect(0);
    assert_eq!(city.ask(&["get-meta", "mayor", "KEY"]), "");
    assert_eq!(city.session(&["process-alive", "mayor"], "claude\ncat").expect(0).stdout, "true\n");
    assert_eq!(city.session(&["process-alive", "mayor"], "sleep").expect(0).stdout, "false\n");
    city.session(&["copy-to", "mayor", city.world.home().to_str().unwrap(), "home"], "").expect(0);
    assert_eq!(city.session(&["exec", "mayor"], "exit 7").expect(7).stdout, "");
    assert!(city.ask(&["peek", "mayor"]).contains("I listen"));
    assert!(!city.ask(&["get-last-activity", "mayor"]).is_empty());
}
