use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rstest::rstest;

use super::*;

fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The arguments of a command, one per line; the program is wherever this machine has kubectl.
fn argv(command: &Command) -> Vec<String> {
    command.get_args().map(|word| String::from_utf8_lossy(word.as_bytes()).into_owned()).collect()
}

fn everything() -> Cluster {
    Cluster { kubeconfig: Some("/home/me/.kube/other".into()), context: Some("do nyc1".into()), namespace: Some(name("factory")) }
}

fn nothing() -> Cluster {
    Cluster { kubeconfig: None, context: None, namespace: None }
}

#[test]
fn a_query_names_everything_in_one_word_each() {
    let container = name("worker");
    let command =
        everything().exec_command(&name("w-1"), Some(&container), &words(&["tmux", "-u", "list-sessions"]), None).unwrap();
    let expected = [
        "--kubeconfig=/home/me/.kube/other",
        "--context=do nyc1",
        "--namespace=factory",
        "exec",
        "pod/w-1",
        "--quiet",
        "--container=worker",
        "--",
        "tmux",
        "-u",
        "list-sessions",
    ];
    assert_eq!(argv(&command), expected);
}

#[test]
fn what_is_not_given_is_left_to_kubectl() {
    let command = nothing().exec_command(&name("w-1"), None, &words(&["true"]), None).unwrap();
    assert_eq!(argv(&command), ["exec", "pod/w-1", "--quiet", "--", "true"]);
}

#[test]
fn standard_input_is_asked_for_only_when_there_is_some() {
    let command = nothing().exec_command(&name("w-1"), None, &words(&["cat"]), Some("-i")).unwrap();
    assert_eq!(argv(&command), ["exec", "pod/w-1", "--quiet", "-i", "--", "cat"]);
}

#[test]
fn a_view_has_a_terminal() {
    let command = nothing().interactive(&name("w-1"), Some(&name("c")), &words(&["tmux", "attach", "-t", "$1:"])).unwrap();
    let expected = ["exec", "pod/w-1", "--quiet", "--container=c", "-it", "--", "tmux", "attach", "-t", "$1:"];
    assert_eq!(argv(&command), expected);
}

#[test]
fn a_command_that_looks_like_a_flag_stays_behind_the_dashes() {
    let command = nothing().exec_command(&name("w-1"), None, &words(&["--context=evil", "-it", "; rm"]), None).unwrap();
    assert_eq!(argv(&command), ["exec", "pod/w-1", "--quiet", "--", "--context=evil", "-it", "; rm"]);
}

fn finished(end: End, stdout: &str, stderr: &str) -> Finished {
    Finished { end, stdout: stdout.into(), stderr: stderr.into() }
}

#[test]
fn the_status_of_the_command_is_known_from_kubectls_last_line() {
    let done = finished(End::Exited(7), "out", "its own words\ncommand terminated with exit code 7\n");
    let output = understand(done).unwrap();
    assert_eq!(output, Output { status: 7, stdout: b"out".to_vec(), stderr: b"its own words\n".to_vec() });
}

#[rstest]
#[case(1, "command terminated with exit code 2\n")]
#[case(1, "command terminated with exit code 1\nerror: lost connection to pod\n")]
#[case(1, "")]
fn any_other_end_is_kubectls(#[case] status: i32, #[case] stderr: &str) {
    let failure = understand(finished(End::Exited(status), "", stderr)).unwrap_err();
    assert_eq!((failure.status(), failure.before_start), ("unreachable", false));
}

#[rstest]
#[case(
    126,
    "OCI runtime exec failed: exec failed: unable to start container process: exec: \"sh\": executable file not found in $PATH: unknown\n"
)]
#[case(
    255,
    "time=\"2025-03-01T10:00:00Z\" level=error msg=\"exec failed: unable to start container process: exec: \\\"sh\\\": executable file not found in $PATH\"\n"
)]
fn a_runtime_that_reports_a_missing_program_as_a_status_is_understood(#[case] status: i32, #[case] said: &str) {
    let stderr = format!("{said}command terminated with exit code {status}\n");
    let failure = understand(finished(End::Exited(status), "", &stderr)).unwrap_err();
    // The command might have printed this itself, so nothing is claimed about whether it ran.
    assert_eq!((failure.kind, failure.before_start), (Kind::NoShell, false));
}

#[test]
fn a_deadline_says_what_kubectl_was_struggling_with() {
    let stderr = "E1121 01:39:20.298328 16346 memcache.go:265] \"Unhandled Error\" err=\"couldn't get current server API group \
                  list: Get \\\"http://127.0.0.1:1/api\\\": read: connection reset by peer\"\n";
    let failure = understand(finished(End::Deadline, "", stderr)).unwrap_err();
    assert_eq!(failure.status(), "unreachable");
    assert!(failure.reason.starts_with("no answer within the deadline (kubectl: couldn't get current server"), "{failure}");
}

#[test]
fn an_answer_above_the_cap_is_incomplete() {
    let failure = understand(finished(End::TooLarge, "", "")).unwrap_err();
    assert_eq!((failure.status(), failure.before_start), ("incomplete", false));
}

#[test]
fn the_real_kubectl_says_its_version() {
    let version = version(Instant::now() + Duration::from_secs(60)).unwrap();
    assert!(version.starts_with("v1."), "{version}");
}

#[test]
fn a_kubeconfig_that_is_no_text_is_passed_on_as_it_is() {
    let cluster = Cluster { kubeconfig: Some(OsStr::from_bytes(b"/k\xff").into()), ..nothing() };
    let command = cluster.command().unwrap();
    assert_eq!(command.get_args().next().unwrap().as_bytes(), b"--kubeconfig=/k\xff");
}

#[test]
fn the_collector_is_off_unless_the_operator_has_said_something() {
    let environment = |set: &[&str]| {
        let mut command = Command::new("kubectl");
        switch_collector_off(&mut command, |name| set.contains(&name));
        command.get_envs().map(|(name, _)| name.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(environment(&[]), ["GOGC", "GOMEMLIMIT"]);
    assert!(environment(&["GOGC"]).is_empty());
    assert!(environment(&["GOMEMLIMIT"]).is_empty());
}
