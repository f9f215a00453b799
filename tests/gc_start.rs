//! How Gas City's agents are started: what is in their pods, what is left of a start that fails, and who else may be there.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::Duration;

use agents::{IMAGE, LISTENER, PROVIDER, begin};
use city::{City, NAMESPACE};
use kubesim::{Fault, Oddity, Stage, execs};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use serde_json::{Value, json};
use support::{Ran, eventually};

/// A directory on the controller with files in it.
fn directory(city: &City, name: &str, files: &[(&str, &str)]) -> String {
    let path = city.world.path(name);
    for (file, text) in files {
        fs::create_dir_all(path.join(file).parent().unwrap()).unwrap();
        fs::write(path.join(file), text).unwrap();
    }
    fs::create_dir_all(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_pod_is_what_the_script_makes() {
    let city = City::of_agents().env("GC_K8S_CPU_LIMIT", "3").env("GC_K8S_SERVICE_ACCOUNT", "robot");
    let payload = json!({
        "command": LISTENER, "work_dir": "/nowhere/city/rig/one",
        "env": {
            "GC_CITY": "/nowhere/city", "GC_AGENT": "rig/worker", "GC_SESSION": "exec:x", "GC_EVENTS": "exec:y", "GC_BEADS": "z",
            "GC_TMUX_SESSION": "other", "CLAUDE_CONFIG_DIR": "/elsewhere", "GC_DOLT_PORT": "31364", "OWN": "a\nb 'c'",
        },
    });
    let pod = city.start_with("rig/Worker_1", &payload).object();
    assert_eq!(pod["metadata"]["name"], "rig-worker-1");
    let mark = pod["metadata"]["labels"]["factory-worker/session"].clone();
    assert!(mark.as_str().is_some_and(|mark| mark.len() == 16), "{pod}");
    let labels =
        json!({"app": "gc-agent", "gc-session": "rig-Worker_1", "gc-agent": "rig-worker", "factory-worker/session": mark});
    assert_eq!(pod["metadata"]["labels"], labels);
    assert_eq!(pod["metadata"]["annotations"]["gc-session-name"], "rig/Worker_1");
    let spec = &pod["spec"];
    assert_eq!((&spec["restartPolicy"], &spec["serviceAccountName"]), (&json!("Never"), &json!("robot")));
    assert_eq!(spec.get("initContainers"), None);
    let container = &spec["containers"][0];
    let fields = ["name", "image", "imagePullPolicy", "workingDir", "stdin", "tty", "command"];
    let values: Vec<_> = fields.iter().map(|field| container[field].clone()).collect();
    let expected = json!(["agent", IMAGE, "IfNotPresent", "/workspace/rig/one", true, true, ["/bin/sh", "-c"]]);
    assert_eq!(Value::Array(values), expected);
    let resources = json!({"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "3", "memory": "4Gi"}});
    assert_eq!(container["resources"], resources);
    let mut mounts: Vec<_> =
        container["volumeMounts"].as_array().unwrap().iter().map(|mount| mount["mountPath"].clone()).collect();
    mounts.sort_by_key(Value::to_string);
    assert_eq!(mounts, ["/nowhere/city", "/tmp/claude-secret", "/workspace"]);
    let env = container["env"].as_array().unwrap();
    let value =
        |name: &str| env.iter().find(|variable| variable["name"] == name).map(|variable| variable["value"].as_str().unwrap());
    for (name, expected) in [
        ("GC_CITY", Some("/workspace")),
        ("GC_DIR", Some("/workspace/rig/one")),
        ("GC_TMUX_SESSION", Some("main")),
        ("CLAUDE_CONFIG_DIR", Some("/home/gcagent/.claude")),
        ("GC_DOLT_HOST", Some("dolt.gc.svc.cluster.local")),
        ("BEADS_DOLT_SERVER_PORT", Some("3307")),
        ("GC_MCP_MAIL_URL", Some("http://mcp-mail.gc.svc.cluster.local:8765")),
        ("GC_MCP_MAIL_PROJECT", Some("/nowhere/city")),
        ("GC_MAIL", Some("exec:gc-mail-mcp-agent-mail")),
        ("OWN", Some("a\nb 'c'")),
        ("GC_SESSION", None),
        ("GC_EVENTS", None),
        ("GC_BEADS", None),
    ] {
        assert_eq!(value(name), expected, "{name}");
    }
    let mut names: Vec<_> = env.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    names.dedup();
    assert_eq!(names.len(), env.len(), "{names:?}");
}

#[rstest]
#[case::host_without_port(json!({"env": {"GC_DOLT_HOST": "x"}}), "session payload requires GC_DOLT_PORT when GC_DOLT_HOST is set")]
#[case::no_json(json!([]), "makes no sense")]
fn a_description_that_makes_no_sense_makes_no_pod(#[case] payload: Value, #[case] why: &str) {
    let city = City::of_agents();
    let ran = city.try_start("mayor", &payload).expect(1);
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    assert!(city.pods().is_empty());
}

#[test]
fn an_image_is_needed() {
    let ran = City::new().try_start("mayor", &json!({})).expect(1);
    assert!(ran.stderr.contains("GC_K8S_IMAGE is required"), "{}", ran.stderr);
}

#[test]
fn everything_is_in_place_before_the_agent_begins() {
    let city = City::of_agents();
    let rig = directory(&city, "city/rig", &[("code", "code"), (".git/HEAD", "ref")]);
    directory(&city, "city", &[("formulas/own", "own"), (".gc/lock", "no"), ("agents.toml", "city")]);
    let home = city.world.path("city");
    directory(&city, "elsewhere", &[("formula", "from outside")]);
    symlink("own", home.join("formulas/inside")).unwrap();
    symlink(city.world.path("elsewhere/formula"), home.join("formulas/outside")).unwrap();
    symlink("../../elsewhere", home.join("formulas/all")).unwrap();
    let _socket = UnixListener::bind(home.join("socket")).unwrap();
    let pack = directory(&city, "pack", &[("both", "pack"), ("pack", "pack")]);
    let overlay = directory(&city, "overlay", &[("both", "overlay"), (".claude/settings.json", "{}")]);
    let copied = directory(&city, "copied", &[("settings.json", "settings"), ("tool", "#!/bin/sh")]);
    let payload = json!({
        "work_dir": rig, "env": {"GC_CITY": home.to_str().unwrap()},
        "pack_overlay_dirs": [pack, "/nowhere/at/all"], "overlay_dir": overlay,
        "copy_files": [
            {"src": format!("{copied}/settings.json"), "rel_dst": ".gc/settings.json"},
            {"src": copied, "rel_dst": "deep/er"},
            {"src": "/nowhere/at/all", "rel_dst": "nothing"},
        ],
        "pre_start": ["cp code pre-start # and a comment", "echo second >>pre-start"],
        "command": "find . /workspace | sort >/workspace/seen; cat pre-start >>/workspace/seen; exec cat",
        "session_setup": ["echo setup >>/workspace/order", "exit 7"], "session_live": ["echo live >>/workspace/order"],
        "session_setup_script": format!("{copied}/setup"),
    });
    fs::write(city.world.path("copied/setup"), "echo script >>/workspace/order\n").unwrap();
    let ran = city.try_start("rig/worker", &payload).expect(0);
    assert!(ran.stderr.contains("session_setup: exit 7"), "{}", ran.stderr);
    let pod = city.pod_of("rig/worker");
    for (path, text) in [
        ("/workspace/rig/code", "code"),
        ("/workspace/rig/.git/HEAD", "ref"),
        ("/workspace/rig/pre-start", "codesecond\n"),
        ("/workspace/both", "overlay"),
        ("/workspace/pack", "pack"),
        ("/workspace/.claude/settings.json", "{}"),
        ("/workspace/.gc/settings.json", "settings"),
        ("/workspace/deep/er/tool", "#!/bin/sh"),
        ("/workspace/formulas/inside", "own"),
        ("/workspace/formulas/outside", "from outside"),
        ("/workspace/formulas/all/formula", "from outside"),
        ("/workspace/agents.toml", "city"),
        ("/workspace/gc-calls", "init --from /tmp/city-src /workspace\n"),
        ("/workspace/order", "setup\nscript\nlive\n"),
    ] {
        assert_eq!(city.file(&pod, path).as_deref(), Some(text), "{path}");
    }
    // The city's own path has the same .gc.
    assert_eq!(city.file(&pod, &format!("{}/.gc/settings.json", home.display())).as_deref(), Some("settings"));
    for path in ["/workspace/.gc/lock", "/workspace/socket", "/workspace/nothing", "/tmp/city-src"] {
        assert_eq!(city.file(&pod, path), None, "{path}");
    }
    let seen = || city.file(&pod, "/workspace/seen").filter(|seen| seen.contains("second"));
    let seen = eventually("what the agent saw", seen);
    for path in ["/workspace/both", "/workspace/.gc/settings.json", "/workspace/agents.toml", "./code", "codesecond"] {
        assert!(seen.lines().any(|line| line == path), "{path} was not there when the agent began:\n{seen}");
    }
    city.assert_nothing_left();
}

#[test]
fn the_first_message_comes_when_the_agent_waits_for_it() {
    let city = City::of_agents();
    let agent = "echo starting; sleep 1; echo '> '; exec cat >/workspace/heard";
    let payload = json!({"command": agent, "nudge": "begin; -x\nEnter", "ready_prompt_prefix": "> "});
    let pod = city.start_with("mayor", &payload);
    city.wait_for_file(&pod, "/workspace/heard", "begin; -x\nEnter\n");
    // Where nothing takes it, Enter is not pressed: there may be a dialog.
    let dialog = "stty -echo -icanon min 1; echo 'Do you trust this? Enter: yes'; dd bs=1 count=1 of=/workspace/chosen; exec cat";
    let ran = city.try_start("asked", &json!({"command": dialog, "nudge": "x"})).expect(0);
    assert!(ran.stderr.contains("first message"), "{}", ran.stderr);
}

#[test]
fn a_session_that_has_ended_can_be_started_again_at_once() {
    let city = City::of_agents();
    let old = city.start("mayor", LISTENER);
    city.session(&["nudge", "mayor"], "last words").expect(0);
    let log = || city.file(&old, "/tmp/agent-output.log").filter(|log| log.contains("last words"));
    eventually("its words in the log", log);
    old.tmux(&["kill-server"]);
    assert_eq!(city.ask(&["is-running", "mayor"]), "false\n");
    let ran = city.try_start("mayor", &json!({"command": LISTENER})).expect(0);
    assert!(old.is_gone() && ran.stderr.contains("last words"), "{}", ran.stderr);
    assert_eq!(city.ask(&["is-running", "mayor"]), "true\n");
}

#[test]
fn a_young_pod_is_not_deleted_by_a_second_start() {
    let city = City::of_agents();
    city.cluster.image(IMAGE).with(Oddity::OwnRoot).starting_takes(Duration::from_secs(6)).publish();
    let first = begin(&city, &["start", "mayor"], json!({"command": LISTENER}).to_string());
    eventually("its pod", || (!city.pods().is_empty()).then_some(()));
    let uid = city.pod_of("mayor").uid().to_owned();
    let second = city.try_start("mayor", &json!({"command": LISTENER})).expect(1);
    assert!(second.stderr.contains("already exists"), "{}", second.stderr);
    first.join().unwrap().expect(0);
    assert_eq!(city.pod_of("mayor").uid(), uid);
}

#[rstest]
#[case::its_container_ends(json!({"command": LISTENER, "pre_start": ["exit 3"]}))]
#[case::no_such_shell(json!({"command": LISTENER, "pre_start": ["exec /nowhere/at/all"]}))]
fn a_start_that_fails_leaves_no_pod(#[case] payload: Value) {
    let city = City::of_agents();
    let ran = city.try_start("mayor", &payload).expect(1);
    assert!(!ran.stderr.is_empty());
    eventually("the pod to go", || city.pods().is_empty().then_some(()));
    city.start("mayor", LISTENER);
}

#[test]
fn a_start_through_a_broken_connection_does_not_pretend() {
    let city = City::of_agents();
    city.cluster.when(execs()).then(Fault::cut_after_bytes(0).looking_like_success());
    let ran = city.try_start("mayor", &json!({"command": LISTENER})).expect(1);
    assert!(!ran.stderr.is_empty());
    eventually("the pod to go", || city.pods().is_empty().then_some(()));
}

/// EX_TEMPFAIL: the start is worth repeating, and it is not this session's fault.
#[test]
fn a_start_for_which_there_is_no_room_says_so() {
    let city = City::of_agents();
    let refusal = "Error from server (Forbidden): pods \"mayor\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1";
    let path = std::env::var("PATH").unwrap();
    let text = format!(
        "#!/bin/sh\ncase \" $* \" in *\" apply -f - \"*) cat >/dev/null; echo '{refusal}' >&2; exit 1 ;; esac\n\
         exec /usr/bin/env PATH='{path}' kubectl \"$@\"\n"
    );
    city.world.script("kubectl", &text);
    let ran = city.try_start("mayor", &json!({"command": LISTENER})).expect(75);
    assert!(ran.stderr.contains("exceeded quota"), "{}", ran.stderr);
}

/// As soon as the kubelet says so, whether the pod has an init container or none.
#[rstest]
#[case::just_now(Stage::ErrImagePull, "ErrImagePull: failed to pull and unpack image \"gc-agent:latest\"")]
#[case::for_a_while(Stage::ImagePullBackOff, "ImagePullBackOff: Back-off pulling image \"gc-agent:latest\"")]
fn an_image_that_is_not_to_be_had_is_told_at_once(#[case] stage: Stage, #[case] why: &str, #[values(false, true)] stages: bool) {
    let city = City::of_agents();
    city.cluster.image(IMAGE).in_stage(stage).publish();
    let mut payload = json!({"command": LISTENER});
    if stages {
        let file = directory(&city, "files", &[("a", "a")]);
        payload["copy_files"] = json!([{"src": file, "rel_dst": "files"}]);
    }
    let ran = city.try_start("mayor", &payload).expect(1);
    let said = "pod mayor: the cluster cannot get its image gc-agent:latest: ";
    assert!(ran.stderr.contains(said) && ran.stderr.contains(why), "{}", ran.stderr);
    assert!(!ran.stderr.contains("is not ready"), "{}", ran.stderr);
    eventually("the pod to go", || city.pods().is_empty().then_some(()));
}

#[rstest]
fn an_interrupted_start_leaves_no_pod(#[values(Signal::SIGTERM, Signal::SIGINT)] signal: Signal) {
    let city = City::of_agents();
    city.cluster.image(IMAGE).in_stage(Stage::ImagePullBackOff).publish();
    let mut command = city.command(PROVIDER, &["start", "mayor"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("its pod", || (!city.pods().is_empty()).then_some(()));
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("interrupted"), "{said}");
    eventually("the pod to go", || city.pods().is_empty().then_some(()));
}

#[test]
fn names_that_become_the_same_are_kept_apart() {
    let city = City::of_agents();
    let names = ["a/b", "a-b", "A/b"];
    for name in names {
        city.start(name, &format!("echo I am {name}; exec cat >/workspace/heard"));
    }
    let mut pods: Vec<_> = city.pods().into_iter().map(|(_, pod)| pod).collect();
    pods.dedup();
    assert_eq!(pods.len(), 3);
    for name in names {
        city.session(&["nudge", name], name).expect(0);
        city.wait_for_file(&city.pod_of(name), "/workspace/heard", &format!("{name}\n"));
        eventually("its own screen", || city.ask(&["peek", name]).contains(&format!("I am {name}")).then_some(()));
    }
    city.session(&["stop", "a/b"], "").expect(0);
    assert_eq!(city.ask(&["list-running", ""]), "A/b\na-b\n");
    assert_eq!(city.ask(&["is-running", "a/b"]), "false\n");
}

#[test]
fn two_cities_leave_each_others_pods_alone() {
    let one = City::of_agents();
    for (name, other) in [("north/mayor", "north-mayor"), ("north/worker", "north-worker")] {
        one.start(name, LISTENER);
        one.start(other, LISTENER);
    }
    // A city stops what is its own, by its names.
    for name in one.ask(&["list-running", "north/"]).lines() {
        one.session(&["stop", name], "").expect(0);
    }
    assert_eq!(one.ask(&["list-running", ""]), "north-mayor\nnorth-worker\n");
}

#[test]
fn what_the_script_has_started_we_drive() {
    let city = City::of_agents();
    let pod = city.script_starts("rig/worker", "rig-worker", "rig-worker", LISTENER);
    assert_eq!(city.ask(&["list-running", ""]), "rig/worker\n");
    assert_eq!(city.ask(&["is-running", "rig/worker"]), "true\n");
    city.session(&["nudge", "rig/worker"], "hello;").expect(0);
    city.wait_for_file(&pod, "/workspace/heard", "hello;\n");
    city.session(&["set-meta", "rig/worker", "GC_DRAIN"], "1").expect(0);
    assert_eq!(city.ask(&["get-meta", "rig/worker", "GC_DRAIN"]), "1");
    assert_eq!(city.session(&["process-alive", "rig/worker"], "cat").expect(0).stdout, "true\n");
    let again = city.try_start("rig/worker", &json!({"command": LISTENER})).expect(1);
    assert!(again.stderr.contains("already exists"));
    city.session(&["stop", "rig/worker"], "").expect(0);
    assert!(pod.is_gone());
}

#[test]
fn what_we_have_started_the_script_drives() {
    let city = City::of_agents();
    let pod = city.start("rig/worker", LISTENER);
    assert_eq!(city.script_finds("rig-worker"), pod.name());
    let exec = |words: &[&str]| {
        let ran = city.cluster.kubectl(&[&["-n", NAMESPACE, "exec", pod.name(), "--"], words].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    exec(&["tmux", "has-session", "-t", "main"]);
    exec(&["tmux", "send-keys", "-t", "main", "typed by the script", "Enter"]);
    city.wait_for_file(&pod, "/workspace/heard", "typed by the script\n");
    exec(&["tmux", "set-environment", "-t", "main", "GC_DRAIN", "1"]);
    assert_eq!(city.ask(&["get-meta", "rig/worker", "GC_DRAIN"]), "1");
    city.session(&["set-meta", "rig/worker", "GC_DRAIN"], "2").expect(0);
    assert_eq!(exec(&["tmux", "show-environment", "-t", "main", "GC_DRAIN"]), "GC_DRAIN=2\n");
    let ran = city.cluster.kubectl(&["-n", NAMESPACE, "delete", "pod", "-l", "gc-session=rig-worker", "--grace-period=5"]);
    assert_eq!((ran.code, city.ask(&["is-running", "rig/worker"]).as_str()), (0, "false\n"));
}

/// Gas City's manifest tests put a kubectl in front that knows these calls, answers nothing on behalf of any pod, and fails at
/// any other call.
const STAND_IN: &str = r#"#!/bin/sh
printf '%s\n' "$*" | head -n 1 >>"$CALLS"
case " $* " in
*" get pods -l "*) ;;
*" get pod "*.status.initContainerStatuses*) printf true ;;
*" get pod "*.status.phase*) printf Running ;;
*" delete pod "*) ;;
*" wait --for=delete pod/"*) ;;
*" apply -f - "*) cat >"$MANIFEST" ;;
*" wait --for=condition=Ready pod/"*) ;;
*" exec "*) cat >/dev/null ;;
*)
	echo "unexpected kubectl call: $*" >&2
	exit 1
	;;
esac
"#;

#[rstest]
#[case::nothing_to_stage("", json!({}), &["ws", "claude-config"])]
#[case::a_rig("rig", json!({"session_setup": ["true"], "nudge": "hello"}), &["ws", "city", "claude-config"])]
fn a_start_needs_no_other_kubectl_than_gas_citys_own_tests_have(
    #[case] rig: &str,
    #[case] more: Value,
    #[case] volumes: &[&str],
) {
    let city = City::new().env("GC_K8S_IMAGE", IMAGE);
    let place = |name: &str| city.world.path(name).to_str().unwrap().to_owned();
    let (calls, manifest) = (place("calls"), place("manifest.json"));
    city.world.script("kubectl", STAND_IN);
    let mut payload = json!({"command": "echo hi", "work_dir": place("missing"), "env": {}});
    if !rig.is_empty() {
        payload["work_dir"] = json!(directory(&city, "city/rig", &[("code", "code")]));
        payload["env"] = json!({"GC_CITY": place("city"), "GC_DOLT_HOST": "dolt.example.com", "GC_DOLT_PORT": "4406"});
    }
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut command = city.command(PROVIDER, &["start", "mayor"]);
    command.env("CALLS", &calls).env("MANIFEST", &manifest);
    Ran::with_input(command, payload.to_string().as_bytes()).expect(0);
    let pod: Value = serde_json::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
    let mut names: Vec<_> =
        pod["spec"]["volumes"].as_array().unwrap().iter().map(|volume| volume["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut volumes = volumes.to_vec();
    volumes.sort_unstable();
    assert_eq!(names, volumes);
    let container = &pod["spec"]["containers"][0];
    let directory = if rig.is_empty() { "/workspace".to_owned() } else { format!("/workspace/{rig}") };
    assert_eq!(container["workingDir"], directory);
    let dolt = container["env"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|variable| variable["name"].as_str().unwrap().contains("DOLT"))
        .count();
    assert_eq!(dolt, if rig.is_empty() { 0 } else { 4 });
    let stage = pod["spec"]["initContainers"][0]["name"].as_str();
    assert_eq!(stage, (!rig.is_empty()).then_some("stage"));
}
